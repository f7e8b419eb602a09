"""Contacts by the thousand: added in bulk, found by address, changed where need be; and one told whole."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection, Table, and_, bindparam, or_, select, text, update

from nurture.core.event import Fact
from nurture.store.database import Database, chunks, update_rows, upsert
from nurture.store.events import identify, unseen
from nurture.store.suppressions import contacts_by_address
from nurture.store.tables import (
    consent,
    consent_change,
    contact,
    contact_address,
    contact_mark,
    contact_tag,
    conversion,
    enrollment,
    event,
    message,
    purchase,
    purchase_identity,
    refund,
    stage_change,
    suppression,
)
from nurture.store.types import Instant

Transaction = Connection
"""An open transaction, as actions hand it on."""

CREATING = 0x6E757263  # "nurc": the advisory lock under which contacts come into being

UPDATABLE = (
    "address", "first_name", "last_name", "locale", "timezone", "country", "source", "signed_up_at", "known_at",
    "tracked", "account_id", "attributes", "stated_stage", "stated_at",
)  # fmt: skip
"""The columns of a contact that an import may change; the others follow from facts."""

CREATED = (
    "id", *UPDATABLE, "created_at", "stage", "stage_since", "stage_check_at", "silent_since", "unanswered",
    "facts_until", "customer_from", "received_count", "purchase_count", "revenue",
)  # fmt: skip
"""The columns given when a contact comes into being; the others are empty then."""

LISTED = ("id", "address", "first_name", "last_name", "country", "stage", "stage_since", "last_engaged_at", "revenue")

ALL_KNOWN: tuple[tuple[str, Table, str], ...] = (
    ("stages", stage_change, "occurred_at"),
    ("consents", consent_change, "occurred_at"),
    ("suppressions", suppression, "occurred_at"),
    ("enrollments", enrollment, "entered_at"),
    ("messages", message, "planned_at"),
    ("events", event, "occurred_at"),
    ("purchases", purchase, "occurred_at"),
    ("refunds", refund, "occurred_at"),
    ("conversions", conversion, "occurred_at"),
)
"""What is told of one contact, in this order: heading, table, and the time it is sorted by."""


@contextmanager
def in_bulk(database: Database) -> Iterator[None]:
    """Work on very many rows with little memory: file pages are not mapped, and young rows not searched for cycles.

    On SQLite pages are carried from the log into the file every 80 MB, not with every commit.
    """

    usual = gc.get_threshold()
    gc.set_threshold(200_000, 20, 20)
    try:
        with database.told("mmap_size=0", "wal_autocheckpoint=20000"):
            yield
    finally:
        gc.set_threshold(*usual)


def take_turns(connection: Connection) -> None:
    """Let one transaction at a time bring contacts into being, so that an address is never given to two."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CREATING})


