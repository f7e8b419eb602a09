"""What tests of seeing stand on: a line, once on each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from support.line import Line, campaign, open_line
from support.postgres import Server

from seeing.world import live_through

Start = Callable[..., Line]


@pytest.fixture
def start(migrated_url: str) -> Iterator[Start]:
    """Starts a line with campaigns by name, or with one text as the campaign `first`."""
    opened: list[Line] = []

    def begin(campaigns: Any = "", **more: Any) -> Line:
        named = {"first": campaigns or campaign()} if isinstance(campaigns, str) else campaigns
        opened.append(open_line(migrated_url, named, **more))
        return opened[-1]

    yield begin
    for line in opened:
        line.database.close()


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A database in which everything has happened, once on each kind; for looking only."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('lived')}/nurture.db"
        else:
            server: Server = request.getfixturevalue("postgres")
            url = stack.enter_context(server.database())
        line = live_through(url)
        yield line
        line.database.close()
