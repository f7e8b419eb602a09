"""Addresses that must not be mailed, and permissions. A suppression is kept by address: it outlives the contact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from nurture.core.address import address_key
from nurture.core.event import Suppress, SuppressionReason
from nurture.store.database import chunks, insert_new, look_up, update_rows, upsert
from nurture.store.tables import consent, consent_change, contact, contact_address, suppression

OWN_WORD = "preferences"
"""The source of what contacts permit when they subscribe again."""

LIFTED = frozenset({SuppressionReason.UNSUBSCRIBED})
"""Reasons that are theirs to take back."""


def contacts_by_address(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    """The contact of each normalised address that has one."""
    return look_up(connection, contact_address.c.address_key, contact_address.c.contact_id, keys)


def addresses(connection: Connection, contact_ids: Iterable[str]) -> dict[str, str]:
    """The address of each contact."""
    return look_up(connection, contact.c.id, contact.c.address, contact_ids)


def suppress(connection: Connection, entries: Sequence[Suppress], now: datetime) -> list[str]:
    """Suppress addresses; one that is suppressed already keeps its reason unless the new one weighs more.

    An unsubscribe told late does not overrule that its contact has subscribed again since. Returns the contacts
    concerned.
    """
    keys = {address_key(one.address): one for one in sorted(entries, key=lambda entry: entry.reason.weight)}
    owners = contacts_by_address(connection, list(keys))
    for key in _taken_back(connection, keys, owners):
        del keys[key], owners[key]
    rows = [
        {"address_key": key, "reason": entry.reason.value, "source": entry.source, "occurred_at": entry.occurred_at,
         "recorded_at": now, "contact_id": owners.get(key)}
        for key, entry in keys.items()
    ]  # fmt: skip
    known = _reasons(connection, list(keys))
    insert_new(connection, suppression, [row for row in rows if row["address_key"] not in known])
    heavier = [row for row in rows if _weighs_more(keys[str(row["address_key"])], known.get(str(row["address_key"])))]
    update_rows(connection, suppression, heavier)
    return sorted(owners.values())


def _taken_back(connection: Connection, entries: Mapping[str, Suppress], owners: Mapping[str, str]) -> list[str]:
    """The addresses whose contacts have subscribed again, themselves, since they unsubscribed."""
    asked = {key: owners[key] for key, one in entries.items() if key in owners and one.reason in LIFTED}
    again: dict[str, datetime] = {}
    word = consent_change.c
    for some in chunks(sorted(set(asked.values()))):
        said = select(word.contact_id, func.max(word.occurred_at)).where(word.contact_id.in_(some))
        mine = said.where(word.source == OWN_WORD, word.given.is_(True)).group_by(word.contact_id)
        again.update((contact_id, at) for contact_id, at in connection.execute(mine))
    return [
        key
        for key, contact_id in asked.items()
        if contact_id in again and entries[key].occurred_at <= again[contact_id]
    ]


def _reasons(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    return look_up(connection, suppression.c.address_key, suppression.c.reason, keys)


def _weighs_more(new: Suppress, known: str | None) -> bool:
    return known is not None and new.reason.weight > SuppressionReason(known).weight


def known_suppressions(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of the normalised addresses that are suppressed."""
    found: set[str] = set()
    for some in chunks(keys):
        found.update(
            connection.execute(select(suppression.c.address_key).where(suppression.c.address_key.in_(some))).scalars()
        )
    return found


def reasons_of(connection: Connection, contact_id: str) -> set[SuppressionReason]:
    """Why the contact's addresses are not mailed; nothing where they are."""
    own = select(contact_address.c.address_key).where(contact_address.c.contact_id == contact_id)
    rows = connection.execute(select(suppression.c.reason).where(suppression.c.address_key.in_(own)))
    return {SuppressionReason(reason) for reason in rows.scalars()}


def lift(connection: Connection, contact_id: str) -> None:
    """Let the contact's addresses be mailed again that were suppressed because they unsubscribed, and no others."""
    own = select(contact_address.c.address_key).where(contact_address.c.contact_id == contact_id)
    mine = suppression.c.address_key.in_(own) & suppression.c.reason.in_([reason.value for reason in LIFTED])
    connection.execute(delete(suppression).where(mine))


def change_consents(
    connection: Connection,
    contact_id: str,
    changes: Mapping[str, bool],
    source: str,
    occurred_at: datetime,
    now: datetime,
) -> None:
    """Record what a contact permits or withdraws by topic; the newest word stands, every word is kept."""
    if not changes:
        return
    rows: list[dict[str, Any]] = [
        {
            "contact_id": contact_id,
            "topic": topic,
            "given": given,
            "source": source,
            "occurred_at": occurred_at,
            "recorded_at": now,
        }
        for topic, given in changes.items()
    ]
    insert_new(connection, consent_change, rows)
    statement = select(consent.c.topic, consent.c.occurred_at).where(consent.c.contact_id == contact_id)
    known = {row[0]: row[1] for row in connection.execute(statement)}
    upsert(
        connection, consent, [row for row in rows if row["topic"] not in known or known[row["topic"]] <= occurred_at]
    )
