"""A clock that stands until it is moved: time for whatever happens ahead of its time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class VirtualClock:
    """The time (aware UTC) it was last moved to. Call it like any other clock."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at
