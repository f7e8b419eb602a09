"""Looking at contacts: a list, or everything known of one."""

from __future__ import annotations

from typing import Any

from nurture.actions.addresses import wanted_address
from nurture.core.errors import NotFound
from nurture.core.lifecycle import Stage
from nurture.files.nearest import nearest
from nurture.store import contacts as store
from nurture.store import pools, referrals
from nurture.store.database import Connection, Database


def list_contacts(
    database: Database, stage: Stage | None = None, tag: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """At most `limit` contacts, the newest first, of one stage or tag if named. Times are UTC, money minor units."""
    with database.read() as connection:
        return store.list_contacts(connection, stage.value if stage else None, tag, limit)


def show_contact(database: Database, address: str) -> dict[str, Any]:
    """Everything known of a contact: `contact`, `tags`, and lists of rows under the headings of `store.ALL_KNOWN`,
    `coupons`, the codes they were given, and `referrals`, the people they brought.

    Raises InputError for what is no address, NotFound when it is nobody's; a suppression of it is told even then.
    """
    key = wanted_address(address)
    with database.read() as connection:
        known = store.whole_contact(connection, key)
        if known:
            return _with_codes(connection, known)
        suppressed = store.suppression_of(connection, key)
        like = nearest(key, store.like_addresses(connection, key))
    if suppressed:
        raise NotFound(
            f"{address} is no contact's, but suppressed ({suppressed['reason']}, from {suppressed['source']})"
        )
    hint = f"did you mean {like}?" if like else "'nurture contacts list' shows contacts"
    raise NotFound(f"{address} is no contact's; {hint}")


def known_contact(database: Database, contact_id: str) -> dict[str, Any] | None:
    """The same of the contact with that id; None where there is none."""
    with database.read() as connection:
        known = store.known_contact(connection, contact_id)
        return _with_codes(connection, known) if known else None


def _with_codes(connection: Connection, known: dict[str, Any]) -> dict[str, Any]:
    contact_id = known["contact"]["id"]
    known["contact"]["referred_by"] = referrals.referrer_of(connection, contact_id)
    known["coupons"] = pools.codes_of(connection, contact_id)
    known["referrals"] = referrals.brought_by(connection, contact_id)
    return known
