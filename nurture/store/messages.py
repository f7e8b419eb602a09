"""Messages: what is due with everything the gate and the template ask, the claim, and the settlement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)

from nurture.core.decide import Arm, lot
from nurture.core.event import SuppressionReason
from nurture.core.gate import Asked
from nurture.core.program import Course, Program
from nurture.core.values import Rate
from nurture.store.accounts import lock_accounts
from nurture.store.conditions import Asker
from nurture.store.database import column_names, insert_new, update_rows, upsert
from nurture.store.enrollments import LIVE, answers, exits, lock_contacts
from nurture.store.prepared import IDS, MOST, NOW, SINCE, ask
from nurture.store.tables import (
    consent,
    contact,
    contact_address,
    counter,
    enrollment,
    kept_email,
    message,
    purchase,
    suppression,
)
from nurture.store.types import Instant, plain

COUNTED = ("sending", "accepted", "unknown")
"""The states that count against limits."""

FOR_CAUSE = tuple(
    reason.value
    for reason in SuppressionReason
    if reason not in (SuppressionReason.UNSUBSCRIBED, SuppressionReason.SUNSET)
)
"""Suppressions that hold for mail about an order or account too."""


class Candidate(NamedTuple):
    """A due message: what the gate asks of it, and what its template may show."""

    contact_id: str
    id: str
    enrollment_id: str
    step: str
    attempts: int
    fence: int
    resent: bool
    asked: Asked
    contact: Mapping[str, Any]
    planned_at: datetime
    variant: str | None
    trial: str | None


CONTACT_COLUMNS = ("address", "first_name", "last_name", "locale", "country", "timezone", "stage", "signed_up_at",
                   "tracked", "attributes", "purchase_count", "account_id")  # fmt: skip


ACCOUNT = 17 + CONTACT_COLUMNS.index("account_id")
"""Where a due message's row holds the contact's account."""


class ClaimQuery:
    """The one query that brings a campaign's due messages with all that decides over them; built once a release.

    With `pinned`, of those who finish on the version of that release; else of all others.
    """

    def __init__(self, program: Program, course: Course, pinned: int | None = None) -> None:
        self._program, self._course = program, course
        follows = or_(enrollment.c.pinned.is_(None), enrollment.c.state != LIVE)
        theirs = follows if pinned is None else and_(enrollment.c.pinned == pinned, enrollment.c.state == LIVE)
        due = message.c.campaign == course.campaign.name, message.c.due_at <= NOW
        self._statement = self._build().where(*due, theirs).limit(MOST)

    def _build(self) -> Select[Any]:
        m, e = message.c, enrollment.c
        asker = Asker(self._program.project, inside=True)
        # What is sent once more by policy may come when the enrollment has gone on without it.
        again = and_(m.resent_by_policy.is_(true()), or_(e.state == LIVE, e.reason == "completed"))
        held = and_(e.arm != Arm.EMAILED.value, e.measured_from.isnot(None))
        stands = or_(and_(e.state == LIVE, e.step == m.step), again)
        return (
            select(
                m.contact_id, m.id, m.enrollment_id, m.step, m.attempts, m.fence, m.expires_at, m.capped_since,
                m.resent_by_policy, stands, held, *exits(asker, self._course),
                suppressed(self._course, m.contact_id), consents(self._course, m.contact_id),
                *(contact.c[name] for name in CONTACT_COLUMNS), m.planned_at, m.variant, m.trial, m.reason,
            )
            .select_from(
                message.join(enrollment, and_(e.contact_id == m.contact_id, e.id == m.enrollment_id)).join(
                    contact, contact.c.id == m.contact_id
                )
            )
            .order_by(m.due_at, m.contact_id, m.id)
        )  # fmt: skip

    def some(self, connection: Connection, now: datetime, limit: int) -> list[Candidate]:
        """At most `limit` due messages, the longest due first, their contacts locked until the transaction ends."""
        statement = self._statement
        if connection.dialect.name == "postgresql":
            due = select(message.c.contact_id).where(
                message.c.campaign == self._course.campaign.name, message.c.due_at <= now
            )
            ids = connection.execute(due.order_by(message.c.due_at).limit(limit)).scalars().all()
            locked = lock_contacts(connection, ids, skip=True) if ids else []
            statement = statement.where(message.c.contact_id.in_(locked))
        return self._candidates(connection, ask(connection, statement, {"now": now, "most": limit}), now, True)

    def waiting(self, connection: Connection, contact_id: str, now: datetime) -> list[Candidate]:
        """The messages of one contact that have not left yet, due or not; nothing is locked."""
        mine = message.c.contact_id == contact_id, message.c.campaign == self._course.campaign.name
        statement = self._build().where(*mine, message.c.due_at.is_not(None))
        return self._candidates(connection, connection.execute(statement, {"now": now}).all(), now, False)

    def _candidates(self, connection: Connection, rows: Sequence[Any], now: datetime, lock: bool) -> list[Candidate]:
        limits = (self._program.project.limits, self._course.campaign.limits)
        rates = [rate for limit in limits for rate in limit.per_contact]
        claims = self.claims(connection, message.c.contact_id, [row[0] for row in rows], rates, now)
        shared = [rate for limit in limits for rate in limit.per_account]
        accounts = sorted({row[ACCOUNT] for row in rows if row[ACCOUNT]})
        if lock and shared and not self._course.transactional:
            lock_accounts(connection, accounts)
        theirs = self.claims(connection, message.c.account_id, accounts, shared, now)
        return [self._candidate(row, claims.get(row[0], ()), theirs.get(row[ACCOUNT], ())) for row in rows]

    def claims(
        self, connection: Connection, whose: Column[Any], ids: Sequence[str], rates: Sequence[Rate], now: datetime
    ) -> dict[str, list[tuple[datetime, str]]]:
        """When each contact or account was last claimed for, and by which campaign, as far back as any rate reaches."""
        if not rates or not ids or self._course.transactional:
            return {}
        asked = {
            "ids": sorted(set(ids)), "since": now - max(rate.per.delta for rate in rates),
            "exempt": [name for name, course in self._program.courses.items() if course.transactional],
        }  # fmt: skip
        found: dict[str, list[tuple[datetime, str]]] = {}
        for contact_id, at, campaign in ask(connection, _claimed(whose), asked):
            found.setdefault(contact_id, []).append((at, campaign))
        return found

    def _candidate(
        self, row: Any, claims: Sequence[tuple[datetime, str]], theirs: Sequence[tuple[datetime, str]]
    ) -> Candidate:
        values = dict(zip(CONTACT_COLUMNS, row[17:-4], strict=True))
        asked = Asked(
            stands_there=bool(row[9]), held_out=bool(row[10]), answers=answers(row[11:15]),
            suppressed=bool(row[15]), consents=bool(row[16]), expires_at=row[6], capped_since=row[7],
            zone=self._program.zone_of(values["timezone"]), claims=[at for at, _ in claims],
            campaign_claims=[at for at, name in claims if name == self._course.campaign.name],
            country=values["country"], lot=lot(row[1]), waits_for=row[-1], account_claims=[at for at, _ in theirs],
            account_campaign_claims=[at for at, name in theirs if name == self._course.campaign.name],
        )  # fmt: skip
        return Candidate(row[0], row[1], row[2], row[3], row[4], row[5], bool(row[8]), asked, values, *row[-4:-1])


@cache
def _claimed(whose: Column[Any]) -> Select[Any]:
    return (
        select(whose, message.c.claimed_at, message.c.campaign)
        .where(whose.in_(IDS), message.c.claimed_at > SINCE)
        .where(message.c.state.in_(COUNTED), message.c.campaign.not_in(bindparam("exempt", expanding=True)))
        .order_by(message.c.claimed_at)
    )


def suppressed(course: Course, contact_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """No email of the campaign may go to an address of that contact."""
    joined = contact_address.join(suppression, suppression.c.address_key == contact_address.c.address_key)
    cause = suppression.c.reason.in_(FOR_CAUSE) if course.transactional else true()
    return exists(select(1).select_from(joined).where(contact_address.c.contact_id == contact_id, cause))


def consents(course: Course, contact_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The contact permits the campaign's topic; what is about an order needs no permission."""
    if course.transactional:
        return true()
    permits = and_(consent.c.topic == course.campaign.topic, consent.c.given.is_(true()))
    return exists(select(1).where(consent.c.contact_id == contact_id, permits))


