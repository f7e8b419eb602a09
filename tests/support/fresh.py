"""One empty database after another."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

Fresh = Callable[[], str]
"""Gives the URL of one more empty database, with its tables."""


def copies(migrated: Path, folder: Path) -> Fresh:
    """Copies of an empty SQLite database, made in `folder`."""
    numbers = count()

    def copy() -> str:
        path = folder / f"fresh-{next(numbers)}.db"
        shutil.copy(migrated, path)
        return f"sqlite:///{path}"

    return copy
