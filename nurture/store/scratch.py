"""A copy of a database to try things on: whole, from one snapshot, and gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import insert, select

from nurture.core.errors import ConfigError
from nurture.store.base import metadata
from nurture.store.database import Connection, Database
from nurture.store.lone import Lone
from nurture.store.migrate import current, latest, migrate

AT_ONCE = 1_000
"""Rows that the verbs work on at a time: nobody else waits for what they lock."""
PAGE = 5_000
"""Rows of a table that are in memory at a time."""
LEAF = 65_536
"""Bytes of a page of a copy on which months are run: a row is found by fewer pages than with SQLite's usual 4,096, and
nobody waits for one to be written.
"""

UNASKED = ("ix_message_campaign", "ix_message_contact_claimed", "ix_enrollment_campaign", "ix_purchase_campaign",
           "ix_conversion_time")  # fmt: skip
"""Indexes for pages and reports, and for contacts who got thousands of emails; nobody looks at those of a copy."""


@contextmanager
def scratch_copy(source: Database | None) -> Iterator[Lone]:
    """A copy of `source` in a SQLite file of its own, whatever the source is, with this version's tables; `source` is
    only read, and waits for nothing. Of None, a project that has no database yet, it is an empty one. The copy is
    removed at the end.

    Raises ConfigError for a PostgreSQL database whose tables are of another version.
    """
    with scratch_database() as copy:
        if source is not None and source.is_sqlite:
            _lay_out(source, copy)
        elif source is not None and current(source) != latest():
            raise ConfigError("the database has another version's tables; `nurture doctor` brings it to this one")
        migrate(copy)
        if source is not None and not source.is_sqlite:
            _copy_rows(source, copy)
        yield copy


@contextmanager
def scratch_database() -> Iterator[Lone]:
    """An empty SQLite database without tables, which waits for no disk. It is removed at the end."""
    with TemporaryDirectory(prefix="nurture-scratch-", ignore_cleanup_errors=True) as directory:
        copy = Lone(Path(directory, "scratch.db"), AT_ONCE)
        try:
            yield copy
        finally:
            copy.close()


def copy_into(source: Lone, copy: Lone) -> None:
    """Make `copy` what `source` is, whatever it was. Not within a transaction of either."""
    for one in (source, copy):
        one.flush()
    # SQLite's own backup, all pages in one step.
    origin, target = source.engine.raw_connection(), copy.engine.raw_connection()
    try:
        _driver(origin).backup(_driver(target))
    finally:
        origin.close()
        target.close()
    # The pages say themselves how their file is kept; a new connection says it anew.
    copy.close()


def _lay_out(source: Database, copy: Lone) -> None:
    """Write the rows of `source`, from one snapshot and while others may write, into the file of a copy that is new."""
    origin = source.engine.raw_connection()
    try:
        # It changes nothing about `source`, whose pages are there.
        _driver(origin).execute(f"PRAGMA page_size = {LEAF}")
        _driver(origin).execute("VACUUM INTO ?", (str(copy.path),))
    finally:
        origin.close()


def _driver(connection: Any) -> Any:
    return connection.driver_connection


def _copy_rows(source: Database, copy: Database) -> None:
    with source.read() as origin, copy.write() as target:
        for table in metadata.sorted_tables:
            _copy_table(origin, target, table)


def _copy_table(origin: Connection, target: Connection, table: Any) -> None:
    target.execute(table.delete())
    rows = origin.execution_options(yield_per=PAGE).execute(select(table)).mappings()
    for some in rows.partitions(PAGE):
        target.execute(insert(table), [dict(row) for row in some])


def lighten(copy: Database) -> None:
    """Drop what is kept up to date with every email, and asked by nothing while time passes on a copy."""
    with copy.write() as connection:
        for name in UNASKED:
            connection.exec_driver_sql(f"DROP INDEX {name}")


def look_over(copy: Database) -> None:
    """Let SQLite count how many contacts are alike, so that it does not look for some of them among all of a stage.

    Of other tables it is told nothing: what it would count while columns are still empty misleads it when they fill.
    """
    with copy.write() as connection:
        connection.exec_driver_sql("ANALYZE contact")
