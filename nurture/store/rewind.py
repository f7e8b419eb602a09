"""A scratch copy set back to a day of the past: what came later is taken out, to be told again in its order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from nurture.store.coupons import NOBODY
from nurture.store.database import chunks, insert_all
from nurture.store.tables import (
    baseline,
    breaker,
    campaign_look,
    campaign_state,
    consent,
    consent_change,
    contact,
    contact_address,
    contact_mark,
    contact_tag,
    conversion,
    counter,
    coupon,
    decision,
    enrollment,
    entry_event,
    event,
    kept_email,
    message,
    purchase,
    purchase_identity,
    purchase_item,
    refund,
    stage_change,
    suppression,
    trial,
)

FIRST_SEEN = ("delivered_at", "bounced_at", "complained_at", "unsubscribed_at", "machine_opened_at", "opened_at",
              "machine_clicked_at", "clicked_at")  # fmt: skip
OWN = (contact_address, contact_tag)
"""What a contact has from the beginning: no history of it is kept."""

Rows = list[dict[str, Any]]


@dataclass(slots=True)
class Later:
    """What happened after the day, each in the order of time."""

    contacts: Rows = field(default_factory=list)
    owned: dict[str, Rows] = field(default_factory=dict)
    consents: Rows = field(default_factory=list)
    suppressions: Rows = field(default_factory=list)
    events: Rows = field(default_factory=list)
    purchases: Rows = field(default_factory=list)
    refunds: Rows = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    """Contacts who stay, and of whom something was taken out: their hot facts and lives are to be reckoned again."""


def rewind(connection: Connection, day: datetime, until: datetime) -> Later:
    """Set the copy back to `day` (aware UTC), and return what happened from then until `until`.

    Facts lie where they occurred. Campaigns that ran by then go on where they stood; attributes, tags and files have
    no history and stay as they are. Hot facts and lives are not reckoned yet.
    """
    later = _take_facts(connection, day, until)
    _take_campaigns(connection, day)
    _take_contacts(connection, later, day, until)
    later.touched = list(connection.execute(select(contact.c.id).order_by(contact.c.id)).scalars())
    return later


def _rows(connection: Connection, table: Any, at: str, day: datetime, until: datetime, *where: Any) -> Rows:
    within = (table.c[at] >= day, table.c[at] < until, *where)
    found = select(table).where(*within).order_by(table.c[at], *table.primary_key)
    return [dict(row) for row in connection.execute(found).mappings()]


def _take_facts(connection: Connection, day: datetime, until: datetime) -> Later:
    later = Later(
        events=_rows(connection, event, "occurred_at", day, until),
        purchases=_rows(connection, purchase, "occurred_at", day, until),
        refunds=_refunded(connection, day, until),
        consents=_said(connection, day, until),
        suppressions=_suppressed(connection, day, until),
    )
    _take_purchases(connection, day)
    for table in (event, refund, consent_change, suppression, conversion, stage_change, entry_event):
        connection.execute(delete(table).where(table.c.occurred_at >= day))
    connection.execute(update(conversion).where(conversion.c.reversed_at >= day).values(reversed_at=None))
    _set_consents_back(connection, day)
    return later


def _said(connection: Connection, day: datetime, until: datetime) -> Rows:
    """Words on consent, those among them that are only known by what they left standing."""
    words = [row for table in (consent, consent_change) for row in _rows(connection, table, "occurred_at", day, until)]
    once = {(row["contact_id"], row["topic"], row["occurred_at"], row["given"]): row for row in words}
    return sorted(once.values(), key=lambda row: (row["occurred_at"], row["contact_id"], row["topic"]))


def _suppressed(connection: Connection, day: datetime, until: datetime) -> Rows:
    s = suppression.c
    found = (
        select(suppression, contact.c.address)
        .join(contact, contact.c.id == s.contact_id, isouter=True)
        .where(s.occurred_at >= day, s.occurred_at < until)
        .order_by(s.occurred_at, s.address_key)
    )
    return [dict(row) for row in connection.execute(found).mappings()]


def _refunded(connection: Connection, day: datetime, until: datetime) -> Rows:
    """Refunds, each with the currency of its order."""
    of_order = and_(purchase.c.contact_id == refund.c.contact_id, purchase.c.order_id == refund.c.order_id)
    found = (
        select(refund, purchase.c.currency)
        .join(purchase, of_order)
        .where(refund.c.occurred_at >= day, refund.c.occurred_at < until)
        .order_by(refund.c.occurred_at, refund.c.refund_id)
    )
    return [dict(row) for row in connection.execute(found).mappings()]


def _take_purchases(connection: Connection, day: datetime) -> None:
    gone = select(purchase.c.order_id).where(purchase.c.occurred_at >= day)
    for table in (purchase_identity, purchase_item):
        connection.execute(delete(table).where(table.c.order_id.in_(gone)))
    connection.execute(delete(purchase).where(purchase.c.occurred_at >= day))
    mine = (refund.c.contact_id == purchase.c.contact_id, refund.c.order_id == purchase.c.order_id)
    given = select(func.coalesce(func.sum(refund.c.amount), 0)).where(*mine, refund.c.occurred_at < day)
    connection.execute(update(purchase).where(purchase.c.refunded > 0).values(refunded=given.scalar_subquery()))
    again = {"redeemed_at": None, "redeemed_by": None, "order_id": None}
    connection.execute(update(coupon).where(coupon.c.redeemed_at >= day).values(again))


def _set_consents_back(connection: Connection, day: datetime) -> None:
    """The newest word by then stands again."""
    gone = connection.execute(select(consent.c.contact_id, consent.c.topic).where(consent.c.occurred_at >= day)).all()
    connection.execute(delete(consent).where(consent.c.occurred_at >= day))
    before: dict[tuple[str, str], dict[str, Any]] = {}
    for some in chunks(sorted({row[0] for row in gone})):
        words = select(consent_change).where(consent_change.c.contact_id.in_(some))
        for row in connection.execute(words.order_by(consent_change.c.occurred_at)).mappings():
            before[row["contact_id"], row["topic"]] = dict(row)
    insert_all(connection, consent, [before[row[0], row[1]] for row in gone if (row[0], row[1]) in before])


def _take_campaigns(connection: Connection, day: datetime) -> None:
    m, e, d = message.c, enrollment.c, decision.c
    late = or_(m.accepted_at.is_(None) & m.settled_at.is_(None), func.coalesce(m.accepted_at, m.settled_at) >= day)
    gone = select(m.id).where(late)
    connection.execute(delete(kept_email).where(kept_email.c.message_id.in_(gone)))
    connection.execute(update(coupon).where(coupon.c.message_id.in_(gone)).values(NOBODY))
    connection.execute(delete(message).where(late))
    for name in FIRST_SEEN:
        connection.execute(update(message).where(m[name] >= day).values({name: None}))
    connection.execute(delete(decision).where(d.at >= day))
    connection.execute(delete(enrollment).where(e.entered_at >= day))
    _stand_again(connection, day)
    for table in (counter, breaker, contact_mark, campaign_look, entry_event):
        connection.execute(delete(table))
    connection.execute(delete(trial).where(trial.c.began_at >= day))
    undecided = {"decided_at": None, "outcome": None, "winner": None, "figures": None}
    connection.execute(update(trial).where(trial.c.decided_at >= day).values(undecided))
    late_born = or_(campaign_state.c.live_since.is_(None), campaign_state.c.live_since >= day)
    names = select(campaign_state.c.campaign).where(late_born)
    connection.execute(delete(baseline).where(baseline.c.campaign.in_(names)))
    connection.execute(delete(campaign_state).where(late_born))
    connection.execute(update(campaign_state).where(campaign_state.c.next_look_at.is_not(None)).values(next_look_at=day))


def _stand_again(connection: Connection, day: datetime) -> None:
    """Who was inside by then stands at the step that the last decision led to, and is asked again."""
    e, d = enrollment.c, decision.c
    inside = or_(e.ended_at.is_(None), e.ended_at >= day)
    mine = and_(d.contact_id == e.contact_id, d.enrollment_id == e.id)
    moved = and_(mine, d.what == "move", d.to_step.is_not(None))
    count = select(func.count()).where(mine).correlate(enrollment).scalar_subquery()

    def last(column: Any) -> Any:
        return select(column).where(moved).order_by(d.seq.desc()).limit(1).correlate(enrollment).scalar_subquery()

    first = select(d.step).where(mine).order_by(d.seq).limit(1).correlate(enrollment).scalar_subquery()
    again = {
        "state": "live", "ended_at": None, "reason": None, "due_at": day, "why": "", "decisions": count,
        "step": func.coalesce(last(d.to_step), first, e.step), "arrived_at": func.coalesce(last(d.at), e.entered_at),
    }  # fmt: skip
    connection.execute(update(enrollment).where(inside).values(again))
    connection.execute(update(enrollment).where(inside, e.measured_from >= day).values(measured_from=None))


def end_misplaced(connection: Connection, places: Mapping[str, Collection[str]], day: datetime) -> None:
    """Who stands at a step that its campaign's file no longer has leaves it; `places` are the steps by campaign."""
    e = enrollment.c
    gone = {"state": "ended", "ended_at": day, "reason": "removed", "due_at": None}
    for campaign, steps in places.items():
        inside = and_(e.campaign == campaign, e.state == "live", e.pinned.is_(None))
        connection.execute(update(enrollment).where(inside, e.step.not_in(list(steps))).values(gone))


