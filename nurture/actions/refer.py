"""Credit to whoever brought somebody: what a referral code, or an address, says of a sign-up or an order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.core.address import address_key
from nurture.emails.links import Purpose, Ref, Signer
from nurture.store import contacts, referrals
from nurture.store.database import Connection
from nurture.store.referrals import Brought
from nurture.store.suppressions import contacts_by_address
from nurture.store.telling import places_of

COLUMN = "ref"
OTHER_NAMES = "referrer referral_code referred_by"


@dataclass(frozen=True, slots=True)
class Said:
    """That a contact came by somebody: `ref` is the code of their link, or their address. Times are aware UTC."""

    contact_id: str
    ref: str
    at: datetime
    order_id: str | None = None


def credit(connection: Connection, signer: Signer | None, told: Sequence[Said], now: datetime) -> Counter[str]:
    """Give credit to referrers; counts `referred` and `unknown_refs`, which name nobody known here.

    Others write codes of their own into such columns, so what is unknown is no mistake of the row. Telling it again
    changes nothing. Without a signer only addresses are known.
    """
    codes = {one.ref: ref for one in told if signer and (ref := signer.read(Purpose.REFERRAL, one.ref))}
    keys = {one.ref: key for one in told if (key := _key(one.ref))}
    owners = contacts_by_address(connection, sorted(set(keys.values())))
    known = contacts.existing_ids(connection, (ref.contact_id for ref in codes.values()))
    places = places_of(connection, ((ref.contact_id, ref.message_id) for ref in codes.values()))
    found = []
    for one in told:
        if (ref := codes.get(one.ref)) and ref.contact_id in known:
            found.append(_by_link(one, ref, places.get((ref.contact_id, ref.message_id))))
        elif owner := owners.get(keys.get(one.ref, "")):
            found.append(Brought(one.contact_id, owner, one.at, order_id=one.order_id))
    new = referrals.add_referrals(connection, found, now)
    return Counter(referred=new, unknown_refs=len(told) - len(found))


def _by_link(said: Said, ref: Ref, place: tuple[str, str] | None) -> Brought:
    campaign, step = place or (None, None)
    return Brought(said.contact_id, ref.contact_id, said.at, ref.message_id, campaign, step, said.order_id)


def _key(text: str) -> str:
    try:
        return address_key(text) if "@" in text else ""
    except ValueError:
        return ""
