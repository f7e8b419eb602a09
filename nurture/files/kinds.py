"""Under which rule a value that its parser refused is told: each kind of value has a rule of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping

RULES = (
    ("is not a length of time", "bad-duration"),
    ("is not a time in the past", "bad-duration"),
    ("says not when to look", "bad-look"),
    ("says not when", "bad-duration"),
    ("says not how long", "bad-duration"),
    ("are no business days", "bad-duration"),
    ("is not a time of day", "bad-time"),
    ("are not hours", "bad-time"),
    ("opens and closes at once", "never-open"),
    ("at least one weekday", "never-open"),
    ("is not a weekday", "bad-weekday"),
    ("is not a timezone", "bad-zone"),
    ("is not a share", "bad-share"),
    ("is no confidence", "bad-share"),
    ("is not an amount", "bad-money"),
    ("nothing a coupon can be worth", "bad-money"),
    ("is not a limit", "bad-limit"),
    ("is no moment", "bad-moment"),
    ("is not a switch", "wrong-type"),
    ("the shares are", "shares"),
    ("nothing is left for", "shares"),
    ("gets nobody", "unreachable-step"),
)
"""What a parser says of a value, and the rule that makes it; the first that fits."""

NOTHING = (
    "limit-never-met",
    "a limit of nothing lets no email out, ever",
    "write 1 or more; 'status: paused' stops it",
)
PATTERNS: Mapping[str, str] = {
    "currency": "unknown-currency",
    "exchange": "unknown-currency",
    "locale": "unknown-locale",
}
"""The rules of texts that are spelled wrong, by their key; others are told as `wrong-value`."""


def rule(text: str, complaint: str) -> str:
    """The rule under which the refusal of `text` is told."""
    if "is not a length of time" in complaint and re.match(r"\s*-\s*\d", text):
        return "negative-length"
    return next((name for words, name in RULES if words in complaint), "wrong-value")


def is_nothing(text: str, complaint: str) -> bool:
    """Whether a limit was refused because it is one of nothing at all."""
    return "is not a limit" in complaint and re.match(r"\s*0\b", text) is not None