def _take_contacts(connection: Connection, later: Later, day: datetime, until: datetime) -> None:
    late = contact.c.known_at >= day
    later.contacts = _rows(connection, contact, "known_at", day, until)
    gone = select(contact.c.id).where(late)
    for table in OWN:
        owned = select(table).where(table.c.contact_id.in_(gone))
        later.owned[table.name] = [dict(row) for row in connection.execute(owned).mappings()]
        connection.execute(delete(table).where(table.c.contact_id.in_(gone)))
    connection.execute(delete(contact).where(late))
    restated = {"stated_stage": None, "stated_at": None}
    connection.execute(update(contact).where(contact.c.stated_at >= day).values(restated))


def bring_back(connection: Connection, later: Later, contacts: Sequence[dict[str, Any]]) -> None:
    """Contacts become known: with the addresses and tags they have today, as if nothing had been told of them yet."""
    known = {row["id"] for row in contacts}
    insert_all(connection, contact, [{**row, **_untold(row)} for row in contacts])
    for table in OWN:
        mine = [row for row in later.owned.get(table.name, ()) if row["contact_id"] in known]
        insert_all(connection, table, mine)


def _untold(row: dict[str, Any]) -> dict[str, Any]:
    nothing = dict.fromkeys(("stage_check_at", "customer_from", "last_received_at", "last_machine_open_at",
                             "last_opened_at", "last_clicked_at", "last_replied_at", "last_engaged_at", "score_until",
                             "first_purchase_at", "last_purchase_at"))  # fmt: skip
    since = dict.fromkeys(("stage_since", "silent_since", "facts_until"), row["known_at"])
    counts = dict.fromkeys(("unanswered", "received_count", "purchase_count", "revenue"), 0)
    return {**nothing, **since, **counts, "stage": "lead"}


def sent_already(connection: Connection, keys: Sequence[tuple[str, str]]) -> set[str]:
    """Those of the messages (contact id, message id) that have left by now."""
    found: set[str] = set()
    for some in chunks(sorted({message_id for _, message_id in keys})):
        m = message.c
        contacts = {contact_id for contact_id, message_id in keys if message_id in set(some)}
        left = select(m.id).where(m.contact_id.in_(contacts), m.id.in_(some), m.accepted_at.is_not(None))
        found.update(connection.execute(left).scalars())
    return found

