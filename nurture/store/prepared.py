"""Statements that are built once and run often: on SQLite compiled once, and run by the driver itself.

What SQLAlchemy does around a statement takes as long as SQLite takes to answer one of these. PostgreSQL's driver
prepares statements of its own, and is across a socket.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import repeat
from operator import itemgetter
from typing import Any, Literal

import orjson
from sqlalchemy import BindParameter, ColumnElement, Connection, Integer, bindparam
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from nurture.store.types import Instant

IDS: BindParameter[Any] = bindparam("ids", expanding=True)
"""The contacts, or whatever else has keys, that a statement is about."""
MOST = bindparam("most", type_=Integer())
"""How many rows a statement may bring."""
NOW: ColumnElement[Any] = bindparam("now", type_=Instant())
"""The instant (aware UTC) asked about."""
SINCE: ColumnElement[Any] = bindparam("since", type_=Instant())

_NOTHING = "SELECT 1 WHERE 0"
"""Of an empty list, which SQLite would read a whole table for."""

_KEPT = 2_000
"""Statements kept compiled: those of several releases."""


def dumps(value: Any) -> str:
    """A value as JSON."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


_SQLITE = sqlite.dialect(json_serializer=dumps, json_deserializer=orjson.loads)


def ask(connection: Connection, statement: Any, values: Mapping[str, Any]) -> Sequence[Any]:
    """The rows that `statement`, which is built once and kept, brings for the values of its bound names."""
    if connection.dialect.name != "sqlite":
        return connection.execute(statement, values).all()
    asked = _prepared(statement)
    return asked.read(_run(connection, asked, values).fetchall())


def ask_column(connection: Connection, statement: Any, values: Mapping[str, Any]) -> list[Any]:
    """The first column of what it brings."""
    return [row[0] for row in ask(connection, statement, values)]


def change(connection: Connection, statement: Any, values: Mapping[str, Any]) -> int:
    """Run a statement, which is built once and kept, that changes rows. Returns how many."""
    if connection.dialect.name != "sqlite":
        return connection.execute(statement, values).rowcount
    return int(_run(connection, _prepared(statement), values).rowcount)


Row = Mapping[str, Any]


def change_each(
    connection: Connection, statement: Any, rows: Sequence[Row], called: Mapping[str, str] = {}
) -> int:
    """Run `statement`, which is built once and kept, for each of the rows; all rows have the names of the first.

    Where it asks by other names than the rows have, `called` says what they call each of them. Returns how many rows
    were changed, where the driver tells.
    """
    if connection.dialect.name != "sqlite":
        named = [{name: row[own] for name, own in called.items()} for row in rows] if called else list(rows)
        return connection.execute(statement, named).rowcount
    text, places = _prepared_many(statement, tuple(called.items()) or tuple((name, name) for name in rows[0]))
    # Column by column, which is done without a line of Python for a value.
    columns = [place(rows) for place in places]
    return int(_driven(connection, "executemany", text, zip(*columns, strict=True)).rowcount)


class _Prepared:
    """A statement as SQLite is given it."""

    def __init__(self, statement: Any) -> None:
        compiled = statement.compile(dialect=_SQLITE)
        self._text = str(compiled)
        self._order: list[str] = compiled.positiontup
        self._bind = {name: compiled.binds[name].type.dialect_impl(_SQLITE).bind_processor(_SQLITE)
                      for name in dict.fromkeys(self._order)}  # fmt: skip
        self._lists = {name for name in self._bind if compiled.binds[name].expanding}
        self._given = [name for name in self._bind if compiled.binds[name].required]
        self._fixed = {name: self._bound(name, compiled.params[name]) for name in self._bind if name not in self._given}
        self._texts: dict[tuple[int, ...], str] = {}
        means = [one.type.dialect_impl(_SQLITE).result_processor(_SQLITE, None) for one in compiled._result_columns]
        self._means = [(place, mean) for place, mean in enumerate(means) if mean]

    def said(self, values: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        """The text and what is bound to its places."""
        told = self._fixed | {name: self._bound(name, values[name]) for name in self._given}
        bound: list[Any] = []
        for name in self._order:
            bound.extend(told[name]) if name in self._lists else bound.append(told[name])
        sizes = tuple([len(told[name]) for name in self._lists])
        if sizes not in self._texts:
            self._texts[sizes] = self._spelled(told)
        return self._texts[sizes], bound

    def read(self, rows: list[Any]) -> list[Any]:
        """What the rows that SQLite brings mean."""
        if not (self._means and rows):
            return rows
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for place, mean in self._means:
            columns[place] = map(mean, columns[place])
        return list(zip(*columns, strict=True))

    def _bound(self, name: str, value: Any) -> Any:
        bind = self._bind[name]
        if name not in self._lists:
            return bind(value) if bind else value
        return _padded([bind(one) for one in value] if bind else list(value))

    def _spelled(self, told: Mapping[str, Any]) -> str:
        text = self._text
        for name in self._bind:
            places = len(told[name]) if name in self._lists else 1
            text = text.replace(f"__[POSTCOMPILE_{name}]", ", ".join("?" * places) or _NOTHING)
        return text


def _padded(values: list[Any]) -> list[Any]:
    """The same with the last one repeated, so that there are few texts for all lengths: SQLite keeps them parsed."""
    size = 1
    while size < len(values):
        size *= 4
    return values + values[-1:] * (size - len(values)) if values and size <= 16_384 else values


@lru_cache(maxsize=_KEPT)
def _prepared(statement: Any) -> _Prepared:
    return _Prepared(statement)


Column = Callable[[Sequence[Row]], Iterable[Any]]
"""Of rows to be written, one column as it is bound."""


@cache
def _prepared_many(statement: Any, called: tuple[tuple[str, str], ...]) -> tuple[str, list[Column]]:
    own = dict(called)
    compiled = statement.compile(dialect=_SQLITE, column_keys=list(own))
    missing = {column.name: column.default.arg for column in compiled.insert_prefetch}
    columns = [_column(compiled.binds[name], own.get(name, name), missing) for name in compiled.positiontup]
    return str(compiled), columns


def _column(bound: BindParameter[Any], name: str, missing: Mapping[str, Any]) -> Column:
    bind = bound.type.dialect_impl(_SQLITE).bind_processor(_SQLITE)
    if name in missing:
        value = bind(missing[name]) if bind else missing[name]
        return lambda rows: repeat(value, len(rows))
    value_of = itemgetter(name)
    return (lambda rows: map(bind, map(value_of, rows))) if bind else (lambda rows: map(value_of, rows))


def _run(connection: Connection, asked: _Prepared, values: Mapping[str, Any]) -> Any:
    return _driven(connection, "execute", *asked.said(values))


def _driven(connection: Connection, how: Literal["execute", "executemany"], text: str, bound: Iterable[Any]) -> Any:
    if connection.dispatch.before_cursor_execute:
        # Whoever watches statements sees these too.
        return connection.exec_driver_sql(text, tuple(bound) if how == "execute" else list(bound))
    driver: Any = connection.connection.driver_connection
    try:
        return getattr(driver, how)(text, bound)
    except sqlite3.Error as error:
        raise DBAPIError.instance(text, (), error, sqlite3.Error, dialect=_SQLITE) from error
