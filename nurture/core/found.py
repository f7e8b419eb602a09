"""What was found of a condition: its answer and the values it rests on; kept with the decision that rests on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.core import condition as c

Values = Mapping[str, Any]

INSTANTS = frozenset({"since", "last", "last_order", "entered", "occurred_at", "fades_at"})
"""The values that are times (aware UTC)."""

OTHERS = frozenset({"one"})
"""The values that say who somebody else is; they are not kept with a contact's decision."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of a condition: its answer, when time alone may change that (aware UTC), and the values it
    rests on, by the names that `core.wording` tells; `parts` are the conditions inside it."""

    condition: c.Leaf
    holds: bool
    flips_at: datetime | None
    values: Values
    parts: tuple[Found, ...] = ()


def asked_inside(condition: c.Leaf) -> tuple[c.Leaf, ...]:
    """The conditions inside that are asked of the contact; what is asked of an account is asked of colleagues."""
    return () if isinstance(condition, c.AccountIs) else c.children(condition)


def keep(one: Found) -> list[Any]:
    """The answer and its values as plain data: one entry for the condition, then those inside it."""
    values = {name: value for name, value in one.values.items() if value is not None and name not in OTHERS}
    if isinstance(one.condition, c.AttributeIs):
        known = values.get("attributes", {})
        values["attributes"] = {name: known[name] for name in one.condition.attribute if name in known}
    return [[one.holds, values], *(entry for part in one.parts for entry in keep(part))]


def restore(condition: c.Leaf, kept: Sequence[Any]) -> Found | None:
    """The same read back; None where it was kept of another condition."""
    entries = iter(kept)
    found = _restored(condition, entries)
    return found if next(entries, None) is None else None


def _restored(condition: c.Leaf, entries: Iterator[Any]) -> Found | None:
    entry = next(entries, None)
    if entry is None:
        return None
    holds, values = entry
    parts = [_restored(part, entries) for part in asked_inside(condition)]
    if any(part is None for part in parts):
        return None
    return Found(condition, holds, None, Kept(values), tuple(part for part in parts if part))


class Kept(dict[str, Any]):
    """Values read back: times are times again, and what was empty is None."""

    def __init__(self, values: Values) -> None:
        super().__init__({name: _read(name, value) for name, value in values.items()})

    def __missing__(self, name: str) -> None:
        return None


def _read(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name in INSTANTS and isinstance(value, str) else value
