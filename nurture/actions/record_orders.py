"""What is bought and given back: stage, conversion, credit; an order id counts once in the whole project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from nurture.actions.record import FUTURE, Recorded, Told, add_score, lock, stir, tell
from nurture.core.lifecycle import LifeFact, Sign
from nurture.core.money import Money, convert
from nurture.core.program import Program
from nurture.core.purchase import Purchase, Refund
from nurture.store import accounts, lives, purchases, scores
from nurture.store.database import Connection, Database
from nurture.store.lives import Standing, latest


def record_purchases(database: Database, program: Program, found: Sequence[Purchase], now: datetime) -> Recorded:
    """Record purchases of known contacts: stage, conversion, credit. An order id counts once in the whole project."""
    with database.write() as connection:
        return record_purchases_in(connection, program, found, now)


def record_purchases_in(connection: Connection, program: Program, found: Sequence[Purchase], now: datetime) -> Recorded:
    """The same, in a transaction that is open already."""
    ids = [one.contact_id for one in found]
    beside = accounts.with_colleagues(connection, ids, lock=True) if program.rules.by_account else ids
    standings = lock(connection, program, beside)
    ours = [one for one in found if one.contact_id in standings and one.occurred_at <= now + FUTURE]
    fresh = purchases.unseen_orders(connection, ours)
    purchases.add_purchases(connection, fresh, {one.order_id: _value(program, one) for one in fresh}, now)
    accounts.name_buyers(connection, [(one.contact_id, one.order_id) for one in fresh])
    buyers = {one.contact_id for one in fresh}
    _tell_bought(connection, buyers, standings)
    told: Told = {}
    for one in fresh:
        standing = standings[one.contact_id]
        standing.last_engaged_at = latest(standing.last_engaged_at, one.occurred_at)
        add_score(program, standing, scores.PURCHASED, one.occurred_at)
        fact = LifeFact(one.occurred_at, Sign.PURCHASED, "purchase", one.order_id)
        told.setdefault(one.contact_id, []).append(fact)
    if program.rules.by_account:
        _tell_colleagues(connection, fresh, standings, told)
    tell(connection, program, standings, told, now)
    if fresh:
        since = min(one.occurred_at for one in fresh)
        purchases.recredit(connection, buyers, program.claims, program.longest_claim, since)
    stir(connection, told, now)
    return Recorded(len(fresh), len(ours) - len(fresh), len(found) - len(ours))


def _tell_colleagues(
    connection: Connection, fresh: Sequence[Purchase], standings: Mapping[str, Standing], told: Told
) -> None:
    """What one buys for an account makes customers of all who are known of it by then."""
    theirs = accounts.accounts_of(connection, standings)
    for one in fresh:
        for contact_id, account in theirs.items():
            known = standings[contact_id].known_at <= one.occurred_at
            if contact_id != one.contact_id and account == theirs.get(one.contact_id) and known:
                fact = lives.colleague_bought(one.occurred_at, one.order_id)
                told.setdefault(contact_id, []).append(fact)


def _value(program: Program, purchase: Purchase) -> int | None:
    return convert(purchase.money, program.project.currency, program.project.exchange)


def revalue(
    connection: Connection, program: Program, found: Sequence[tuple[str, str, Money]], now: datetime
) -> None:
    """Give purchases (contact id, order id, what was paid) the value that the project's rates give them now."""
    standings = lives.lock_standings(connection, (contact_id for contact_id, _, _ in found))
    project = program.project
    values = {(cid, order): convert(paid, project.currency, project.exchange) for cid, order, paid in found}
    purchases.set_values(connection, values)
    _tell_bought(connection, set(standings), standings)
    lives.save_standings(connection, standings.values())
    stir(connection, standings, now)


def _tell_bought(connection: Connection, contact_ids: set[str], standings: Mapping[str, Standing]) -> None:
    for contact_id, sums in purchases.bought(connection, contact_ids).items():
        standing = standings[contact_id]
        standing.purchase_count, standing.revenue = sums.count, sums.revenue
        standing.first_purchase_at, standing.last_purchase_at = sums.first_at, sums.last_at


def record_refunds(database: Database, program: Program, found: Sequence[Refund], now: datetime) -> Recorded:
    """Record money given back: sums count net from now on, and a whole refund marks the conversion reversed."""
    with database.write() as connection:
        contacts = purchases.contacts_of_orders(connection, [one.order_id for one in found])
        standings = lock(connection, program, contacts.values())
        ours = [one for one in found if one.order_id in contacts and one.occurred_at <= now + FUTURE]
        new, touched = purchases.add_refunds(connection, ours, contacts, now)
        _tell_bought(connection, set(touched), standings)
        lives.save_standings(connection, [standings[contact_id] for contact_id in touched])
        stir(connection, touched, now)
    return Recorded(new, len(ours) - new, len(found) - len(ours))
