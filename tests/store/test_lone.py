"""A database that one thread has to itself: what is written stays, what fails is undone, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from nurture.store import lone
from nurture.store.lone import Lone
from nurture.store.migrate import migrate
from nurture.store.releases import get_meta, set_meta
from nurture.store.tables import meta


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Lone]:
    opened = Lone(tmp_path / "lone.db", 500)
    migrate(opened)
    yield opened
    opened.close()


def kept(database: Lone) -> dict[str, str]:
    with database.read() as connection:
        return {row[0]: row[1] for row in connection.execute(select(meta)) if row[0] in "abcd"}


def test_what_fails_is_undone_and_what_was_before_stays(database: Lone) -> None:
    with database.write() as connection:
        set_meta(connection, "a", "1")
    with pytest.raises(RuntimeError), database.write() as connection:
        set_meta(connection, "b", "2")
        raise RuntimeError
    assert kept(database) == {"a": "1"}


def test_what_is_begun_within_a_transaction_is_undone_alone(database: Lone) -> None:
    with database.write() as outer:
        set_meta(outer, "a", "1")
        with pytest.raises(RuntimeError), database.write() as inner:
            set_meta(inner, "b", "2")
            raise RuntimeError
        with database.write() as inner:
            set_meta(inner, "c", "3")
    assert kept(database) == {"a": "1", "c": "3"}


def test_and_is_undone_with_what_it_is_a_part_of(database: Lone) -> None:
    with pytest.raises(RuntimeError), database.write():
        with database.write() as inner:
            set_meta(inner, "a", "1")
        raise RuntimeError
    assert kept(database) == {}


def test_what_is_read_within_a_transaction_is_what_it_wrote(database: Lone) -> None:
    with database.write() as connection:
        set_meta(connection, "a", "1")
        with database.read() as other:
            assert get_meta(other, "a") == "1"


def test_of_what_is_tried_nothing_stays(database: Lone) -> None:
    with database.undone() as connection:
        set_meta(connection, "a", "1")
        with database.write() as inner:
            set_meta(inner, "b", "2")
        assert kept(database) == {"a": "1", "b": "2"}
    assert kept(database) == {}


def test_all_of_it_is_in_the_file_when_it_is_closed(database: Lone, tmp_path: Path) -> None:
    with database.write() as connection:
        set_meta(connection, "a", "1")
    database.close()
    with sqlite3.connect(tmp_path / "lone.db") as plain:
        assert plain.execute("SELECT value FROM meta WHERE key = 'a'").fetchall() == [("1",)]


def test_much_of_it_is_written_before(database: Lone, tmp_path: Path) -> None:
    size = (tmp_path / "lone.db").stat().st_size
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE many (word TEXT)")
        rows = [(f"{number:040}",) for number in range(lone.MANY + 1)]
        connection.exec_driver_sql("INSERT INTO many VALUES (?)", rows)
    assert (tmp_path / "lone.db").stat().st_size > size + 40 * lone.MANY


def test_it_goes_on_after_it_was_closed(database: Lone) -> None:
    with database.write() as connection:
        set_meta(connection, "a", "1")
    database.close()
    with database.write() as connection:
        set_meta(connection, "b", "2")
    assert kept(database) == {"a": "1", "b": "2"}


def test_of_one_that_forgoes_undoing_all_stays_that_was_written(database: Lone, tmp_path: Path) -> None:
    with database.write() as connection:
        set_meta(connection, "a", "1")
    database.forgo_undo()
    with database.write() as connection:
        set_meta(connection, "b", "2")
        with database.write() as inner:
            set_meta(inner, "c", "3")
    assert kept(database) == {"a": "1", "b": "2", "c": "3"}
    database.close()
    with sqlite3.connect(tmp_path / "lone.db") as plain:
        assert plain.execute("SELECT count(*) FROM meta WHERE key IN ('a', 'b', 'c')").fetchall() == [(3,)]


def test_what_fails_on_one_that_forgoes_undoing_is_the_last_of_it(database: Lone) -> None:
    database.forgo_undo()
    with pytest.raises(ValueError, match="too much"), database.write() as connection:
        set_meta(connection, "a", "1")
        raise ValueError("too much")
    with pytest.raises(RuntimeError, match="half changed"):
        kept(database)


def test_nothing_can_be_tried_on_one_that_forgoes_undoing(database: Lone) -> None:
    database.forgo_undo()
    with pytest.raises(RuntimeError, match="nothing is undone"), database.undone():
        pass
    assert kept(database) == {}
