"""Purchases and refunds in. Each order counts once in the whole project, whatever file and order of rows it comes in.

A row is a refund when it says so (`type`, `refund_of`) or its amount is negative; refunds are recorded after all
purchases of the file. An address that is nobody's yet becomes a contact, known since its first purchase.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from nurture.actions import refer
from nurture.actions.contact_changes import apply_in
from nurture.actions.importing import (
    Cells,
    Job,
    Reader,
    Rejects,
    Summary,
    Take,
    aliased,
    as_text,
    check_columns,
    in_chunks,
    keep,
    parsed,
    passed_over,
    read_rows,
    take_address,
)
from nurture.actions.record import FUTURE
from nurture.actions.record_orders import record_purchases_in, record_refunds
from nurture.core.contact import attribute_value, clean_line, parse_id, parse_instant
from nurture.core.coupon import code_key
from nurture.core.ids import derived_id
from nurture.core.money import Money
from nurture.core.program import Program
from nurture.core.purchase import Purchase, Refund
from nurture.files.tabular import Row
from nurture.store import contacts as store
from nurture.store.contacts import Transaction
from nurture.store.database import BATCH, Database
from nurture.store.suppressions import contacts_by_address

FIELDS = {
    "order_id": "order order_number order_no",
    "email": "address e_mail mail eposta e_posta email_address",
    "contact_id": "",
    "amount": "total",
    "currency": "",
    "at": "occurred_at date time ordered_at purchased_at",
    "items": "",
    "coupon": "coupon_code discount_code promo_code voucher",
    "type": "kind",
    "refund_of": "",
    "refund_id": "refund",
    refer.COLUMN: refer.OTHER_NAMES,
}
ALIASES = aliased(FIELDS)
AMOUNT = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?")
REFUNDS = frozenset({"refund", "refunded", "iade"})
PURCHASES = frozenset({"purchase", "order", "sale"})
MOST_ITEMS = 200
Read = tuple[Row, Cells]


@dataclass
class _Import:
    """One run over a file; `orders` and `people` hold what a dry run has met and not written."""

    database: Database
    program: Program
    job: Job
    now: datetime
    summary: Summary
    orders: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)


def import_purchases(database: Database, program: Program, job: Job, now: datetime) -> Summary:
    """Import purchases; counts new, known, contacts (come to be known by them), refunds, known_refunds and
    rejected, and where the project has referrals `referred` and `unknown_refs`.

    `now` is aware UTC. Raises InputError when the table lacks the columns for order, contact or time.
    """
    check_columns(job, ALIASES, [("order_id", "refund_of"), ("email", "contact_id"), ("at",)])
    summary = Summary.of(job, "new", "known", "contacts", "suppressed", "refunds", "known_refunds")
    run = _Import(database, program, job, now, summary)
    given_back = 0
    with job.at_work(database), Rejects(job, summary) as rejects:
        for chunk in in_chunks(_reading(run, rejects), BATCH):
            summary.counts["rows"] += len(chunk)
            _record(run, [read for read in chunk if "refund" not in read[1]], rejects)
            given_back += sum("refund" in said for _, said in chunk)
        if given_back:
            refunds = (read for read in _reading(run, None) if "refund" in read[1])
            for chunk in in_chunks(refunds, BATCH):
                _give_back(run, chunk, rejects)
    return summary


def _reading(run: _Import, rejects: Rejects | None) -> Iterator[Read]:
    takes = _takes(run.program, run.now)
    return read_rows(
        run.job, Reader(ALIASES, takes, passed_over, run.job.mapping), partial(_finish, run.program), rejects
    )


# --- what a row says -------------------------------------------------------------------------------------


def _takes(program: Program, now: datetime) -> dict[str, Take]:
    instant = partial(parse_instant, zone=program.zone, now=now + FUTURE)
    word = partial(clean_line, limit=300)
    return {
        "email": take_address,
        "contact_id": parsed("contact_id", parse_id),
        "amount": parsed("amount", parse_amount),
        "currency": parsed("currency", parse_currency),
        "at": parsed("at", instant),
        "items": keep("items"),
        "coupon": parsed("coupon", parse_code),
        "type": parsed("refund", parse_type),
        **{name: parsed(name, word) for name in ("order_id", "refund_of", "refund_id", refer.COLUMN)},
    }


def parse_amount(text: str) -> str:
    """An amount in major units, as decimal text."""
    if not AMOUNT.fullmatch(text):
        raise ValueError(f"{text!r} is not an amount; write it like 1450.00")
    return text


def parse_currency(text: str) -> str:
    """A currency by its three letters (ISO 4217), upper case."""
    from babel.numbers import is_currency

    code = text.upper() if text.isascii() else text
    if not is_currency(code):
        raise ValueError(f"{text!r} is not a currency; write three letters like EUR")
    return code


def parse_type(text: str) -> bool:
    """Whether a row is a refund."""
    word = text.lower()
    if word not in REFUNDS | PURCHASES:
        raise ValueError(f"{text!r} is neither purchase nor refund")
    return word in REFUNDS


def parse_code(text: str) -> str:
    """A coupon's code. Raises ValueError for what can be none."""
    code_key(text)
    return text


