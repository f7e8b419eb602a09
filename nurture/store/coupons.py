"""Coupon codes: imported, reserved with a message, spent by its claim, given back when unused, redeemed by an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, update

from nurture.core.coupon import Code, code_key
from nurture.store.database import chunks, insert_new, look_up, update_rows
from nurture.store.tables import coupon, message, purchase

c = coupon.c
FREE = and_(c.reserved_at.is_(None), c.redeemed_at.is_(None))
NOBODY = dict.fromkeys(("contact_id", "message_id", "reserved_at", "spent_at", "valid_until"))


def add_codes(connection: Connection, pool: str, codes: Iterable[Code], now: datetime) -> None:
    """Keep new codes; those known stay as they are.

    A code that an order was made with before it came is redeemed from the start.
    """
    told = {code_key(one.code): one for one in codes}
    used: dict[str, Any] = {}
    for some in chunks(sorted(told)):
        columns = (purchase.c.coupon, purchase.c.occurred_at, purchase.c.contact_id, purchase.c.order_id)
        orders = select(*columns).where(purchase.c.coupon.in_(some)).order_by(purchase.c.occurred_at.desc())
        used.update((row[0], row) for row in connection.execute(orders))
    rows = []
    for key, one in told.items():
        _, at, by, order = used.get(key, (None,) * 4)
        rows.append({"code_key": key, "code": one.code, "pool": pool, "expires_at": one.expires_at,
                     "imported_at": now, "redeemed_at": at, "redeemed_by": by, "order_id": order})  # fmt: skip
    insert_new(connection, coupon, rows)


def known_codes(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """The pool of each code that is known, by its key."""
    return look_up(connection, c.code_key, c.pool, keys)


Key = tuple[str, str]
"""Contact id and message id."""


@dataclass(frozen=True, slots=True)
class Held:
    """The code a message holds."""

    key: str
    code: str
    pool: str
    expires_at: datetime | None
    spent_at: datetime | None
    redeemed_at: datetime | None

    def serves(self, pool: str, until: datetime) -> bool:
        """Whether it can be given as a code of that pool which holds until then."""
        lasts = self.expires_at is None or self.expires_at >= until
        return self.pool == pool and lasts and self.redeemed_at is None


def held(connection: Connection, message_ids: Iterable[str]) -> dict[str, Held]:
    """The codes of those messages that hold one, by message id."""
    found: dict[str, Held] = {}
    columns = (c.message_id, c.code_key, c.code, c.pool, c.expires_at, c.spent_at, c.redeemed_at)
    for some in chunks(sorted(set(message_ids))):
        rows = connection.execute(select(*columns).where(c.message_id.in_(some)))
        found.update((row[0], Held(*row[1:])) for row in rows)
    return found


def reserve(
    connection: Connection, pool: str, messages: Sequence[Key], until: datetime, now: datetime
) -> dict[str, Held]:
    """Reserve a free code of the pool that holds until then for each message, as far as there are any.

    Those that end first go first. None of the messages may hold a code. Returns what was reserved, by message id.
    """
    free = _free(connection, pool, until, len(messages))
    pairs = list(zip(messages, free, strict=False))
    update_rows(connection, coupon, [
        {"code_key": one.key, "contact_id": contact_id, "message_id": message_id, "reserved_at": now}
        for (contact_id, message_id), one in pairs
    ])  # fmt: skip
    return {message_id: one for (_, message_id), one in pairs}


def _free(connection: Connection, pool: str, until: datetime, wanted: int) -> list[Held]:
    found: list[Held] = []
    columns = (c.code_key, c.code, c.pool, c.expires_at, c.spent_at, c.redeemed_at)
    for lasting in (c.expires_at >= until, c.expires_at.is_(None)):
        if wanted > len(found):
            statement = select(*columns).where(FREE, c.pool == pool, lasting).order_by(c.expires_at, c.code_key)
            # Another worker's codes are passed over, not waited for.
            some = statement.limit(wanted - len(found)).with_for_update(skip_locked=True)
            found += [Held(*row) for row in connection.execute(some)]
    return found


def spend(connection: Connection, valid_until: Mapping[str, datetime], now: datetime) -> None:
    """Mark codes (by their key, with the instant up to which they hold) as given by a claim."""
    rows = [{"code_key": key, "spent_at": now, "valid_until": until} for key, until in valid_until.items()]
    update_rows(connection, coupon, rows)


def detach(connection: Connection, keys: Iterable[str]) -> None:
    """Take codes (by their key) off the messages that hold them."""
    update_rows(connection, coupon, [{"code_key": key, **NOBODY} for key in keys])


def settle(connection: Connection, messages: Iterable[Key]) -> None:
    """Give back the codes of messages that rest unused; those of messages that wait for another try stay reserved.

    What was sent once more by policy may have arrived the first time: its code stays spent.
    """
    for some in chunks(sorted({message_id for _, message_id in messages}), 300):
        here = c.message_id.in_(some)
        connection.execute(update(coupon).where(here, _of(("rejected", "skipped"))).values(NOBODY))
        connection.execute(update(coupon).where(here, _of(("retry",))).values(spent_at=None, valid_until=None))


def _of(states: Sequence[str]) -> ColumnElement[bool]:
    mine = and_(message.c.contact_id == c.contact_id, message.c.id == c.message_id)
    fitting = and_(message.c.state.in_(states), message.c.resent_by_policy.is_(False))
    return _exists(select(1).where(mine, fitting))


def _exists(statement: Select[Any]) -> ColumnElement[bool]:
    return statement.correlate(coupon).exists()


def redeem(connection: Connection, orders: Iterable[tuple[str, datetime, str, str]]) -> None:
    """Mark the codes that orders were made with; each order says the code's key, its time, contact and id.

    The order that occurred first has it.
    """
    told = sorted(orders)
    ours = known_codes(connection, (key for key, *_ in told))
    for key, at, contact_id, order_id in told:
        if key not in ours:
            continue
        later = or_(c.redeemed_at.is_(None), c.redeemed_at > at)
        connection.execute(
            update(coupon).where(c.code_key == key, later)
            .values(redeemed_at=at, redeemed_by=contact_id, order_id=order_id)
        )  # fmt: skip


def ask_again(connection: Connection, steps: Iterable[tuple[str, str]], reason: str, now: datetime) -> int:
    """Have messages of those steps (campaign, step) asked now that wait for this reason. Returns how many."""
    m, woken = message.c, 0
    for campaign, step in steps:
        waits = and_(m.campaign == campaign, m.due_at > now, m.step == step, m.reason.like(f"{reason}%"))
        woken += connection.execute(update(message).where(waits).values(due_at=now)).rowcount
    return woken
