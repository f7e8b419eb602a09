"""What arrived by mail: whose it is, and how far each mailbox was read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, select, tuple_

from nurture.core.ids import derived_id
from nurture.store.contacts import contacts_of_messages
from nurture.store.database import chunks
from nurture.store.releases import get_meta, set_meta
from nurture.store.tables import message

READ_AT, TROUBLE = "mail_read_at", "mail_trouble"


def owners(connection: Connection, likely: Collection[tuple[str, str]], ids: Iterable[str]) -> dict[str, str]:
    """The contact of each message that is known. `likely` pairs of contact and message are looked for first.

    Those are found by their key; any others among `ids` cost a scan of all messages, and are rare.
    """
    found: dict[str, str] = {}
    for some in chunks(sorted(likely), 300):
        pair = tuple_(message.c.contact_id, message.c.id)
        rows = connection.execute(select(message.c.id, message.c.contact_id).where(pair.in_(some)))
        found.update((message_id, contact_id) for message_id, contact_id in rows)
    others = contacts_of_messages(connection, (one for one in ids if one not in found))
    return found | {message_id: contact_id for message_id, (contact_id, _) in others.items()}


def mark_of(connection: Connection, place: str) -> str | None:
    """How far the mailbox at `place` was read; None for one that was never read."""
    return get_meta(connection, _key(place))


def set_mark(connection: Connection, place: str, mark: str) -> None:
    """Remember how far a mailbox is read; committed with what was read."""
    set_meta(connection, _key(place), mark)


def _key(place: str) -> str:
    return f"mailbox {derived_id('mailbox', place)}"


def note_read(connection: Connection, now: datetime, trouble: str | None) -> None:
    """Remember that mail was read at `now` (aware UTC), or the `trouble` that prevented it."""
    if trouble is None:
        set_meta(connection, READ_AT, now.isoformat())
    set_meta(connection, TROUBLE, trouble)


def last_read(connection: Connection) -> tuple[datetime | None, str | None]:
    """When mail was last read, and what has prevented it since, if anything."""
    at = get_meta(connection, READ_AT)
    return datetime.fromisoformat(at) if at else None, get_meta(connection, TROUBLE)
