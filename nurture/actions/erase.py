"""Erase a person who asks for it: they cannot be told any more from what is kept, and are never mailed again."""

from __future__ import annotations

from datetime import datetime

from nurture.actions.addresses import wanted_address
from nurture.actions.record import stir
from nurture.core.errors import NotFound
from nurture.core.event import Suppress, SuppressionReason
from nurture.store import erasure, lives
from nurture.store.database import Database
from nurture.store.suppressions import contacts_by_address, suppress


def erase(database: Database, address: str, now: datetime) -> str:
    """Erase the contact of this address, in one transaction. Returns the random id their facts stay under.

    What is on its way to them arrives; campaigns end for them at the next look. Raises InputError for what is no
    address, NotFound when it is nobody's.
    """
    key = wanted_address(address)
    with database.write() as connection:
        contact_id = contacts_by_address(connection, [key]).get(key)
        if contact_id is None:
            raise NotFound(f"{address} is no contact's; 'nurture contacts list' shows contacts")
        lives.lock_standings(connection, [contact_id])
        nowhere = erasure.blank(connection, contact_id)
        suppress(connection, [Suppress(nowhere, SuppressionReason.MANUAL, "erasure", now)], now)
        stir(connection, [contact_id], now)
    return contact_id
