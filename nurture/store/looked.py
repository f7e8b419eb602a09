"""The values that an answer rests on, in SQL beside the answer itself: what a condition looked at, and until when.

The answers are those of `store.conditions`; here stands only what was there to be asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Integer, Text, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from nurture.core import condition as c
from nurture.core.found import Found, asked_inside
from nurture.store import attributes
from nurture.store.accounts import colleague, colleagues_for_whom
from nurture.store.conditions import HOT, Asker, next_flip, number
from nurture.store.tables import (
    account,
    consent,
    contact,
    contact_address,
    contact_tag,
    enrollment,
    spend_rank,
    suppression,
)
from nurture.store.types import EPOCH, MICROSECOND, Instant

Columns = Mapping[str, Any]

OTHERS = frozenset({"one"})
"""The values that say who somebody else is; they are not kept with a contact's decision."""

LAYOUT = 1
"""Which values are kept, and in which order; another number when that changes, and older ones are told no more."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a row the answer to a condition stands, when time alone may change it, and its values from `at` on."""

    condition: c.Leaf
    answer: int | None
    flip: int | None
    at: int
    names: tuple[str, ...]
    parts: tuple[_Place, ...]

    def read(self, row: Sequence[Any], answer: bool = False) -> Found:
        """What was found; `answer` is the answer where the row has none."""
        values = dict(zip(self.names, row[self.at : self.at + len(self.names)], strict=True))
        holds = answer if self.answer is None else bool(row[self.answer])
        flips_at = None if self.flip is None else row[self.flip]
        return Found(self.condition, holds, flips_at, values, tuple(part.read(row) for part in self.parts))


class Look:
    """The columns that answer some conditions with the values beside each answer; run them with the time as `now`."""

    def __init__(self, asker: Asker, conditions: Sequence[c.Leaf]) -> None:
        self._asker = asker
        self.columns: list[Any] = []
        self._places = [self._place(one) for one in conditions]

    def _place(self, condition: c.Leaf) -> _Place:
        flip = next_flip(list(self._asker.flips(condition)))
        answer = self._add(self._asker.ask(condition))
        flips = None if flip is None else self._add(flip)
        at, names = len(self.columns), self._values(dict(looked_at(self._asker, condition)))
        return _Place(condition, answer, flips, at, names, tuple(map(self._place, asked_inside(condition))))

    def _add(self, column: Any) -> int:
        self.columns.append(column)
        return len(self.columns) - 1

    def _values(self, values: Columns) -> tuple[str, ...]:
        self.columns += values.values()
        return tuple(values)

    def labelled(self) -> list[Any]:
        """The columns, each under a name of its own."""
        return [column.label(f"look{number}") for number, column in enumerate(self.columns)]

    def read(self, row: Sequence[Any]) -> list[Found]:
        """What was found of each condition, from the values of the columns."""
        return [place.read(row) for place in self._places]


class Kept(Look):
    """The values one condition rests on as they are kept with a decision: JSON text, made by the database itself.

    The answer is the decision's own and is not kept; neither is what names others, or can be told at any time.
    """

    def __init__(self, asker: Asker, condition: c.Leaf) -> None:
        self._asker, self.columns = asker, []
        at, names = 0, self._values(_kept(asker, condition))
        parts = tuple(map(self._part, asked_inside(condition)))
        self._place_ = _Place(condition, None, None, at, names, parts)

    def _part(self, condition: c.Leaf) -> _Place:
        answer = self._add(self._asker.ask(condition))
        at, names = len(self.columns), self._values(_kept(self._asker, condition))
        return _Place(condition, answer, None, at, names, tuple(map(self._part, asked_inside(condition))))

    @property
    def column(self) -> Any:
        """All of it as one text."""
        return packed(literal(LAYOUT, Integer()), *self.columns)

    def told(self, text: str, holds: bool) -> Found | None:
        """What was found when the text was kept with an answer; None where it was kept of something else."""
        mark, *row = orjson.loads(text)
        if mark != LAYOUT or len(row) != len(self.columns):
            return None
        read = [_instant(value) if isinstance(column.type, Instant) else value
                for value, column in zip(row, self.columns, strict=True)]  # fmt: skip
        return self._place_.read(read, holds)


def _kept(asker: Asker, asked: c.Leaf) -> Columns:
    values = {name: column for name, column in looked_at(asker, asked).items() if name not in OTHERS}
    # Of what was counted, the number decided; to look for the last as well would cost as much again.
    return {name: column for name, column in values.items() if "times" not in values or not name.startswith("last")}


