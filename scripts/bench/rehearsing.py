"""Months rehearsed on one core: a big shop forwards, and a real shop's size of history backwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from time import process_time

import shops
from measure import Figure, Sizes

from nurture.actions.check import check
from nurture.actions.rehearsal import Rehearsal, told
from nurture.actions.rehearse import Run, Wanted, forwards
from nurture.actions.replay import replay
from nurture.collector import calm
from nurture.wiring import Opened

DAYS = timedelta(days=90)
MINUTE = 60.0


def rehearsals(sizes: Sizes) -> list[Figure]:
    """90 days of five campaigns with people who respond; 18 months of a shop, replayed. Seconds of one core's work."""
    calm()
    crowd = shops.crowded(sizes.rehearsed)
    ahead, forth = _timed(forwards, crowd, Wanted(shops.TODAY, shops.TODAY + DAYS))
    cohort = shops.eighteen_months()
    behind, back = _timed(replay, cohort, Wanted(shops.OPENED, shops.CLOSED))
    bought = sum(week.purchases for week in behind.weeks)
    if bought != shops.PURCHASES:
        raise AssertionError(f"{bought} purchases were replayed, not {shops.PURCHASES}")
    return [
        Figure(f"90 days rehearsed, {sizes.rehearsed:,} contacts, 5 campaigns, {ahead.sent:,} emails", forth, "s",
               at_most=MINUTE),
        Figure(f"18 months replayed, {shops.CUSTOMERS:,} customers, {bought:,} purchases", back, "s", at_most=MINUTE),
    ]  # fmt: skip


def _timed(way: Callable[..., AbstractContextManager[Run]], opened: Opened, wanted: Wanted) -> tuple[Rehearsal, float]:
    checked = check(opened.directory)
    begin = process_time()
    with way(opened.original, checked, wanted) as run:
        found = told(run, shops.PRICE)
    return found, process_time() - begin
