"""Shops on empty databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imports.shop import Shop
from nurture.store.database import Database
from nurture.store.migrate import migrate


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A shop on a database of each kind."""
    database = Database(database_url)
    migrate(database)
    yield Shop(database, tmp_path)
    database.close()


@pytest.fixture
def small_shop(sqlite_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A shop on SQLite, for what no database decides."""
    database = Database(sqlite_url)
    migrate(database)
    yield Shop(database, tmp_path)
    database.close()
