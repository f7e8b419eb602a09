"""A condition in words: as its file says it, and what was found of somebody when it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp2
from typing import Any
from zoneinfo import ZoneInfo

from nurture.core import condition as c
from nurture.core.found import Found, Values
from nurture.core.money import Money
from nurture.core.program import Program

VERBS: Mapping[str, tuple[str, str]] = {
    "received": ("received an email", "no email was received"), "opened": ("opened", "never opened"),
    "clicked": ("clicked", "never clicked"), "replied": ("replied", "never replied"),
    "engaged": ("engaged", "never engaged"), "purchased": ("bought", "never bought"),
    "first_purchase": ("bought first", "never bought"), "signed_up": ("signed up", "it is not known when"),
}  # fmt: skip
"""What is told of somebody who did it, and of somebody who never did."""


# --- as its file says it ---------------------------------------------------------------------------------


def said(condition: c.Closed) -> str:
    """A condition as its file says it."""
    return flow(condition.model_dump(mode="json", by_alias=True, exclude_unset=True), outer=True)


def flow(value: Any, key: str = "", outer: bool = False) -> str:
    """Plain values as YAML in one line; `outer` leaves out the braces around the whole."""
    if isinstance(value, Mapping):
        if value.keys() == {"step", "since"}:
            return flow(value["step"])
        inner = ", ".join(f"{name}: {flow(one, name)}" for name, one in value.items())
        return inner if outer else f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return flow(value[0], key) if len(value) == 1 else f"[{', '.join(flow(one, key) for one in value)}]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key == "more_than":
        return f"{value} ago"
    return value if isinstance(value, str) else json.dumps(value)


# --- what was found --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Words:
    """Tells what was found: as of `now` (aware UTC), with times as clocks in `zone` show them."""

    program: Program
    now: datetime
    zone: ZoneInfo

    def found(self, one: Found) -> str:
        """The value on which the answer rests."""
        kind: Callable[[Words, Any, Values], str] = _KINDS.get(type(one.condition), Words._happened)
        if one.parts:
            return _inside(one)
        return kind(self, one.condition, one.values)

    def moment(self, at: datetime) -> str:
        """A day and a time of day."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def ago(self, at: datetime) -> str:
        """How long before now, and when."""
        return f"{_length(self.now - at)} ago ({self.moment(at)})"

    def money(self, minor: int) -> str:
        """An amount in the project's currency."""
        return str(Money(int(minor), self.program.project.currency))

    def suppressed(self, values: Values) -> str:
        """Why, and since when, the address is not mailed."""
        if values["occurred_at"] is None:
            return "is not suppressed"
        return f"{values['reason']} {self.ago(values['occurred_at'])}, from {values['source']}"

    def permitted(self, values: Values) -> str:
        """Whether, and since when, consent stands."""
        if values["occurred_at"] is None:
            return "never given"
        given = "given" if values["given"] else "withdrawn"
        return f"{given} {self.ago(values['occurred_at'])}, from {values['source']}"

    # one for each kind of condition

    def _stage(self, _: c.StageIs, values: Values) -> str:
        return f"is {values['stage']} since {self.moment(values['since'])}"

    def _field(self, asked: c.Leaf, values: Values) -> str:
        value = values[asked.key]
        return f"is {value}" if value else "is not known"

    def _tags(self, _: c.TagIs, values: Values) -> str:
        if values["asked"]:
            return f"has {_listed(values['asked'])}"
        return f"has only {_listed(values['tags'])}" if values["tags"] else "has no tag"

    def _attributes(self, asked: c.AttributeIs, values: Values) -> str:
        return fields({name: values[name] for name in asked.attribute})

    def _moments(self, asked: c.Leaf, values: Values) -> str:
        did, never = VERBS[asked.key]
        return f"{did} {self.ago(values['last'])}" if values["last"] else never

    def _consented(self, asked: c.Consented, values: Values) -> str:
        if asked.consent.topic is None:
            return f"given for {_listed(values['topics'])}" if values["topics"] else "given for nothing"
        return self.permitted(values)

    def _suppressed(self, _: c.Suppressed, values: Values) -> str:
        return self.suppressed(values)

    def _score(self, _: c.ScoreIs, values: Values) -> str:
        score = self.program.project.score
        if values["fades_at"] is None or score is None:
            return "has no points"
        return f"has {exp2((values['fades_at'] - self.now) / score.scoring.half_life):.4g} points"

    def _spend(self, _: c.SpendIs, values: Values) -> str:
        needed = values["needed"]
        bound = "nobody bought so far" if needed is None else f"{self.money(needed)} are needed"
        return f"spent {self.money(values['spent'])}, {bound}"

    def _account(self, _: c.AccountIs, values: Values) -> str:
        if values["account"] is None:
            return f"is of no account, and it {'holds' if values['contact'] else 'does not hold'} for them alone"
        one = f", {values['one']} among them" if values.get("one") else ""
        return f"holds for {values['of_account']} of {values['people']} in {values['account']}{one}"

    def _happened(self, asked: c.Leaf, values: Values) -> str:
        past: c.Past = getattr(asked, asked.key)
        did, never = _verbs(past, asked.key)
        last = max(filter(None, (values.get("last"), values.get("last_order"))), default=None)
        told = [f"{did} {self.ago(last)}" if last else never] if "last" in values else []
        counted = "in that time" if past.within or past.since else "in all"
        if values.get("spent") is not None:
            told.insert(0, f"spent {self.money(values['spent'])} {counted}")
        if values.get("times") is not None:
            what = "" if told else f"{did} "
            told.insert(0, f"{what}{_times(values['times'], 'time', 'times')} {counted}")
        if values.get("entered"):
            told.append(f"entered {self.ago(values['entered'])}")
        return "; ".join(told)


