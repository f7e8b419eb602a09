"""What a plan says is what then happens: on both databases, for any campaigns, people and ticks."""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fresh import Fresh
from support.line import MONDAY, PROJECT, Ledger, Line, open_line, project_files

from nurture.actions.check import check_files
from nurture.actions.plan import Plan, Wanted, plan, tried
from nurture.actions.publish import publish
from nurture.core.errors import ProjectError
from nurture.providers.base import Accepted
from nurture.store import tables
from nurture.store.foreseen import What

from .test_properties import (
    DEEDS,
    LIFE,
    LIMITS,
    POOL,
    answering,
    campaigns,
    do,
    few,
    fresh_postgres,
)

__all__ = ["fresh_postgres"]

DST = datetime(2026, 3, 26, 17, 30, tzinfo=MONDAY.tzinfo)
"""Before the clocks of Berlin go forward, and after those of New York did."""

ZONES = ("America/New_York", "Australia/Lord_Howe", "Europe/Berlin", "Asia/Kathmandu", None)
TICKS = (timedelta(seconds=1), timedelta(seconds=47), timedelta(minutes=10), timedelta(minutes=37), timedelta(hours=1))
FREE = "limits: {per_contact: [2 per 36 hours], per_hour: 9, per_day: 14}\nholdout: 10%\n"
TRIAL = """\
title: A trial
status: live
topic: offers
audience: {}
enter: {look: daily at 10:00, backfill: yes}
re_enter: 1 day after leaving
overlap: allow
goal: {purchased: {since: entry}, claimed_within: {click: 7 days, email: 3 days}, measured_over: 45 days}
limits: {per_account: [1 per 24 hours]}
steps:
  - id: try
    send: hello
    otherwise: continue
    variants: [{id: one, subject: One}, {id: two, subject: Two}]
    winner: {by: clicked, after_each: 3 delivered, sample: 50%}
  - {id: gift, send: second, coupon: {pool: spring, valid_for: 2 days}}
"""


def owed(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Contact, campaign, step, variant and time due of every email, with what became of it and when."""
    names = ("contact_id", "campaign", "step", "variant", "planned_at", "state", "reason", "claimed_at", "due_at")
    return sorted((tuple(row[name] for name in names) for row in rows), key=repr)


def ways(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("contact_id", "campaign", "ordinal", "arm", "state", "step", "entered_at", "due_at", "ended_at", "reason")
    return sorted((tuple(row[name] for name in names) for row in rows), key=repr)


def live_on(line: Line, tick: timedelta, end: datetime, chance: random.Random) -> None:
    """As a service does that looks every tick, where nobody says anything; of very short ticks, some are passed over
    on which nothing is due."""
    began = line.clock()
    line.pass_()
    while True:
        after = line.clock()
        if tick >= timedelta(minutes=10):
            following = after + tick
        else:
            due = min(line.next_due() or end, after + timedelta(hours=chance.randint(1, 9)))
            following = began + max(-((began - due) // tick), (after - began) // tick + 1) * tick
        if following >= end:
            line.clock.at = end
            return
        line.clock.at = following
        line.pass_()


def begun(url: str, files: dict[str, str], seed: int, at: datetime) -> Line:
    """A line on which things happened already."""
    chance = random.Random(seed)
    line = open_line(url, files, project=PROJECT + LIFE + LIMITS + POOL, provider=Ledger(answer=answering(seed)), at=at)
    for number in range(8):
        since = at - timedelta(days=chance.choice([0, 5, 40]))
        consents = ("offers",) if number else ()
        stage = chance.choice([None, None, "customer", "former"])
        line.add_contact(
            f"p{number}", consents=consents, timezone=chance.choice(ZONES), signed_up_at=since, stage=stage
        )
    for stretch in range(3):
        line.bring(f"C{stretch}")
        line.pass_()
        for _ in range(chance.randint(0, 4)):
            do(line, f"p{chance.randint(0, 7)}", chance.choice(DEEDS), chance)
        line.clock.forward(minutes=chance.choice([1, 45, 60 * 7, 60 * 26]))
        line.pass_()
    line.clock.forward(minutes=chance.choice([0, 13]))
    line.provider.answer = lambda _: Accepted()
    return line


def counted(plan: Plan, what: What) -> Counter[tuple[str, str | None]]:
    found: Counter[tuple[str, str | None]] = Counter()
    for one in plan.figures:
        if one.what == what:
            found[one.campaign, one.step] += one.count
    return found


def foretell(url: str, story: dict[str, str], edited: dict[str, str], seed: int, tick: timedelta, at: datetime) -> None:
    line = begun(url, story, seed, at)
    try:
        files = {**line.files, **{f"campaigns/{name}.yaml": text for name, text in edited.items()}}
        files["nurture.yaml"] = PROJECT + LIFE + (LIMITS if seed % 2 else FREE) + POOL
        checked, wanted = check_files(files), Wanted(days=5, tick=tick)
        before = line.messages(state="accepted")
        try:
            with tried(line.database, checked, line.emails.signer, line.clock(), wanted) as found:
                with found.copy.read() as connection:
                    messages = [dict(row) for row in connection.execute(tables.message.select()).mappings()]
                    inside = [dict(row) for row in connection.execute(tables.enrollment.select()).mappings()]
                end = found.days.end
        except ProjectError as refused:
            with pytest.raises(ProjectError, match=re.escape(str(refused))):
                publish(line.releases, checked, line.clock())
            return
        said = plan(line.database, checked, line.emails.signer, line.clock(), wanted)
        assert line.messages(state="accepted") == before
        line.publish(files["nurture.yaml"], **edited)
        live_on(line, tick, end, random.Random(seed))
        assert owed(messages) == owed(line.messages())
        assert ways(inside) == ways(line.enrollments())
        known = {row["id"] for row in before}
        left = [row for row in line.messages(state="accepted") if row["id"] not in known]
        sent = Counter((row["campaign"], row["step"]) for row in left)
        assert counted(said, What.SENT) == sent
        assert said.summary.emails == sum(sent.values())
    finally:
        line.database.close()


def right(text: str) -> bool:
    """Whether a campaign can run."""
    return not check_files(project_files(PROJECT + POOL, {"one": text})).errors


runnable = campaigns().filter(right)
stories = st.fixed_dictionaries({"first": runnable, "second": runnable})
edits = st.one_of(st.just({}), st.fixed_dictionaries({"second": runnable}), st.just({"third": TRIAL}))
seeds = st.integers(0, 10**6)
ticks = st.sampled_from(TICKS)
moments = st.sampled_from([MONDAY, DST])


@few(8)
@given(story=stories, edited=edits, seed=seeds, tick=ticks, at=moments)
def test_what_a_plan_says_is_what_then_happens(
    fresh_sqlite: Fresh, story: dict[str, str], edited: dict[str, str], seed: int, tick: timedelta, at: datetime
) -> None:
    foretell(fresh_sqlite(), story, edited, seed, tick, at)


@few(2)
@given(story=stories, edited=edits, seed=seeds, tick=ticks, at=moments)
def test_the_same_on_postgres(
    fresh_postgres: Fresh, story: dict[str, str], edited: dict[str, str], seed: int, tick: timedelta, at: datetime
) -> None:
    foretell(fresh_postgres(), story, edited, seed, tick, at)
