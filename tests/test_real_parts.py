"""The tests' own ground: what the fixtures promise is true."""

from __future__ import annotations

from playwright.sync_api import Browser
from sqlalchemy import create_engine, text
from support.postgres import Server, database_name

from nurture.store.database import Database
from nurture.store.migrate import current, latest


def test_each_test_gets_a_database_that_is_empty_and_writable(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE only_here (id INTEGER)"))
        connection.execute(text("INSERT INTO only_here VALUES (1)"))
        assert connection.execute(text("SELECT count(*) FROM only_here")).scalar_one() == 1
    engine.dispose()


def test_a_database_made_from_another_holds_its_tables(postgres: Server) -> None:
    with postgres.database() as original:
        engine = create_engine(original)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE copied (id INTEGER)"))
        engine.dispose()
        with postgres.database(template=database_name(original)) as copy:
            engine = create_engine(copy)
            with engine.begin() as connection:
                assert connection.execute(text("SELECT count(*) FROM copied")).scalar_one() == 0
            engine.dispose()


def test_a_migrated_database_is_at_the_newest_revision(database: Database) -> None:
    assert latest() is not None
    assert current(database) == latest()


def test_the_browser_shows_a_page(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<title>nurture</title><p>hello")
    assert page.title() == "nurture"
    page.close()