_KINDS: Mapping[type[c.Leaf], Callable[[Words, Any, Values], str]] = {
    c.StageIs: Words._stage, c.SourceIs: Words._field, c.CountryIs: Words._field, c.LocaleIs: Words._field,
    c.TagIs: Words._tags, c.AttributeIs: Words._attributes, c.SignedUp: Words._moments,
    c.FirstPurchase: Words._moments, c.Consented: Words._consented, c.Suppressed: Words._suppressed,
    c.ScoreIs: Words._score, c.SpendIs: Words._spend, c.AccountIs: Words._account,
}  # fmt: skip


def fields(written: Mapping[str, str | None]) -> str:
    """What attributes or fields are, by name; their values are JSON text."""
    return ", ".join(f"{name} is {'not set' if value in (None, 'null') else value}" for name, value in written.items())


def _inside(one: Found) -> str:
    holding = sum(part.holds for part in one.parts)
    if isinstance(one.condition, c.Not):
        return "that holds" if holding else "that does not hold"
    return f"{holding or 'none'} of {len(one.parts)} hold" if holding != 1 else f"1 of {len(one.parts)} holds"


def _verbs(past: c.Past, key: str) -> tuple[str, str]:
    if isinstance(past, c.PastEvent):
        return f"{past.event} came", f"{past.event} never came"
    did, never = VERBS[key]
    of = [*(getattr(past, "step", None) or ()), *(getattr(past, "item", None) or ())]
    of += getattr(past, "category", None) or ()
    return (f"{', '.join(of)}: {did}", f"{', '.join(of)}: {never}") if of else (did, never)


def _listed(joined: str | Iterable[str]) -> str:
    return ", ".join(sorted(joined.split("\n") if isinstance(joined, str) else joined))


def _times(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _length(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    for size, one in ((1440, "day"), (60, "hour")):
        if minutes >= 2 * size or minutes == size:
            return _times(minutes // size, one, f"{one}s")
    return _times(max(minutes, 0), "minute", "minutes")
