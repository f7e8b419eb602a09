"""The engine dies between any two statements, and whoever comes after finds everything in order."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from support.line import NIGHTLY
from support.postgres import Server, database_name

from .kills import judge, prepare, tell

Copy = Callable[[], str]


@pytest.fixture(params=["sqlite", "postgres"])
def copies(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Copy]:
    """Gives the URL of a fresh copy of a prepared database, as often as it is called."""
    if request.param == "sqlite":
        original = tmp_path / "prepared.db"
        prepare(f"sqlite:///{original}")
        numbers = count()

        def copy_file() -> str:
            target = tmp_path / f"copy-{next(numbers)}.db"
            shutil.copy(original, target)
            return f"sqlite:///{target}"

        yield copy_file
        return
    server: Server = request.getfixturevalue("postgres")
    with server.database() as url:
        prepare(url)
        made: list[str] = []

        def copy_database() -> str:
            made.append(server.create(database_name(url)))
            return server.url(made[-1])

        yield copy_database
        for name in made:
            server.drop(name)


def points(copies: Copy) -> int:
    """How many points the story has when nobody dies."""
    whole = tell(copies(), frozenset())
    try:
        judge(whole)
        states = [row["state"] for row in whole.line.messages()]
        # How many there are is for the lot to say, which holds some out.
        assert len(states) >= whole.taken.total() > 3 and "unknown" not in states
    finally:
        whole.line.database.close()
    return whole.killer.seen


def survive(copies: Copy, at: frozenset[int]) -> None:
    story = tell(copies(), at)
    try:
        judge(story)
    except AssertionError as error:
        raise AssertionError(f"killed at {sorted(at)}: {error}") from None
    finally:
        story.line.database.close()


def test_it_survives_a_death_at_any_statement(copies: Copy, request: pytest.FixtureRequest) -> None:
    last = points(copies)
    stride = 1 if NIGHTLY else 149 if "sqlite" in request.node.name else 401
    for point in range(1, last + 1, stride):
        survive(copies, frozenset({point}))


def test_it_survives_many_deaths_at_random(copies: Copy) -> None:
    last = points(copies)
    for seed in range(200 if NIGHTLY else 1):
        chosen = random.Random(seed)
        survive(copies, frozenset(chosen.sample(range(1, last), 6)))
