"""A rehearsal as one page that needs nothing beside it: charts drawn by the server, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nurture.actions.rehearsal import Rehearsal
from nurture.web.html import Pages

WIDE, HIGH = 1000.0, 220.0
"""The room of a chart, in its own units."""
GAP = 0.18


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart, and what it says; `low` and `high` are the ends of an interval."""

    x: float
    y: float
    width: float
    height: float
    title: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars beside each other under a name, with the highest value and the ends of the time named."""

    name: str
    bars: tuple[Bar, ...]
    most: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Band:
    """One stage over time: the points of a filled shape, and how many there are at the end."""

    stage: str
    points: str
    count: int


def write_page(found: Rehearsal, project: str) -> str:
    """The page as HTML."""
    charts = [_daily(found), *_weekly(found)]
    sources = {source: place for place, source in enumerate(dict.fromkeys(one.rate.source for one in found.rates), 1)}
    return Pages().text(
        "rehearsal.html", found=found, project=project, charts=charts, bands=list(_bands(found)), sources=sources,
        wide=WIDE, high=HIGH,
    )  # fmt: skip


def _daily(found: Rehearsal) -> Chart:
    days = [str(day) for day in found.days]
    bars = _bars(found.daily, [f"{day}: {count:,} emails" for day, count in zip(days, found.daily, strict=True)])
    return Chart("Emails a day", bars, max(found.daily, default=0), days[0], days[-1])


def _weekly(found: Rehearsal) -> Iterator[Chart]:
    weeks = [str(week.begins) for week in found.weeks]
    for measure in ("opens", "clicks", "conversions") if not found.backwards else ():
        told = [week.expected[measure] for week in found.weeks]
        titles = [
            f"week from {day}: {one.mean:,.0f} {measure} expected, {one.low:,} to {one.high:,} in 80 % of cases"
            for day, one in zip(weeks, told, strict=True)
        ]
        spans = [(one.low, one.high) for one in told]
        most = max((one.high for one in told), default=0)
        bars = _bars([one.mean for one in told], titles, spans)
        yield Chart(f"Expected {measure} a week, with 80 % intervals", bars, most, weeks[0], weeks[-1])


def _bars(
    counts: Sequence[float], titles: Sequence[str], spans: Sequence[tuple[float, float]] | None = None
) -> tuple[Bar, ...]:
    most = max([1.0, *counts, *(high for _, high in spans or ())])
    each = WIDE / max(1, len(counts))

    def up(value: float) -> float:
        return round(HIGH * (1 - value / most), 1)

    return tuple(
        Bar(
            round(place * each + each * GAP / 2, 1), up(count), round(each * (1 - GAP), 1), round(HIGH - up(count), 1),
            titles[place], *(map(up, spans[place]) if spans else ()),
        )
        for place, count in enumerate(counts)
    )  # fmt: skip


def _bands(found: Rehearsal) -> Iterator[Band]:
    """The stages above each other, day by day."""
    days = len(found.days)
    whole = [sum(counts[day] for counts in found.stages.values()) for day in range(days)]
    floor = [0] * days
    most = max([1, *whole])
    for stage, counts in found.stages.items():
        top = [below + count for below, count in zip(floor, counts, strict=True)]
        points = [*_edge(top, most), *reversed(list(_edge(floor, most)))]
        yield Band(stage, " ".join(points), counts[-1])
        floor = top


def _edge(counts: Sequence[int], most: int) -> Iterator[str]:
    last: Any = max(1, len(counts) - 1)
    for day, count in enumerate(counts):
        yield f"{WIDE * day / last:.1f},{HIGH * (1 - count / most):.1f}"
