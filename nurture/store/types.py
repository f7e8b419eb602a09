"""Column types and SQL words that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ColumnElement, DateTime, Dialect, String, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; a naive one is refused. Microseconds since 1970 on SQLite, which has no such type."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    # Whole processors rather than `process_…` methods: a decorated call for each value was a tenth of a send.

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        return _microseconds if dialect.name == "sqlite" else _aware

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        return _instant if dialect.name == "sqlite" else _in_utc

    def process_literal_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return self.bind_processor(dialect)(value)


def _aware(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {value!r}")
    return value


# The same few instants are read and written over and over: those of the last looks, of windows and of waits.


@lru_cache(maxsize=20_000)
def _microseconds(value: datetime | None) -> int | None:
    return None if value is None else (_aware(value) - EPOCH) // MICROSECOND  # type: ignore[operator]


@lru_cache(maxsize=20_000)
def _instant(value: int | None) -> datetime | None:
    return None if value is None else EPOCH + timedelta(microseconds=value)


def _in_utc(value: datetime | None) -> datetime | None:
    return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)


class later(FunctionElement[datetime]):
    """`later(column, delta)`: an instant moved by a timedelta."""

    type = Instant()
    inherit_cache = True
    name = "later"

    def __init__(self, column: ColumnElement[Any], delta: timedelta) -> None:
        super().__init__(column, literal(delta // MICROSECOND, BigInteger()))


@compiles(later, "sqlite")
def _later_sqlite(element: later, compiler: SQLCompiler, **kw: Any) -> str:
    column, delta = element.clauses
    return f"({compiler.process(column, **kw)} + {compiler.process(delta, **kw)})"


@compiles(later, "postgresql")
def _later_postgres(element: later, compiler: SQLCompiler, **kw: Any) -> str:
    column, delta = element.clauses
    return f"({compiler.process(column, **kw)} + {compiler.process(delta, **kw)} * interval '1 microsecond')"


class plain(FunctionElement[Any]):
    """A text column's value, by which no index is chosen.

    Without statistics a database takes an index over all of a campaign for the rows of one contact, which is
    quadratic: SQLite always, PostgreSQL while the table is young.
    """

    inherit_cache = True
    name = "plain"

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.type = column.type
        super().__init__(column)


@compiles(plain, "sqlite")
def _plain_sqlite(element: plain, compiler: SQLCompiler, **kw: Any) -> str:
    return f"+{compiler.process(element.clauses, **kw)}"


@compiles(plain, "postgresql")
def _plain_postgres(element: plain, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)} || '')"


class smallest(FunctionElement[Any]):
    """The smallest of several values that is not null; null where all are."""

    inherit_cache = True
    name = "smallest"

    def __init__(self, *columns: ColumnElement[Any]) -> None:
        self.type = columns[0].type
        super().__init__(*columns)


@compiles(smallest, "postgresql")
def _smallest_postgres(element: smallest, compiler: SQLCompiler, **kw: Any) -> str:
    return f"least({compiler.process(element.clauses, **kw)})"


@compiles(smallest, "sqlite")
def _smallest_sqlite(element: smallest, compiler: SQLCompiler, **kw: Any) -> str:
    columns = [compiler.process(column, **kw) for column in element.clauses]
    if len(columns) == 1:
        return columns[0]
    values = " UNION ALL ".join(f"SELECT {column} AS v" for column in columns)
    return f"(SELECT min(v) FROM ({values}))"


Id = String(32).with_variant(String(32, collation="C"), "postgresql")
"""32 hex digits: random for contacts, derived for what belongs to them."""

Word = String(64).with_variant(String(64, collation="C"), "postgresql")
"""A name from a file or a fixed list."""

Key = String(400).with_variant(String(400, collation="C"), "postgresql")
"""An identity of the outside world: normalised address, order id."""

Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Flag = Boolean(create_constraint=False)