_RANK = func.row_number().over(
    partition_by=purchase.c.contact_id, order_by=(purchase.c.occurred_at.desc(), purchase.c.order_id)
)
_RANKED = select(purchase, _RANK.label("place")).where(purchase.c.contact_id.in_(IDS)).subquery()
_LAST = select(_RANKED).where(_RANKED.c.place == 1)


def last_purchases(connection: Connection, contact_ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Each contact's latest purchase."""
    ids = sorted(set(contact_ids))
    rows = ask(connection, _LAST, {"ids": ids}) if ids else ()
    names = column_names(purchase)
    return {row[0]: dict(zip(names, row, strict=False)) for row in rows}


def taken(connection: Connection, scope: str, bucket: str) -> int:
    """How much of a limit is used."""
    mine = counter.c.scope == scope, counter.c.bucket == bucket
    return connection.execute(select(counter.c.used).where(*mine)).scalar() or 0


def taken_since(connection: Connection, scope: str, bucket: str) -> dict[str, int]:
    """How much of a limit is used by each hour, or day, of the kind and from the one on that `bucket` names."""
    c = counter.c
    mine = c.scope == scope, func.length(c.bucket) == len(bucket), c.bucket >= bucket, c.used > 0
    rows = connection.execute(select(c.bucket, c.used).where(*mine).order_by(c.bucket))
    return {row[0]: row[1] for row in rows}


def save_claims(connection: Connection, rows: Sequence[Mapping[str, Any]], kept: Sequence[Mapping[str, Any]]) -> None:
    """Write claims and what was rendered for them; committed before any byte leaves."""
    update_rows(connection, message, rows)
    upsert(connection, kept_email, kept)


def save_verdicts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what the gate put off or refused."""
    update_rows(connection, message, rows)


def reserve(connection: Connection, scope: str, bucket: str, wanted: int, limit: int) -> int:
    """Take up to `wanted` places of a limit. Returns how many were free; they are taken."""
    this = and_(counter.c.scope == scope, counter.c.bucket == bucket)
    insert_new(connection, counter, [{"scope": scope, "bucket": bucket, "used": 0}])
    used = connection.execute(select(counter.c.used).where(this).with_for_update()).scalar_one()
    granted = max(0, min(wanted, limit - int(used)))
    if granted:
        connection.execute(update(counter).where(this).values(used=counter.c.used + granted))
    return granted


def give_back(connection: Connection, scope: str, bucket: str, places: int) -> None:
    """Return places of a limit that were not needed."""
    connection.execute(
        update(counter).where(counter.c.scope == scope, counter.c.bucket == bucket).values(used=counter.c.used - places)
    )


_SENDING = select(
    message.c.contact_id, message.c.id, message.c.fence, message.c.step, message.c.bounced_at
).where(message.c.contact_id.in_(IDS), plain(message.c.state) == "sending")


def ours(
    connection: Connection, claims: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], tuple[str, datetime | None]]:
    """Those claims, by (contact id, message id) with their fence, that nobody has taken over or settled.

    With each, the id its step has by now, and when a bounce of it was seen already.
    """
    rows = ask(connection, _SENDING, {"ids": sorted({contact_id for contact_id, _ in claims})})
    return {(row[0], row[1]): (row[3], row[4]) for row in rows if claims.get((row[0], row[1])) == row[2]}


def settle(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what became of claims; each row names the fence it was claimed under, and counts under no other."""
    update_rows(connection, message, rows, ("contact_id", "id", "fence"), {"state": "sending"})


def wake_enrollments(connection: Connection, keys: Sequence[tuple[str, str, str]], now: datetime) -> None:
    """Have the enrollments (contact id, id) that stand at the step of a settled message asked again."""
    rows = [{"contact_id": who, "id": which, "step": step, "due_at": now} for who, which, step in keys]
    update_rows(connection, enrollment, rows, ("contact_id", "id", "step"), {"state": LIVE})


def _overdue(now: Any) -> ColumnElement[bool]:
    return and_(message.c.state == "sending", message.c.lease_until <= now)


def _unanswered(before: Any) -> ColumnElement[bool]:
    unknown = and_(message.c.state == "unknown", message.c.settled_at < before)
    return and_(unknown, message.c.resent_by_policy.is_not(true()))


def _locked(connection: Connection, which: ColumnElement[bool], limit: int) -> list[Any]:
    """Some messages of which this holds, their contacts locked so that nobody settles them meanwhile."""
    ids = connection.execute(select(message.c.contact_id).where(which).limit(limit)).scalars().all()
    if not ids:
        return []
    mine = message.c.contact_id.in_(lock_contacts(connection, ids))
    names = ("contact_id", "id", "planned_at", "expires_at")
    return list(connection.execute(select(*(message.c[name] for name in names)).where(mine, which)))


def expire_leases(connection: Connection, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Claims whose lease ran out become unknown: they may have left. Returns them, as (contact id, message id)."""
    rows = [
        {"contact_id": row[0], "id": row[1], "state": "unknown", "lease_until": None, "settled_at": now,
         "reason": "the lease ran out"}
        for row in _locked(connection, _overdue(now), limit)
    ]  # fmt: skip
    update_rows(connection, message, rows)
    return [(row["contact_id"], row["id"]) for row in rows]


def resend_unknown(connection: Connection, before: datetime, now: datetime, limit: int) -> int:
    """By policy, once: messages unknown since `before` are due again, for as long as they were at first, and say so.

    Returns how many.
    """
    rows = [
        {"contact_id": row[0], "id": row[1], "state": "retry", "due_at": now, "settled_at": None,
         "resent_by_policy": True,
         "expires_at": now + (row[3] - row[2]), "capped_since": None, "reason": "sent once more by policy"}
        for row in _locked(connection, _unanswered(before), limit)
    ]  # fmt: skip
    update_rows(connection, message, rows)
    return len(rows)


def forget_kept(connection: Connection, before_day: int, limit: int) -> int:
    """Forget the values of at most `limit` emails kept longer than the project keeps them. Returns how many."""
    key = (kept_email.c.contact_id, kept_email.c.message_id)
    old = select(*key).where(kept_email.c.day < before_day).limit(limit)
    return connection.execute(kept_email.delete().where(tuple_(*key).in_(old))).rowcount


def to_sweep(
    connection: Connection, now: datetime, before: datetime | None, before_day: int
) -> tuple[bool, bool, bool]:
    """Whether there are claims whose lease ran out, lost answers from `before`, and values kept before that day."""
    said = {"now": now, "before": before, "day": before_day}
    expired, lost, old = ask(connection, _TO_SWEEP[before is not None], said)[0]
    return bool(expired), bool(lost), bool(old)


def _sweeping(answers: bool) -> Any:
    """What is asked before each pass, built once; `answers`: lost ones may be given up."""
    return select(
        exists(select(1).where(_overdue(NOW))),
        exists(select(1).where(_unanswered(bindparam("before", type_=Instant())))) if answers else false(),
        exists(select(1).where(kept_email.c.day < bindparam("day", type_=Integer()))),
    )


_TO_SWEEP = {answers: _sweeping(answers) for answers in (False, True)}
