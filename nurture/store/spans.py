"""Spans of time one after another, and in SQL the one in which something lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, literal

from nurture.core.zone import next_midnight
from nurture.store.types import Instant


@dataclass(frozen=True, slots=True)
class Spans:
    """When each begins, and when the last ends (aware UTC)."""

    begins: tuple[datetime, ...]
    end: datetime

    def __len__(self) -> int:
        return len(self.begins)

    def place(self, at: ColumnElement[Any]) -> ColumnElement[int]:
        """The place, from 0, of the one `at` lies in; what lies before the first is taken for the first."""
        return self._among(at, 0, len(self))

    def _among(self, at: ColumnElement[Any], first: int, end: int) -> ColumnElement[int]:
        # By halves: of a year of days, nine are compared with and not 365.
        if end - first == 1:
            return literal(first)
        middle = (first + end) // 2
        before = at < literal(self.begins[middle], Instant())
        return case((before, self._among(at, first, middle)), else_=self._among(at, middle, end))

    def within(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether `at` lies in any of them."""
        return and_(at >= literal(self.begins[0], Instant()), at < literal(self.end, Instant()))


def days(begin: datetime, end: datetime, zone: ZoneInfo) -> Spans:
    """The days in `zone` from `begin` to `end` (aware UTC); the first and the last may not be whole."""
    begins = [begin]
    while (midnight := next_midnight(begins[-1], zone)) < end:
        begins.append(midnight)
    return Spans(tuple(begins), end)
