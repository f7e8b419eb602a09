"""A contact's story as the page shows it: what `why` tells, newest first, with a colour for each kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from nurture.actions.explain import Reason
from nurture.actions.story import Happened
from nurture.files.rules import Written

KINDS = {
    "entered": "campaign", "decided": "campaign", "left": "campaign", "email": "message", "refund": "purchase",
}  # fmt: skip
"""The colour of what has none of its own."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry; `at` is aware UTC, `kind` picks its colour, `message_id` the email that is kept and can be shown."""

    at: datetime
    kind: str
    what: str
    message_id: str | None
    written: Written | None
    asked: tuple[Reason, ...]


def moments(story: Iterable[Happened], kept: frozenset[str]) -> list[Moment]:
    """The entries of a contact's life, newest first; `kept` are the messages whose email can be shown."""
    return [_moment(one, kept) for one in reversed(list(story))]


def _moment(one: Happened, kept: frozenset[str]) -> Moment:
    kind = "machine" if one.machine else KINDS.get(one.what, one.what)
    shown = one.message_id if one.what == "email" and one.message_id in kept else None
    return Moment(one.at, kind, one.text, shown, one.written, one.asked)
