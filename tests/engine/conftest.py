"""Every test of the engine begins by starting a line, once on each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.line import Line, campaign, open_line

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
