"""Every test of the engine begins by starting a line, once on each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.line import Line, campaign, open_line

from nurture.actions.queries import Queries
from nurture.actions.release import Releases
from nurture.store.releases import set_meta

Start = Callable[..., Line]


def _salted(line: Line) -> Line:
    """The line with a salt of its own, so that what falls by lot falls so each time."""
    with line.database.write() as connection:
        set_meta(connection, "salt", "5a17")
    line.releases = Releases(line.database)
    line.queries = Queries(line.releases.current())
    return line


@pytest.fixture
def start(migrated_url: str) -> Iterator[Start]:
    """Starts a line with campaigns by name, or with one text as the campaign `first`."""
    opened: list[Line] = []

    def begin(campaigns: Any = "", **more: Any) -> Line:
        named = {"first": campaigns or campaign()} if isinstance(campaigns, str) else campaigns
        opened.append(_salted(open_line(migrated_url, named, **more)))
        return opened[-1]

    yield begin
    for line in opened:
        line.database.close()
