"""Attributes of a contact and fields of an event in SQL: typed readings that give null for a value of another type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Float, String, Text, and_, literal, not_, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from nurture.core.asked import AttributeTest
from nurture.store.tables import contact


class _Reading(FunctionElement[Any]):
    def __init__(self, name: str, of: ColumnElement[Any] = contact.c.attributes) -> None:
        super().__init__(of, literal(name, Text()), literal(f'$."{name}"', Text()))


class number(_Reading):
    """The attribute where it is a number."""

    name = "attribute_number"
    inherit_cache = True
    type = Float()


class text(_Reading):
    """The attribute where it is text."""

    name = "attribute_text"
    inherit_cache = True
    type = String()


class spelled(_Reading):
    """The attribute as text, where it is text or a number."""

    name = "attribute_spelled"
    inherit_cache = True
    type = String()


class switch(_Reading):
    """The attribute where it is true or false."""

    name = "attribute_switch"
    inherit_cache = True
    type = Boolean()


class present(_Reading):
    """Whether the attribute has any value."""

    name = "attribute_present"
    inherit_cache = True
    type = Boolean()


class written(_Reading):
    """The attribute's value as JSON text; null where there is none."""

    name = "attribute_written"
    inherit_cache = True
    type = Text()


_SQLITE = {
    "attribute_number": "CASE WHEN json_type({a}, {p}) IN ('integer', 'real') THEN json_extract({a}, {p}) END",
    "attribute_text": "CASE WHEN json_type({a}, {p}) = 'text' THEN json_extract({a}, {p}) END",
    "attribute_spelled": "CASE WHEN json_type({a}, {p}) IN ('text', 'integer', 'real') "
    "THEN CAST(json_extract({a}, {p}) AS TEXT) END",
    "attribute_switch": "CASE json_type({a}, {p}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
    "attribute_present": "(coalesce(json_type({a}, {p}), 'null') <> 'null')",
    "attribute_written": "(({a} -> {p}) || '')",
}
_POSTGRES = {
    "attribute_number": "CASE WHEN jsonb_typeof({a} -> {n}) = 'number' THEN ({a} ->> {n})::numeric END",
    "attribute_text": "CASE WHEN jsonb_typeof({a} -> {n}) = 'string' THEN ({a} ->> {n}) COLLATE \"C\" END",
    "attribute_spelled": "CASE WHEN jsonb_typeof({a} -> {n}) IN ('string', 'number') "
    'THEN ({a} ->> {n}) COLLATE "C" END',
    "attribute_switch": "CASE WHEN jsonb_typeof({a} -> {n}) = 'boolean' THEN ({a} ->> {n})::boolean END",
    "attribute_present": "(coalesce(jsonb_typeof({a} -> {n}), 'null') <> 'null')",
    "attribute_written": "({a} -> {n})::text",
}


def _compile(shape: str, element: _Reading, compiler: SQLCompiler, **kw: Any) -> str:
    column, name, path = (compiler.process(part, **kw) for part in element.clauses)
    return shape.format(a=column, n=name, p=path)


@compiles(number, "sqlite")
@compiles(text, "sqlite")
@compiles(spelled, "sqlite")
@compiles(switch, "sqlite")
@compiles(present, "sqlite")
@compiles(written, "sqlite")
def _sqlite(element: _Reading, compiler: SQLCompiler, **kw: Any) -> str:
    return _compile(_SQLITE[element.name], element, compiler, **kw)


@compiles(number, "postgresql")
@compiles(text, "postgresql")
@compiles(spelled, "postgresql")
@compiles(switch, "postgresql")
@compiles(present, "postgresql")
@compiles(written, "postgresql")
def _postgres(element: _Reading, compiler: SQLCompiler, **kw: Any) -> str:
    return _compile(_POSTGRES[element.name], element, compiler, **kw)


def holds(name: str, wanted: Any, of: ColumnElement[Any] = contact.c.attributes) -> ColumnElement[bool]:
    """The attribute is what is wanted: a value, one of several, or within bounds. A number is not its text."""
    match wanted:
        case AttributeTest():
            return and_(*_tests(name, wanted, of))
        case tuple():
            return or_(*(_equals(name, value, of) for value in wanted))
        case _:
            return _equals(name, wanted, of)


def _tests(name: str, test: AttributeTest, of: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
    if test.is_set is not None:
        yield present(name, of) if test.is_set else not_(present(name, of))
    for bound, compare in ((test.at_least, "__ge__"), (test.at_most, "__le__")):
        if bound is not None:
            reading = text(name, of) if isinstance(bound, str) else number(name, of)
            yield getattr(reading, compare)(bound)


def _equals(name: str, wanted: str | int | float | bool, of: ColumnElement[Any]) -> ColumnElement[bool]:
    match wanted:
        case bool():
            return switch(name, of) == literal(wanted, Boolean())
        case int() | float():
            return number(name, of) == wanted
        case str():
            return text(name, of) == wanted
