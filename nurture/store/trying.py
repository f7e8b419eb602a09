"""Trying an email on somebody: where they would stand, who they would be, in a transaction that is undone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, func, insert, select, update

from nurture.core.event import Kind
from nurture.core.ids import derived_id, message_id
from nurture.core.persona import Persona, PersonaAccount, PersonaPurchase
from nurture.core.program import Course
from nurture.store.database import insert_new, upsert
from nurture.store.enrollments import LIVE, lock_contacts
from nurture.store.suppressions import contacts_by_address
from nurture.store.tables import account, consent, contact, contact_address, enrollment, event, message, purchase
from nurture.store.types import EPOCH

SOURCE = "preview"


def owner(connection: Connection, key: str) -> str | None:
    """The contact with that normalised address."""
    return contacts_by_address(connection, [key]).get(key)


# --- somebody made up --------------------------------------------------------------------------------


def introduce(connection: Connection, name: str, persona: Persona, topic: str, at: datetime) -> str:
    """Make a contact of somebody made up, who consents to that topic. Returns their id.

    Nothing holds for them but what the persona says: their address is nobody's, whoever it belongs to.
    """
    contact_id = derived_id("persona", name)
    since = at - persona.signed_up.delta
    bought = persona.last_purchase
    row = {
        "id": contact_id, "address": persona.lives_at(name), "first_name": persona.first_name,
        "last_name": persona.last_name, "locale": persona.locale, "timezone": persona.timezone,
        "country": persona.country, "source": SOURCE, "signed_up_at": since, "known_at": since, "created_at": since,
        "tracked": persona.tracked, "account_id": _account(connection, persona.account),
        "attributes": persona.attributes, "stage": persona.stage.value, "stage_since": since, "silent_since": since,
        "unanswered": 0, "facts_until": since, "received_count": 0, "purchase_count": 1 if bought else 0, "revenue": 0,
    }  # fmt: skip
    insert_new(connection, contact, [row])
    insert_new(connection, contact_address, [{"address_key": f"persona {contact_id}", "contact_id": contact_id}])
    said = {"topic": topic, "given": True, "source": SOURCE, "occurred_at": since, "recorded_at": since}
    insert_new(connection, consent, [{"contact_id": contact_id, **said}])
    if bought:
        _bought(connection, contact_id, bought, at)
    return contact_id


def _account(connection: Connection, found: PersonaAccount | None) -> str | None:
    if found is None:
        return None
    row = {"id": derived_id("persona account", found.name), **found.model_dump()}
    insert_new(connection, account, [row])
    return str(row["id"])


def _bought(connection: Connection, contact_id: str, bought: PersonaPurchase, at: datetime) -> None:
    row = {
        "contact_id": contact_id, "order_id": bought.order, "occurred_at": at - bought.ago.delta, "recorded_at": at,
        "amount": bought.total.minor, "currency": bought.total.currency, "refunded": 0, "items": list(bought.items),
    }  # fmt: skip
    insert_new(connection, purchase, [row])


# --- where they stand --------------------------------------------------------------------------------


def stand_at(connection: Connection, contact_id: str, course: Course, step: str, arm: str, at: datetime) -> str:
    """Let a contact stand at a sending step at a time, with its email due.

    Whoever is in the campaign keeps their entry and arm; an email that was handed over stays as it is. Returns the
    message's id.
    """
    lock_contacts(connection, [contact_id])
    within = _passage(connection, contact_id, course, step, arm, at)
    # Due since ever, so that the claim meets it first.
    row = {"contact_id": contact_id, "id": message_id(within, step), "enrollment_id": within,
           "campaign": course.campaign.name, "step": step, "state": "due", "planned_at": at, "due_at": EPOCH,
           "attempts": 0, "fence": 0, "resent_by_policy": False,
           "expires_at": course.campaign.expires.after(at, ZoneInfo("UTC"))}  # fmt: skip
    insert_new(connection, message, [row])
    m = message.c
    mine = and_(m.contact_id == contact_id, m.enrollment_id == within, m.step == step)
    waiting = {name: row[name] for name in ("planned_at", "due_at", "expires_at", "state")} | {"capped_since": None}
    connection.execute(update(message).where(mine, m.claimed_at.is_(None)).values(waiting))
    found: str = connection.execute(select(m.id).where(mine)).scalar_one()
    return found


def _passage(connection: Connection, contact_id: str, course: Course, step: str, arm: str, at: datetime) -> str:
    """Their enrollment in the campaign, at that step; a new one where they are not in it."""
    name, e = course.campaign.name, enrollment.c
    mine = and_(e.contact_id == contact_id, e.campaign == name, e.state == LIVE)
    here_first = (e.step != step, e.entered_at.desc(), e.id)
    within: str | None = connection.execute(select(e.id).where(mine).order_by(*here_first)).scalar()
    if within is None:
        within = derived_id("preview", contact_id, name)
        connection.execute(
            insert(enrollment).values(
                contact_id=contact_id, id=within, campaign=name, entry_key="", ordinal=0, release_id=0, arm=arm,
                exclusive=False, state=LIVE, step=step, entered_at=at, arrived_at=at, due_at=at, why="", decisions=0,
            )
        )  # fmt: skip
    here: dict[str, Any] = {"step": step, "pinned": None}
    if step in course.held_steps:
        here["measured_from"] = func.coalesce(e.measured_from, at)
    connection.execute(update(enrollment).where(e.contact_id == contact_id, e.id == within).values(here))
    return within


def owe(connection: Connection, contact_id: str, found: str) -> None:
    """Let a message be due, whatever became of it; the variant it was given stays."""
    connection.execute(update(message).where(*_this(contact_id, found)).values(state="due", due_at=EPOCH))


def message_row(connection: Connection, contact_id: str, found: str) -> dict[str, Any]:
    """A message as it stands."""
    return dict(connection.execute(select(message).where(*_this(contact_id, found))).mappings().one())


def _this(contact_id: str, found: str) -> tuple[Any, Any]:
    return message.c.contact_id == contact_id, message.c.id == found


# --- on what they entered ----------------------------------------------------------------------------


def has_begun_on_event(connection: Connection, contact_id: str, enrollment_id: str) -> bool:
    """Whether an event let them in."""
    e = enrollment.c
    mine = and_(e.contact_id == contact_id, e.id == enrollment_id, e.event_id.is_not(None))
    return connection.execute(select(e.id).where(mine)).first() is not None


def enter_on_latest(connection: Connection, contact_id: str, enrollment_id: str, name: str) -> bool:
    """Let an enrollment have begun on the contact's latest event of that name. Tells whether there is one."""
    mine = and_(event.c.contact_id == contact_id, event.c.kind == Kind.CUSTOM.value, event.c.name == name)
    statement = select(event.c.id, event.c.occurred_at).where(mine).order_by(event.c.occurred_at.desc()).limit(1)
    row = connection.execute(statement).first()
    if row is not None:
        _began(connection, contact_id, enrollment_id, row[0], row[1])
    return row is not None


def enter_on(connection: Connection, contact_id: str, enrollment_id: str, name: str, fields: Mapping[str, Any]) -> None:
    """Let an enrollment have begun on an event with those fields, when it began."""
    e = enrollment.c
    mine = and_(e.contact_id == contact_id, e.id == enrollment_id)
    at = connection.execute(select(e.entered_at).where(mine)).scalar_one()
    row = {"contact_id": contact_id, "kind": Kind.CUSTOM.value, "occurred_at": at, "id": enrollment_id,
           "recorded_at": at, "source": SOURCE, "name": name, "detail": dict(fields)}  # fmt: skip
    upsert(connection, event, [row])
    _began(connection, contact_id, enrollment_id, enrollment_id, at)


def _began(connection: Connection, contact_id: str, enrollment_id: str, event_id: str, at: datetime) -> None:
    # An enrollment and the event it began on share their time.
    mine = and_(enrollment.c.contact_id == contact_id, enrollment.c.id == enrollment_id)
    connection.execute(update(enrollment).where(mine).values(event_id=event_id, entered_at=at))
