"""Decisions a second, with and without history behind them; and what a tick costs when nothing is due."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from time import perf_counter

from crowd import NOW, crowd, reset
from measure import Figure, Sizes, seconds, settle_disk
from support.line import Line

from nurture.actions.advance import advance
from nurture.actions.tick import tick

ROUNDS = 3


def decisions(sizes: Sizes) -> list[Figure]:
    """All due enrollments decided; the same with events behind them; and one at a time, as a naive loop would."""
    where = "PostgreSQL" if sizes.postgres else "SQLite"
    with crowd(sizes, events=False) as line, crowd(sizes, events=True) as storied:
        settle_disk()
        # In turns, so that whatever else the machine does falls on both.
        rates = [(_rate(line, sizes), _rate(storied, sizes)) for _ in range(ROUNDS)]
        naive = _one_by_one(line, sizes)
    bare, behind = (max(some) for some in zip(*rates, strict=True))
    due, all_ = f"{sizes.due:,} due", f"{sizes.contacts:,} enrolled"
    return [
        Figure(f"decisions, {due} of {all_}, {where}", bare, "/s", naive, "one row at a time", bare / naive),
        Figure(f"the same with {sizes.events:,} events behind, {where}", behind, "/s", bare, "without",
               behind / bare, target=0.8),
    ]  # fmt: skip


def _rate(line: Line, sizes: Sizes) -> float:
    reset(line, sizes)
    line.clock.at = NOW
    return _all_due(line)


def _all_due(line: Line) -> float:
    begin, total = perf_counter(), 0
    while decided := advance(line.database, line.queries, NOW):
        total += decided
    return total / (perf_counter() - begin)


def _one_by_one(line: Line, sizes: Sizes, most: int = 300) -> float:
    """The same code, asked for one enrollment in one transaction each."""
    reset(line, sizes)
    batch, line.database.batch = line.database.batch, 1
    try:
        taken = seconds(lambda: [advance(line.database, line.queries, NOW) for _ in range(most)])
    finally:
        line.database.batch = batch
    return most / taken


def idle(sizes: Sizes) -> list[Figure]:
    """A whole tick, every verb, when nothing is due among all contacts."""
    where = "PostgreSQL" if sizes.postgres else "SQLite"
    with crowd(sizes, events=False) as line:
        line.clock.at = NOW - timedelta(hours=2)
        # A database that an earlier version made is settled first.
        tick(line.database, line.queries, line.emails, line.provider, line.clock)
        times = []
        for _ in range(300):
            begin = perf_counter()
            done = tick(line.database, line.queries, line.emails, line.provider, line.clock)
            times.append((perf_counter() - begin) * 1000)
            if done.found:
                raise AssertionError(f"something was due: {done}")
        scan = seconds(lambda: _scan(line)) * 1000
    return [
        Figure(f"an idle tick on {sizes.contacts:,} contacts, {where}", median(times), "ms", scan,
               "reading every enrollment's due time", scan / median(times), at_most=5)
    ]  # fmt: skip


def _scan(line: Line) -> None:
    with line.database.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM enrollment WHERE coalesce(due_at, NULL) IS NULL").scalar()