def parse_items(cell: Any) -> tuple[dict[str, Any], ...]:
    """What was bought: a list of objects with a name, a quantity and a price, or the JSON text of one.

    Prices stay decimal text. Raises ValueError.
    """
    if isinstance(cell, str):
        try:
            cell = json.loads(cell, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise ValueError(
                'items: is not JSON; write it like [{"name": "Tea", "quantity": 1, "price": "4.50"}]'
            ) from None
    if not isinstance(cell, list) or not all(isinstance(item, dict) for item in cell):
        raise ValueError('items: is not a list of objects; write it like [{"name": "Tea"}]')
    if len(cell) > MOST_ITEMS:
        raise ValueError(f"items: has {len(cell)} items; at most {MOST_ITEMS} are kept")
    try:
        return tuple(_item(item) for item in cell)
    except ValueError as error:
        raise ValueError(f"items: {error}") from None


def _item(item: dict[str, Any]) -> dict[str, Any]:
    read = {clean_line(str(key)): attribute_value(value) for key, value in item.items() if key != "price"}
    if item.get("price") is not None:
        read["price"] = parse_amount(as_text(item["price"]))
    quantity = read.get("quantity", 1)
    if isinstance(quantity, bool) or not isinstance(quantity, int | float) or quantity < 0:
        raise ValueError(f"quantity {quantity!r} is not a number of pieces")
    return read


def _finish(program: Program, said: Cells) -> None:
    """Check a row as a whole; a refund is left with `refund` in it, a purchase with `money`. Raises ValueError."""
    refund = said.pop("refund", False) or "refund_of" in said or said.get("amount", "").startswith("-")
    if "at" not in said:
        raise ValueError("at: is missing")
    if refund:
        said["refund"] = _refund(said)
        return
    for name in ("order_id", "amount"):
        if name not in said:
            raise ValueError(f"{name}: is missing")
    if "key" not in said and "contact_id" not in said:
        raise ValueError("email: is missing, and so is contact_id")
    said["money"] = Money.parse(said["amount"], said.get("currency", program.project.currency))
    said["items"] = parse_items(said["items"]) if "items" in said else ()


def _refund(said: Cells) -> tuple[str, str]:
    """The refund's own id and the order it gives back."""
    order = said.get("refund_of") or said.get("order_id")
    if not order:
        raise ValueError("order_id: is missing; a refund names the order it gives back")
    own = said.get("refund_id") or (said.get("order_id") if said.get("refund_of") else None)
    if own and own != order:
        return own, order
    return derived_id("refund", order, said["at"].isoformat(), said.get("amount", "")), order


# --- purchases -------------------------------------------------------------------------------------------


def _record(run: _Import, chunk: Sequence[Read], rejects: Rejects) -> None:
    """Record a chunk of purchases, with the contacts they make known, in one transaction."""
    if not chunk:
        return
    with run.database.read() if run.job.dry_run else run.database.write() as connection:
        named = {said["key"] for _, said in chunk if "contact_id" not in said}
        owners = contacts_by_address(connection, sorted(named))
        fresh = _sift(run, connection, owners, chunk, rejects)
        run.summary.counts["new"] += len(fresh)
        strangers = _strangers(owners, fresh)
        if run.job.dry_run:
            run.people.update(person["key"] for person in strangers)
            run.summary.counts["contacts"] = len(run.people)
            return
        owners.update(_meet(run, connection, strangers))
        bought = [_purchase(said, owners) for said in fresh]
        record_purchases_in(connection, run.program, bought, run.now)
        if run.program.project.referral:
            told = [
                refer.Said(one.contact_id, said[refer.COLUMN], one.occurred_at, one.order_id)
                for one, said in zip(bought, fresh, strict=True)
                if refer.COLUMN in said
            ]
            run.summary.counts.update(refer.credit(connection, run.job.signer, told, run.now))


def _sift(
    run: _Import, connection: Transaction, owners: Mapping[str, str], chunk: Sequence[Read], rejects: Rejects
) -> list[Cells]:
    """Those purchases that are new; known ones are counted, contradictions rejected."""
    ids = store.existing_ids(connection, (said["contact_id"] for _, said in chunk if "contact_id" in said))
    orders = {**run.orders, **store.load_orders(connection, (said["order_id"] for _, said in chunk))}
    fresh: list[Cells] = []
    for row, said in chunk:
        owner = said.get("contact_id") or owners.get(said["key"], said["key"])
        if "contact_id" in said and owner not in ids:
            rejects.add(row, f"contact_id: no contact has the id {owner}")
            continue
        mine = (owner, said["money"].minor, said["money"].currency)
        known = orders.setdefault(said["order_id"], mine)
        if known is mine:
            fresh.append(said)
        elif known == mine:
            run.summary.counts["known"] += 1
        else:
            rejects.add(row, _contradiction(said["order_id"], known, mine))
    if run.job.dry_run:
        run.orders = orders
    return fresh


def _strangers(owners: Mapping[str, str], purchases: Sequence[Cells]) -> list[Cells]:
    """Whom nobody knew before these purchases: known since the first of them."""
    people: dict[str, Cells] = {}
    for said in purchases:
        if "contact_id" not in said and said["key"] not in owners:
            new = {"key": said["key"], "address": said["address"], "source": "purchase", "known_at": said["at"]}
            person = people.setdefault(said["key"], new)
            person["known_at"] = min(person["known_at"], said["at"])
    return list(people.values())


def _meet(run: _Import, connection: Transaction, strangers: Sequence[Cells]) -> dict[str, str]:
    """Bring contacts into being; returns their ids by address key."""
    if not strangers:
        return {}
    counts = apply_in(connection, run.program, strangers, run.now, run.job.ids)
    run.summary.counts.update(contacts=counts["new"], suppressed=counts["suppressed"])
    return contacts_by_address(connection, [person["key"] for person in strangers])


def _purchase(said: Cells, owners: Mapping[str, str]) -> Purchase:
    owner = said["contact_id"] if "contact_id" in said else owners[said["key"]]
    return Purchase(said["order_id"], owner, said["at"], said["money"], said["items"], said.get("coupon"))


def _contradiction(order_id: str, known: tuple[str, int, str], told: tuple[str, int, str]) -> str:
    if known[0] != told[0]:
        return f"order_id: order {order_id} is known already, of another contact"
    return (
        f"order_id: order {order_id} is known already, with {Money(*known[1:])}; "
        "an order does not change: give money back by a refund"
    )


# --- refunds ---------------------------------------------------------------------------------------------


def _give_back(run: _Import, chunk: Sequence[Read], rejects: Rejects) -> None:
    """Record a chunk of refunds, whose orders are all there by now."""
    with run.database.read() as connection:
        orders = {**run.orders, **store.load_orders(connection, (said["refund"][1] for _, said in chunk))}
    refunds: list[Refund] = []
    for row, said in chunk:
        try:
            refunds.append(_as_refund(said, orders))
        except ValueError as error:
            rejects.add(row, str(error))
    if run.job.dry_run:
        run.summary.counts["refunds"] += len(refunds)
        return
    recorded = record_refunds(run.database, run.program, refunds, run.now)
    run.summary.counts["refunds"] += recorded.new
    run.summary.counts["known_refunds"] += recorded.known


def _as_refund(said: Cells, orders: dict[str, tuple[str, int, str]]) -> Refund:
    own, order_id = said["refund"]
    if order_id not in orders:
        raise ValueError(f"order_id: order {order_id} is not known; import its purchase first")
    _, paid, currency = orders[order_id]
    if said.get("currency", currency) != currency:
        raise ValueError(f"currency: order {order_id} was paid in {currency}; a refund is in the same")
    amount = said.get("amount", "").lstrip("-")
    money = Money.parse(amount, currency) if amount else None
    if money and money.minor > paid:
        raise ValueError(f"amount: order {order_id} was {Money(paid, currency)}; no more can be given back")
    return Refund(own, order_id, said["at"], money)
