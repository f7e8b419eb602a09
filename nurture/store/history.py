"""What a history tells of how people respond and buy, by week: counted on a scratch copy, which is SQLite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text

from nurture.core.lifecycle import Stage
from nurture.core.responses import AFTER, RECENCY, SEEN_WITHIN, Buyer, Response, Tally, buyer
from nurture.store.tables import event, message, purchase
from nurture.store.types import EPOCH, MICROSECOND

WEEK = timedelta(days=7)
MOST_WEEKS = 104
"""Older weeks tell little of how people respond now."""
MOST_SAMPLES = 5_000
DAY = timedelta(days=1) // MICROSECOND
WEEK_LONG = 7 * DAY

# The stage somebody was in: the newest change by then, else what the first change was from, else what it is now.
_STAGE = """COALESCE(
    (SELECT s.new FROM stage_change s
     WHERE s.contact_id = c.id AND s.superseded_at IS NULL AND s.occurred_at {than} {at}
     ORDER BY s.occurred_at DESC LIMIT 1),
    (SELECT s.old FROM stage_change s WHERE s.contact_id = c.id AND s.superseded_at IS NULL
     ORDER BY s.occurred_at LIMIT 1),
    c.stage)"""

_EMAILS = text(f"""
    SELECT (m.accepted_at - :begin) / {WEEK_LONG} AS week, {_STAGE.format(than="<=", at="m.accepted_at")} AS stage,
        count(*), sum(m.machine_opened_at < m.accepted_at + :seen), sum(m.opened_at < m.accepted_at + :seen),
        sum(m.clicked_at < m.accepted_at + :seen), sum(m.unsubscribed_at < m.accepted_at + :seen),
        sum(m.bounced_at < m.accepted_at + :seen), sum(m.complained_at < m.accepted_at + :seen),
        sum(EXISTS (SELECT 1 FROM purchase p WHERE p.contact_id = m.contact_id
            AND p.occurred_at > m.accepted_at AND p.occurred_at <= m.accepted_at + :after))
    FROM message m JOIN contact c ON c.id = m.contact_id
    WHERE m.accepted_at >= :begin AND m.accepted_at < :end GROUP BY 1, 2""")

_PURCHASES = text(f"""
    SELECT p.contact_id, p.occurred_at, {_STAGE.format(than="<", at="p.occurred_at")} AS stage,
        EXISTS (SELECT 1 FROM message m WHERE m.contact_id = p.contact_id
            AND m.accepted_at >= p.occurred_at - :after AND m.accepted_at < p.occurred_at) AS mailed
    FROM purchase p JOIN contact c ON c.id = p.contact_id
    WHERE p.occurred_at < :end ORDER BY p.contact_id, p.occurred_at, p.order_id""")

_STAGES = text("""
    SELECT s.contact_id, s.occurred_at, s.new, s.old,
        lead(s.occurred_at) OVER (PARTITION BY s.contact_id ORDER BY s.occurred_at), c.known_at
    FROM stage_change s JOIN contact c ON c.id = s.contact_id WHERE s.superseded_at IS NULL
    ORDER BY s.contact_id, s.occurred_at""")

_UNCHANGED = text("""
    SELECT c.stage, c.known_at, count(*) FROM contact c WHERE NOT EXISTS
        (SELECT 1 FROM stage_change s WHERE s.contact_id = c.id AND s.superseded_at IS NULL) GROUP BY 1, 2""")


def _micro(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def told_until(connection: Connection, now: datetime) -> datetime:
    """Until when (aware UTC) this history tells anything: its last fact, at the latest `now`."""
    asked = ((message, "accepted_at"), (purchase, "occurred_at"), (event, "occurred_at"))
    found = [connection.execute(select(func.max(table.c[name])).where(table.c[name] <= now)).scalar()
             for table, name in asked]  # fmt: skip
    return max((at for at in found if at is not None), default=now)


class _Days:
    """Contact-days by week and class of buyers: whole spans are added in two numbers, however long they are."""

    def __init__(self, begin: int, weeks: int, customer_for: float) -> None:
        self._begin, self._weeks, self._customer_for = begin, weeks, customer_for
        self._steps: dict[Buyer, list[float]] = defaultdict(lambda: [0.0] * (weeks + 2))
        self._parts: dict[Buyer, list[float]] = defaultdict(lambda: [0.0] * (weeks + 1))

    def add(self, one: Buyer, since: int, until: int, people: int = 1) -> None:
        """Let people be of that class from one time until another, both in microseconds."""
        since, until = max(since, self._begin), min(until, self._begin + self._weeks * WEEK_LONG)
        if since >= until:
            return
        first, into = divmod(since - self._begin, WEEK_LONG)
        last, out = divmod(until - self._begin, WEEK_LONG)
        steps, parts = self._steps[one], self._parts[one]
        steps[first] += 7 * people
        steps[last] -= 7 * people
        parts[first] -= people * into / DAY
        parts[last] += people * out / DAY

    def add_buyer(self, bought: int, until: int) -> None:
        """Somebody bought, and not again before `until`: a customer, by how long ago, as long as the rules say so."""
        since = bought
        for limit, one in RECENCY:
            if since >= until:
                break
            edge = min(until, bought + int(min(limit, self._customer_for) * DAY))
            self.add(one, since, edge)
            since = max(since, edge)

    def into(self, weeks: list[Tally]) -> None:
        """Write the sums down."""
        for one, steps in self._steps.items():
            standing = 0.0
            for number, week in enumerate(weeks):
                standing += steps[number]
                days = standing + self._parts[one][number]
                if days > 1e-9:
                    week.days[one] = days


def weekly(connection: Connection, now: datetime, customer_for: timedelta) -> list[Tally]:
    """What was seen week by week, up to SEEN_WITHIN before the last fact that lies before `now` (aware UTC).

    The oldest week is the first in which anything was bought or arrived. `customer_for` is the project's rule.
    """
    end = _micro(told_until(connection, now) - SEEN_WITHIN)
    first = connection.execute(
        text("""SELECT min(at) FROM
            (SELECT min(accepted_at) AS at FROM message UNION ALL SELECT min(occurred_at) FROM purchase)""")
    ).scalar()
    if first is None or first >= end:
        return []
    count = min(MOST_WEEKS, -(-(end - int(first)) // WEEK_LONG))
    begin = end - count * WEEK_LONG
    weeks = [Tally() for _ in range(count)]
    if weeks:
        _count_emails(connection, weeks, begin, end)
        _count_purchases(connection, weeks, begin, end, customer_for / timedelta(days=1))
    return weeks


def _count_emails(connection: Connection, weeks: list[Tally], begin: int, end: int) -> None:
    bounds = {"begin": begin, "end": end, "seen": SEEN_WITHIN // MICROSECOND, "after": AFTER // MICROSECOND}
    for number, stage, sent, *followed in connection.execute(_EMAILS, bounds):
        week = weeks[number]
        week.emails[stage] = sent
        week.followed.update({(stage, response): hits or 0 for response, hits in zip(Response, followed, strict=True)})


def _count_purchases(connection: Connection, weeks: list[Tally], begin: int, end: int, customer_for: float) -> None:
    days = _Days(begin, len(weeks), customer_for)
    for stage, since, until, people in _spans(connection, end):
        if stage != Stage.CUSTOMER:
            days.add(Buyer(stage), since, until, people)
    _count_bought(connection, weeks, days, begin, end)
    days.into(weeks)
    for week in weeks:
        week.leave_out_mailed()


def _count_bought(connection: Connection, weeks: list[Tally], days: _Days, begin: int, end: int) -> None:
    """Purchases that followed no email, and the days of customers by how long ago they had bought."""
    rows: Iterable[Any] = connection.execute(_PURCHASES, {"end": end, "after": AFTER // MICROSECOND})
    before: tuple[str, int] = ("", 0)
    for contact_id, at, stage, mailed in rows:
        known = before[0] == contact_id
        if known:
            days.add_buyer(before[1], at)
        elif before[0]:
            days.add_buyer(before[1], end)
        if at >= begin and not mailed:
            class_ = buyer(stage, (at - before[1]) / DAY if known else None)
            bought = weeks[(at - begin) // WEEK_LONG].bought
            bought[class_] = bought.get(class_, 0) + 1
        before = (contact_id, at)
    if before[0]:
        days.add_buyer(before[1], end)


def _spans(connection: Connection, end: int) -> Iterator[tuple[str, int, int, int]]:
    """Who was in which stage from when until when, in microseconds."""
    last = ""
    for contact_id, at, new, old, following, known_at in connection.execute(_STAGES):
        if contact_id != last and old:
            yield old, known_at, at, 1
        last = contact_id
        yield new, at, end if following is None else following, 1
    for stage, known_at, people in connection.execute(_UNCHANGED):
        yield stage, known_at, end, people


def hours_to_open(connection: Connection, now: datetime) -> list[float]:
    """Hours from an email to its opening by a person, of the newest emails that were opened before `now`."""
    m = message.c
    found = select(m.accepted_at, m.opened_at).where(m.opened_at < now, m.accepted_at.is_not(None))
    rows = connection.execute(found.order_by(m.opened_at.desc(), m.id).limit(MOST_SAMPLES))
    return sorted(max(0.0, (then - at) / timedelta(hours=1)) for at, then in rows)


def amounts(connection: Connection, now: datetime) -> list[int]:
    """What the newest purchases before `now` were worth, in minor units of the project's currency, in order."""
    p = purchase.c
    found = select(p.value).where(p.value > 0, p.occurred_at < now).order_by(p.occurred_at.desc(), p.order_id)
    return sorted(connection.execute(found.limit(MOST_SAMPLES)).scalars())