def _instant(value: int | str | None) -> datetime | None:
    if value is None:
        return None
    return EPOCH + value * MICROSECOND if isinstance(value, int) else datetime.fromisoformat(value).astimezone(UTC)


class packed(FunctionElement[str]):
    """Values as the text of a JSON array."""

    name = "packed"
    inherit_cache = True
    type = Text()


@compiles(packed, "sqlite")
def _packed_sqlite(element: packed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array({compiler.process(element.clauses, **kw)})"


@compiles(packed, "postgresql")
def _packed_postgres(element: packed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_build_array({compiler.process(element.clauses, **kw)})::text"


def looked_at(asker: Asker, asked: c.Leaf) -> Columns:
    """The columns a condition looks at, by the names under which `core.wording` tells them."""
    match asked:
        case c.All() | c.AnyOf() | c.Not():
            return {}
        case c.StageIs():
            return {"stage": contact.c.stage, "since": contact.c.stage_since}
        case c.SourceIs() | c.CountryIs() | c.LocaleIs():
            return {asked.key: contact.c[asked.key]}
        case c.TagIs(tag=tags):
            return {"asked": _tags(contact_tag.c.tag.in_(tags)), "tags": _tags()}
        case c.AttributeIs():
            return {name: attributes.written(name) for name in asked.attribute}
        case c.SignedUp() | c.FirstPurchase():
            return {"last": HOT[type(asked)]}
        case c.Consented(consent=which):
            return _permitted(which.topic)
        case c.Suppressed(suppressed=which):
            return stopped_by(which.reason.value if which.reason else None)
        case c.ScoreIs():
            return {"fades_at": contact.c.score_until}
        case c.SpendIs(spend=rank):
            needed = select(spend_rank.c.threshold).where(spend_rank.c.name == rank.name)
            return {"spent": contact.c.revenue, "needed": number(needed)}
        case c.AccountIs(account=part):
            return _colleagues(asker, part)
        case _:
            return dict(_happened(asker, asked, getattr(asked, asked.key)))


def _happened(asker: Asker, asked: c.Leaf, past: c.Past) -> Iterator[tuple[str, Any]]:
    if past.since:
        yield "entered", enrollment.c.entered_at
    if asker.is_hot(asked, past):
        yield "last", HOT[type(asked)]
        return
    rows = [first] if (first := asker.first_of_steps(asked, past)) else asker.counted(asked)
    last = [number(select(func.max(column)).where(*mine)) for column, mine in rows]
    yield from zip(("last", "last_order"), last, strict=False)
    if past.times:
        yield "times", asker.count(asked, past)
    if isinstance(past, c.PastPurchase) and past.total:
        yield "spent", asker.spent(past)


def _tags(*which: Any) -> Any:
    mine = contact_tag.c.contact_id == contact.c.id
    return number(select(func.aggregate_strings(contact_tag.c.tag, "\n")).where(mine, *which))


def _permitted(topic: str | None) -> Columns:
    """Consent to a topic; the topics permitted, where any will do."""
    mine = consent.c.contact_id == contact.c.id
    if topic is None:
        given = select(func.aggregate_strings(consent.c.topic, "\n")).where(mine, consent.c.given.is_(True))
        return {"topics": number(given)}
    names = ("given", "source", "occurred_at")
    return {name: number(select(consent.c[name]).where(mine, consent.c.topic == topic)) for name in names}


def stopped_by(reason: str | None = None) -> Columns:
    """The latest suppression of the contact's addresses, for that reason where one is named."""
    joined = contact_address.join(suppression, suppression.c.address_key == contact_address.c.address_key)
    which = [contact_address.c.contact_id == contact.c.id, *([suppression.c.reason == reason] if reason else [])]
    order = (suppression.c.occurred_at.desc(), suppression.c.address_key)
    names = ("reason", "source", "occurred_at")
    return {
        name: number(select(suppression.c[name]).select_from(joined).where(*which).order_by(*order).limit(1))
        for name in names
    }


def _colleagues(asker: Asker, part: c.Leaf) -> Columns:
    """For how many of the account's people it holds, one of them, and how many there are."""
    holds = asker.ask(part)
    everybody = select(func.count()).where(colleague.c.account_id == contact.c.account_id)
    named = select(account.c.name).where(account.c.id == contact.c.account_id)
    return {
        "of_account": number(colleagues_for_whom(holds, func.count())), "people": number(everybody),
        "one": number(colleagues_for_whom(holds, func.min(colleague.c.address))), "account": number(named),
        "contact": holds,
    }  # fmt: skip
