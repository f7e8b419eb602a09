"""The values that an answer rests on, in SQL beside the answer itself: what a condition looked at, and until when.

The answers are those of `store.conditions`; here stands only what was there to be asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, null, select

from nurture.core import condition as c
from nurture.core.found import Found, asked_inside
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

Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a row the answer to a condition stands, then when time alone may change it, then its values."""

    condition: c.Leaf
    at: int
    names: tuple[str, ...]
    parts: tuple[_Place, ...]


class Look:
    """The columns that answer some conditions with the values beside each answer; run them with the time as `now`."""

    def __init__(self, asker: Asker, conditions: Sequence[c.Leaf]) -> None:
        self._asker = asker
        self.columns: list[Any] = []
        self._places = [self._place(one) for one in conditions]

    def _place(self, condition: c.Leaf) -> _Place:
        at, values = len(self.columns), dict(looked_at(self._asker, condition))
        flip = next_flip(list(self._asker.flips(condition)))
        self.columns += [self._asker.ask(condition), null() if flip is None else flip, *values.values()]
        return _Place(condition, at, tuple(values), tuple(map(self._place, asked_inside(condition))))

    def labelled(self) -> list[Any]:
        """The columns, each under a name of its own."""
        return [column.label(f"look{number}") for number, column in enumerate(self.columns)]

    def read(self, row: Sequence[Any]) -> list[Found]:
        """What was found of each condition, from the values of the columns."""
        return [_read(place, row) for place in self._places]


def _read(place: _Place, row: Sequence[Any]) -> Found:
    values = dict(zip(place.names, row[place.at + 2 : place.at + 2 + len(place.names)], strict=True))
    parts = tuple(_read(part, row) for part in place.parts)
    return Found(place.condition, bool(row[place.at]), row[place.at + 1], values, parts)


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
            return {"attributes": contact.c.attributes}
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
