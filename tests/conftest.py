"""The real parts every test may ask for: empty databases of both kinds, and a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import chromium
from support.postgres import Server, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser


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
