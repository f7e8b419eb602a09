"""Erasure: what says who somebody is goes; that something happened to somebody stays, under a random id."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, update

from nurture.store.tables import (
    contact,
    contact_address,
    contact_tag,
    decision,
    enrollment,
    event,
    kept_email,
    message,
    purchase,
    purchase_item,
    suppression,
    webhook_delivery,
)

NOWHERE = "erased.invalid"
"""A domain that never is one (RFC 2606)."""

BLANK: dict[str, Any] = {
    "first_name": None, "last_name": None, "locale": None, "timezone": None, "country": None, "source": None,
    "account_id": None, "tracked": False, "attributes": {},
}  # fmt: skip


def blank(connection: Connection, contact_id: str) -> str:
    """Blank a contact, whose row is locked, and all that was kept about them. Returns the address in their place.

    Facts, arms and sums stay. A suppression of the address stays too, no longer tied to anybody: it keeps the
    address from being mailed should it ever be imported again.
    """
    address = f"{contact_id}@{NOWHERE}"
    connection.execute(update(contact).where(contact.c.id == contact_id).values(address=address, **BLANK))
    for gone in (contact_address, contact_tag, kept_email, purchase_item):
        connection.execute(delete(gone).where(gone.c.contact_id == contact_id))
    connection.execute(contact_address.insert().values(address_key=address, contact_id=contact_id))
    for table, values in (
        (event, {"detail": {}}),
        (message, {"subject": None}),
        (decision, {"rested_on": None}),
        (enrollment, {"rested_on": None}),
        (purchase, {"items": []}),
        (suppression, {"contact_id": None}),
        (webhook_delivery, {"data": {}}),
    ):
        connection.execute(update(table).where(table.c.contact_id == contact_id).values(values))
    return address
