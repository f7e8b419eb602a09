"""The one way to the database: engines set up right, short transactions, bulk statements for both dialects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import orjson
from sqlalchemy import (
    URL,
    Column,
    Engine,
    Select,
    Table,
    bindparam,
    create_engine,
    event,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy import Connection as Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql.dml import Insert

from nurture.core.errors import ConfigError
from nurture.store.prepared import IDS, ask, change_each, dumps

BATCH = 500
"""Rows one statement or transaction works on; a bound on memory and on how long a lock is held."""

PRAGMAS = (
    "journal_mode=WAL", "busy_timeout=30000", "foreign_keys=ON", "cache_size=-65536", "temp_store=MEMORY",
    "mmap_size=268435456",
)  # fmt: skip
"""What every new connection to a SQLite file is told."""


_CONNECT = {"check_same_thread": False, "cached_statements": 1_000}
"""How SQLite's driver is opened; it keeps so many statements parsed."""


def _begin(connection: Connection) -> None:
    # A deferred transaction that later writes fails at once when another writer came first, whatever the timeout.
    mode = connection.get_execution_options().get("nurture_mode", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {mode}")


class Database:
    """An open database. Give it to many threads; each transaction takes a connection of its own.

    The path of a SQLite file is meant from `directory`. Only what nobody would miss is not `durable`: a SQLite
    database then waits for no disk, and may not survive power loss. The verbs work on so many rows at a time as
    `batch` says: more are quicker, and hold their locks longer.
    """

    _pool: ClassVar[Mapping[str, Any]] = {"pool_size": 8, "max_overflow": 24}

    def __init__(
        self, url: str | URL, directory: Path | None = None, *, durable: bool = True, batch: int = BATCH
    ) -> None:
        self.url, self.batch = make_url(url), batch
        # An intent must survive power loss, which NORMAL does not promise in WAL.
        self._pragmas = [*PRAGMAS, f"synchronous={'FULL' if durable else 'OFF'}"]
        if directory and self.url.get_backend_name() == "sqlite" and self.url.database:
            self.url = self.url.set(database=str(directory / self.url.database))
        self.engine = self._engine()
        self.is_sqlite = self.engine.dialect.name == "sqlite"

    def _engine(self) -> Engine:
        if self.url.get_backend_name() == "sqlite":
            engine = create_engine(self.url, json_serializer=dumps, json_deserializer=orjson.loads,
                                   connect_args=_CONNECT, **self._pool)  # fmt: skip
            event.listen(engine, "connect", self._tell)
            event.listen(engine, "begin", _begin)
            return engine
        try:
            return create_engine(self.url, json_serializer=dumps, json_deserializer=orjson.loads, pool_pre_ping=True,
                                 connect_args={"options": "-c timezone=UTC -c synchronous_commit=on"},
                                 **self._pool)  # fmt: skip
        except ModuleNotFoundError:
            raise ConfigError("PostgreSQL needs its driver; install it with: pip install 'nurture[postgres]'") from None

    def _tell(self, connection: Any, _record: Any) -> None:
        # sqlite3's own transaction handling would begin late and deferred; nurture says BEGIN itself.
        connection.isolation_level = None
        for pragma in tuple(self._pragmas):
            connection.execute(f"PRAGMA {pragma}")

    @contextmanager
    def told(self, *pragmas: str) -> Iterator[None]:
        """Connections of this while tell a SQLite file these as well; others are left as they are."""
        if not (self.is_sqlite and self.url.database):
            yield
            return
        self._pragmas += pragmas
        self.close()
        try:
            yield
        finally:
            for pragma in pragmas:
                self._pragmas.remove(pragma)
            self.close()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write; on SQLite it waits for its turn before it reads."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads, from one snapshot."""
        options = {"nurture_mode": "DEFERRED"} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def undone(self) -> Iterator[Connection]:
        """One transaction in which anything may be tried; nothing of it stays."""
        with self.engine.connect() as connection:
            transaction = connection.begin()
            try:
                yield connection
            finally:
                transaction.rollback()

    def ping(self) -> None:
        """Raise ConfigError when the database cannot be reached."""
        try:
            with self.read() as connection:
                connection.exec_driver_sql("SELECT 1")
        except OperationalError as error:
            raise ConfigError(f"the database {self.url.render_as_string()} cannot be reached: {error.orig}") from None

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; those whose key is there already are left as they are."""
    if rows:
        change_each(connection, _insert_new(connection.dialect.name, table), rows)


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], keep: Iterable[str] = ()) -> None:
    """Insert rows, or overwrite the columns given of those that are there, but for the key and those to `keep`."""
    if rows:
        change_each(connection, _upsert(connection.dialect.name, table, tuple(rows[0]), frozenset(keep)), rows)


# To build one of these costs as much as to run it on a few rows, and there are not many of them.


@cache
def _insert(table: Table) -> Any:
    return insert(table)


@cache
def _insert_new(dialect: str, table: Table) -> Any:
    return _dialect_insert(dialect, table).on_conflict_do_nothing()


@cache
def _upsert(dialect: str, table: Table, names: tuple[str, ...], keep: frozenset[str]) -> Any:
    statement = _dialect_insert(dialect, table)
    left = {column.name for column in table.primary_key} | keep
    changes = {name: statement.excluded[name] for name in names if name not in left}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes)


@cache
def _update(table: Table, named: tuple[str, ...], changes: tuple[str, ...], guarded: tuple[str, ...]) -> Any:
    def bound(prefix: str, name: str) -> Any:
        return bindparam(f"{prefix}_{name}", type_=table.c[name].type)

    statement = update(table).values({name: bound("new", name) for name in changes})
    return statement.where(
        *(table.c[name] == bound("key", name) for name in named),
        *(table.c[name] == bound("still", name) for name in guarded),
    )


@cache
def _called(named: tuple[str, ...], changes: tuple[str, ...], guarded: tuple[str, ...]) -> Mapping[str, str]:
    still = {f"still_{name}": f"still_{name}" for name in guarded}
    return {f"new_{name}": name for name in changes} | {f"key_{name}": name for name in named} | still


def _dialect_insert(dialect: str, table: Table) -> Any:
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


def insert_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows whose keys are known to be new."""
    if rows:
        change_each(connection, _insert(table), rows)


def insert_from(connection: Connection, table: Table, columns: Sequence[str], source: Select[Any]) -> Insert:
    """An insert of what `source` selects, leaving rows that are there already."""
    statement: Insert = (
        _dialect_insert(connection.dialect.name, table).from_select(list(columns), source).on_conflict_do_nothing()
    )
    return statement


def update_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str] | None = None,
    guard: Mapping[str, Any] | None = None,
) -> int:
    """Set the other columns of each row by its `keys` (the primary key unless said); `guard` columns must still equal.

    Returns how many rows were changed, where the driver tells.
    """
    if not rows:
        return 0
    named = tuple(keys or (column.name for column in table.primary_key))
    changes = tuple(name for name in rows[0] if name not in named)
    if guard:
        still = {f"still_{name}": value for name, value in guard.items()}
        rows = [{**row, **still} for row in rows]
    statement = _update(table, named, changes, tuple(guard or ()))
    return change_each(connection, statement, rows, _called(named, changes, tuple(guard or ())))


def look_up(connection: Connection, key: Any, value: Any, wanted: Iterable[str]) -> dict[str, str]:
    """By the column `key`, the column `value` of the rows whose key is wanted."""
    found: dict[str, str] = {}
    for some in chunks(sorted(set(wanted))):
        found.update((row[0], row[1]) for row in ask(connection, _looked_up(key, value), {"ids": some}))
    return found


@cache
def _looked_up(key: Any, value: Any) -> Select[Any]:
    return select(key, value).where(key.in_(IDS))


def chunks(items: Sequence[Any], size: int = BATCH) -> Iterator[Sequence[Any]]:
    """`items` in runs of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def column_names(table: Table) -> list[str]:
    """The names of a table's columns."""
    return [column.name for column in _columns(table)]


def _columns(table: Table) -> list[Column[Any]]:
    return list(table.columns)
