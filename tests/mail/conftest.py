"""Every test here begins by starting a line, once on each kind of database, with a Maildir on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.line import PROJECT, Line, open_line

Start = Callable[..., Line]


@pytest.fixture
def start(migrated_url: str) -> Iterator[Start]:
    """Starts a line with one campaign's text."""
    opened: list[Line] = []

    def begin(campaign: str, **more: Any) -> Line:
        opened.append(open_line(migrated_url, {"first": campaign}, project=PROJECT, **more))
        return opened[-1]

    yield begin
    for line in opened:
        line.database.close()


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """An empty Maildir."""
    folder = tmp_path / "Maildir"
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    return folder
