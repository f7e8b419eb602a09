"""The real parts every test may ask for: empty databases of both kinds, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from support import chromium
from support.fresh import Fresh, copies
from support.postgres import Server, database_name, running

from nurture.collector import calm

settings.register_profile("nightly", max_examples=2000, deadline=None)

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from nurture.store.database import Database


def pytest_collection_finish() -> None:
    """What was imported by now stays; the collector need not look at it thousands of times."""
    calm()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'nurture.db'}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """This worker's PostgreSQL: the one NURTURE_TEST_POSTGRES names, else one from the wheel."""
    named = os.environ.get("NURTURE_TEST_POSTGRES")
    if named:
        yield Server("postgresql+psycopg://" + named.partition("://")[2])
        return
    with running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped after the test."""
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with today's tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "nurture.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def fresh_sqlite(migrated_sqlite: Path, tmp_path: Path) -> Fresh:
    """Gives the URL of one empty SQLite database after another, with its tables."""
    return copies(migrated_sqlite, tmp_path)


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Server) -> Iterator[str]:
    """The name of a PostgreSQL database with today's tables and no rows, to be copied."""
    with postgres.database() as url:
        _migrate(url)
        yield database_name(url)


@pytest.fixture
def migrated_sqlite_url(migrated_sqlite: Path, sqlite_url: str, tmp_path: Path) -> str:
    """The URL of a SQLite database with today's tables and no rows."""
    shutil.copy(migrated_sqlite, tmp_path / "nurture.db")
    return sqlite_url


@pytest.fixture
def migrated_postgres_url(postgres: Server, migrated_postgres: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with today's tables and no rows, dropped after the test."""
    with postgres.database(template=migrated_postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database with today's tables and no rows; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"migrated_{request.param}_url")
    return url


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """An open database with today's tables and no rows; the test runs once on each kind."""
    from nurture.store.database import Database

    opened = Database(migrated_url)
    yield opened
    opened.close()


def _migrate(url: str) -> None:
    from nurture.store.database import Database
    from nurture.store.migrate import migrate

    opened = Database(url)
    migrate(opened)
    opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium. Playwright keeps an event loop running meanwhile, so it lives no longer than a module."""
    path = chromium.executable()
    if path is None:
        pytest.skip(chromium.MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.QUIET))
        yield browser
        browser.close()
