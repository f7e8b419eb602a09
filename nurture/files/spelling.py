"""One spelling for values that may be written in several: "1 days" is "1 day", "9:00 - 18:00" is "09:00-18:00"."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import time
from typing import Any

from nurture.core.calendar import BusinessDays, Days
from nurture.core.dates import LocalMoment
from nurture.core.holdout import Holdout
from nurture.core.money import Money
from nurture.core.values import WEEKDAYS, Duration, Hours, Look, Rate, parse_days, parse_hours, parse_switch

COUNTED = re.compile(r"\b0*(\d+) (business day|minute|hour|day|week)s?\b")
EARLY = re.compile(r"(?<!\d)(\d:\d\d)\b")
RUN = 3
"""So many weekdays one after the other are written as a range."""


def _counted(text: str) -> str:
    return COUNTED.sub(lambda found: f"{found[1]} {found[2]}{'' if found[1] == '1' else 's'}", text.strip())


def _clock(text: str) -> str:
    return EARLY.sub(r"0\1", text)


def _hours(text: str) -> str:
    return str(parse_hours(text))


def _percent(text: str) -> str:
    return re.sub(r"(?<=\d) +%$", "%", text)


def _amount(text: str) -> str:
    return re.sub(r"(?<=\d)(?=[A-Z]{3}$)", " ", text)


def _moment(text: str) -> str:
    return re.sub(r"(?<=\d)T(?=\d)", " ", text)


def _closed(text: str) -> str:
    return re.sub(r" ?\.\. ?", "..", text)


def _switch(text: str) -> str:
    return "yes" if text.lower() == "true" or (text.lower() != "false" and parse_switch(text)) else "no"


def _weekdays(text: str) -> str:
    return days(text.split(","))


def days(parts: Collection[str]) -> str:
    """Weekdays as one text: a range where they follow on each other. Raises ValueError for what is no weekday."""
    found = sorted(parse_days(list(parts)))
    if len(found) >= RUN and found[-1] - found[0] == len(found) - 1:
        return f"{WEEKDAYS[found[0]]}-{WEEKDAYS[found[-1]]}"
    return ", ".join("-".join(end.strip() for end in part.lower().split("-")) for part in parts)


SPELLED: tuple[tuple[type, Callable[[str], str]], ...] = (
    (Duration, _counted), (Rate, _counted), (BusinessDays, _counted), (Hours, _hours), (time, _clock), (Look, _clock),
    (Holdout, _percent), (Money, _amount), (LocalMoment, _moment), (Days, _closed), (frozenset, _weekdays),
)  # fmt: skip
AMBIGUOUS: tuple[tuple[type, Callable[[str], str]], ...] = ((float, _percent), (bool, _switch))
"""These are respelled only where no text of one's own may stand."""


def respelled(text: str, kinds: Collection[Any]) -> str:
    """The one spelling of a value that may be of these types; the same text where it is of none of them."""
    kinds = {getattr(kind, "__origin__", kind) for kind in kinds}
    rules = SPELLED if str in kinds else (*SPELLED, *AMBIGUOUS)
    for kind, spell in rules:
        if kind in kinds:
            try:
                text = spell(text)
            except ValueError:
                continue
    return text
