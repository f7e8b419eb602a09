"""What was found of a condition: its answer and the values it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.core import condition as c

Values = Mapping[str, Any]


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
