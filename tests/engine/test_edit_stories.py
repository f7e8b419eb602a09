"""Random campaigns whose files change at random while random people are under way: what must hold, holds."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from support.fresh import Fresh
from support.line import MONDAY, PROJECT, Ledger, Line, open_line, project_files

from nurture.actions.check import check_files
from nurture.core.errors import ProjectError

from .test_properties import (
    DEEDS,
    LIFE,
    LIMITS,
    POOL,
    ZONES,
    answering,
    campaigns,
    do,
    few,
    judge,
)
from .test_properties import fresh_postgres as fresh_postgres

WHOLE = PROJECT + LIFE + LIMITS + POOL
MODES = ("follow", "follow", "finish", "restart", "exit")


def ids(text: str) -> list[str]:
    return re.findall(r"\{id: ([\w-]+)", text)


def edits(before: str, after: str, chance: random.Random) -> Iterator[str]:
    """The file `after` as an edit of `before`: some steps have another id, and those that are gone are told of."""
    kept = [name for name in ids(after) if name in ids(before) and name != "s0"]
    moved = {name: f"{name}-{chance.randint(1, 10**6)}" for name in kept if chance.random() < 0.4}
    for old, new in moved.items():
        after = after.replace(f"{{id: {old},", f"{{id: {new},")
    gone = {name: chance.choice(["next", "exit"]) for name in ids(before) if name not in {*ids(after), *moved}}
    said = {"edits": chance.choice(MODES), "moved": moved, "removed": gone}
    yield after + _keys(said)
    # What may not be while people are under way, may be where they finish or begin anew.
    yield after + _keys(said | {"edits": chance.choice(["finish", "restart"])})


def _keys(said: dict[str, object]) -> str:
    return "".join(f"{key}: {str(value).replace(chr(39), '')}\n" for key, value in said.items() if value)


def publish(line: Line, name: str, versions: Iterator[str]) -> bool:
    """Publish the first of the versions that is not refused."""
    for text in versions:
        before = dict(line.files)
        try:
            line.publish(**{name: text})
        except ProjectError as error:
            assert {one.rule for one in error.problems} <= {"sent-twice", "step-reused", "moved-onto"}
            line.files = before
        else:
            return True
    return False


def tell(url: str, texts: list[str], seed: int) -> Counter[str]:
    """Thirty or so days in which the file changes again and again; what happened to it, counted."""
    chance, told = random.Random(seed), Counter[str]()
    line = open_line(url, {"first": texts[0]}, project=WHOLE, provider=Ledger(answer=answering(seed)))
    now = texts[0]
    try:
        people = [f"p{number}" for number in range(6)]
        for who in people:
            stage = chance.choice([None, None, "customer", "former"])
            line.add_contact(who, timezone=chance.choice(ZONES), signed_up_at=MONDAY, stage=stage)
        for stretch in range(12):
            line.bring(f"C{stretch}")
            line.pass_()
            if stretch % 2:
                found = publish(line, "first", edits(now, texts[1 + stretch // 2 % (len(texts) - 1)], chance))
                told["published" if found else "refused"] += 1
                now = line.files["campaigns/first.yaml"]
                if chance.random() < 0.5:
                    line.pass_()
                judge(line)
            for _ in range(chance.randint(0, 3)):
                do(line, chance.choice(people), chance.choice(DEEDS), chance)
            line.clock.forward(minutes=chance.choice([1, 45, 60 * 7, 60 * 26, 60 * 80]))
            line.pass_()
        judge(line)
        told.update(row["reason"] for row in line.enrollments() if row["reason"])
        return told
    finally:
        line.database.close()


def right(text: str) -> bool:
    """Whether `check` lets the file run."""
    return not check_files(project_files(WHOLE, {"first": text}, {})).errors


versions = st.lists(campaigns().filter(right), min_size=3, max_size=5)


@few(6)
@given(texts=versions, seed=st.integers(0, 10**6))
def test_however_files_change_every_guarantee_holds(fresh_sqlite: Fresh, texts: list[str], seed: int) -> None:
    assert tell(fresh_sqlite(), texts, seed)["published"]


@few(2)
@given(texts=versions, seed=st.integers(0, 10**6))
def test_the_same_edits_on_postgres(fresh_postgres: Fresh, texts: list[str], seed: int) -> None:
    assert tell(fresh_postgres(), texts, seed)["published"]