def bulk_insert(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows known to be new, given as tuples in the order of `names`; documents are given as JSON text.

    On PostgreSQL by COPY, on SQLite by one prepared statement; much cheaper than rows as mappings.
    """
    if not rows:
        return
    columns = ", ".join(f'"{name}"' for name in names)
    if connection.dialect.name == "postgresql":
        cursor: Any = connection.connection.cursor()
        with cursor, cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(names))
    statement = f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})'
    connection.exec_driver_sql(statement, _bound(connection, table, names, rows))


def _bound(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Rows as the driver takes them, a column at a time."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place, name in enumerate(names):
        kind = table.c[name].type
        if isinstance(kind, Instant):
            # The same few instants stand in many columns and rows.
            bind = lru_cache(maxsize=None)(kind.bind_processor(connection.dialect))
            columns[place] = [bind(value) for value in columns[place]]
    return list(zip(*columns, strict=True))


def add_contacts(connection: Connection, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Bring contacts into being: rows hold CREATED with `attributes` as JSON text, and the address' `key`.

    They are marked for campaigns that look at once, and suppressions that preceded them learn who they are.
    """
    bulk_insert(connection, contact, CREATED, [tuple([row[name] for name in CREATED]) for row in rows])
    keys = sorted((row["key"], row["id"]) for row in rows)
    bulk_insert(connection, contact_address, ("address_key", "contact_id"), keys)
    bulk_insert(connection, contact_mark, ("contact_id", "marked_at"), [(row["id"], now) for row in rows])


def adopt_suppressions(connection: Connection, owners: Mapping[str, str]) -> None:
    """Let the suppressions of those addresses know their contact; `owners` by normalised address."""
    statement = (
        update(suppression)
        .where(suppression.c.address_key == bindparam("key"), suppression.c.contact_id.is_(None))
        .values(contact_id=bindparam("owner"))
    )
    if owners:
        connection.execute(statement, [{"key": key, "owner": owner} for key, owner in owners.items()])


def load_contacts(connection: Connection, ids: Iterable[str], lock: bool = False) -> dict[str, dict[str, Any]]:
    """What an import may change of those contacts, by id; with `lock`, rows are locked in id order."""
    found: dict[str, dict[str, Any]] = {}
    for some in chunks(sorted(ids)):
        statement = select(contact.c.id, contact.c.created_at, *(contact.c[name] for name in UPDATABLE))
        statement = statement.where(contact.c.id.in_(some)).order_by(contact.c.id)
        rows = connection.execute(statement.with_for_update() if lock else statement).mappings()
        found.update((row["id"], dict(row)) for row in rows)
    return found


def load_tags(connection: Connection, ids: Iterable[str]) -> dict[str, set[str]]:
    """The tags of each contact that has any."""
    found: dict[str, set[str]] = {}
    for some in chunks(sorted(ids)):
        statement = select(contact_tag.c.contact_id, contact_tag.c.tag).where(contact_tag.c.contact_id.in_(some))
        for contact_id, tag in connection.execute(statement):
            found.setdefault(contact_id, set()).add(tag)
    return found


def load_consents(connection: Connection, ids: Iterable[str]) -> dict[tuple[str, str], tuple[bool, datetime]]:
    """Whether consent stands and since when, by contact and topic."""
    found: dict[tuple[str, str], tuple[bool, datetime]] = {}
    for some in chunks(sorted(ids)):
        statement = select(consent.c.contact_id, consent.c.topic, consent.c.given, consent.c.occurred_at)
        for contact_id, topic, given, at in connection.execute(statement.where(consent.c.contact_id.in_(some))):
            found[(contact_id, topic)] = (given, at)
    return found


def load_consent_changes(connection: Connection, ids: Iterable[str]) -> set[tuple[str, str, datetime, bool]]:
    """Every word ever given on consent: contact, topic, time, yes or no."""
    found: set[tuple[str, str, datetime, bool]] = set()
    kept = consent_change.c
    columns = (kept.contact_id, kept.topic, kept.occurred_at, kept.given)
    for some in chunks(sorted(ids)):
        for one, topic, at, given in connection.execute(select(*columns).where(columns[0].in_(some))):
            found.add((one, topic, at, given))
    return found


CONSENT = ("contact_id", "topic", "given", "source", "occurred_at", "recorded_at")


def add_consents(
    connection: Connection,
    first: Sequence[tuple[Any, ...]],
    words: Sequence[tuple[Any, ...]],
    current: Sequence[tuple[Any, ...]],
) -> None:
    """Keep new words on consent (tuples of CONSENT); `first` are a contact's first, `current` those that stand now."""
    bulk_insert(connection, consent_change, CONSENT, [*first, *words])
    bulk_insert(connection, consent, CONSENT, first)
    upsert(connection, consent, [dict(zip(CONSENT, row, strict=True)) for row in current])


def update_contacts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write UPDATABLE columns of contacts that are there."""
    update_rows(connection, contact, [{name: row[name] for name in ("id", *UPDATABLE)} for row in rows])


def add_tags(connection: Connection, tags: Sequence[tuple[str, str]]) -> None:
    """Give contacts (ids) tags that they do not have yet."""
    bulk_insert(connection, contact_tag, ("contact_id", "tag"), tags)


def existing_ids(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Those of the ids that are contacts."""
    found: set[str] = set()
    for some in chunks(sorted(set(ids))):
        found.update(connection.execute(select(contact.c.id).where(contact.c.id.in_(some))).scalars())
    return found


def contacts_of_messages(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[str, datetime | None]]:
    """The contact of each message that is known, and when the message was accepted."""
    found: dict[str, tuple[str, datetime | None]] = {}
    for some in chunks(sorted(set(ids))):
        statement = select(message.c.id, message.c.contact_id, message.c.accepted_at).where(message.c.id.in_(some))
        found.update((one, (owner, at)) for one, owner, at in connection.execute(statement))
    return found


def known_facts(database: Database, facts: Iterable[Fact]) -> int:
    """How many of the facts are recorded already, or come twice."""
    wanted = [identify(fact) for fact in facts]
    with database.read() as connection:
        return len(wanted) - len(unseen(connection, wanted))


def load_orders(connection: Connection, order_ids: Iterable[str]) -> dict[str, tuple[str, int, str]]:
    """The contact, amount (minor units) and currency of each order that is known."""
    known = purchase_identity
    same = and_(purchase.c.contact_id == known.c.contact_id, purchase.c.order_id == known.c.order_id)
    columns = (purchase.c.order_id, purchase.c.contact_id, purchase.c.amount, purchase.c.currency)
    found: dict[str, tuple[str, int, str]] = {}
    for some in chunks(sorted(set(order_ids))):
        statement = select(*columns).select_from(known).join(purchase, same)
        rows = connection.execute(statement.where(known.c.order_id.in_(some)))
        found.update((order, (owner, amount, currency)) for order, owner, amount, currency in rows)
    return found


def list_contacts(
    connection: Connection, stage: str | None = None, tag: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Contacts, the newest known first; of one stage or tag, if named."""
    statement = select(*(contact.c[name] for name in LISTED))
    statement = statement.order_by(contact.c.created_at.desc(), contact.c.id).limit(limit)
    if stage:
        statement = statement.where(contact.c.stage == stage)
    if tag:
        tagged = contact_tag.c.contact_id == contact.c.id
        statement = statement.join(contact_tag, tagged).where(contact_tag.c.tag == tag)
    return [dict(row) for row in connection.execute(statement).mappings()]


def whole_contact(connection: Connection, key: str) -> dict[str, Any] | None:
    """Everything known of the contact with that normalised address, as plain rows; None where there is none."""
    owner = contacts_by_address(connection, [key]).get(key)
    return known_contact(connection, owner) if owner else None


def known_contact(connection: Connection, owner: str) -> dict[str, Any] | None:
    """The same of the contact with that id."""
    row = connection.execute(select(contact).where(contact.c.id == owner)).mappings().first()
    if row is None:
        return None
    known: dict[str, Any] = {"contact": dict(row), "tags": sorted(load_tags(connection, [owner]).get(owner, ()))}
    for heading, table, when in ALL_KNOWN:
        statement = select(table).where(table.c.contact_id == owner).order_by(table.c[when])
        known[heading] = [dict(found) for found in connection.execute(statement).mappings()]
    return known


def like_addresses(connection: Connection, key: str, limit: int = 200) -> list[str]:
    """Addresses of contacts that begin like this one, for whoever mistyped it."""
    begins = contact_address.c.address_key.between(key[:2], key[:2] + "\U0010ffff")
    statement = select(contact_address.c.address_key).where(begins).order_by(contact_address.c.address_key)
    return list(connection.execute(statement.limit(limit)).scalars())


def search_contacts(connection: Connection, words: str, limit: int = 12) -> list[dict[str, Any]]:
    """Contacts in whose address or name each of the words stands, by address."""
    named = (contact.c.address, contact.c.first_name, contact.c.last_name)
    every = [or_(*(column.icontains(word, autoescape=True) for column in named)) for word in words.split()]
    statement = select(*(contact.c[name] for name in LISTED)).where(*every).order_by(contact.c.address).limit(limit)
    return [dict(row) for row in connection.execute(statement).mappings()]


def suppression_of(connection: Connection, key: str) -> dict[str, Any] | None:
    """The suppression of a normalised address, which may have no contact."""
    row = connection.execute(select(suppression).where(suppression.c.address_key == key)).mappings().first()
    return dict(row) if row else None


def document(value: Any) -> str:
    """A document as JSON text, as `bulk_insert` takes it."""
    return orjson.dumps(value).decode()
