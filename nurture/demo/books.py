"""The business's own books: the files a shop would hand to nurture, written and then imported like any other."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random

from nurture.actions.import_contacts import import_contacts
from nurture.actions.import_coupons import import_coupons
from nurture.actions.import_events import import_events
from nurture.actions.import_purchases import import_purchases
from nurture.actions.importing import Job, Summary
from nurture.core.errors import NurtureError
from nurture.core.program import Program
from nurture.demo.people import COUNTRIES, Order, Person
from nurture.files.tabular import open_table
from nurture.store.database import Database

CONTACTS = ("email", "first_name", "last_name", "country", "locale", "timezone", "signed_up", "source", "consent",
            "consent_source", "consent_at", "tags", "stage", "brews_with", "birthday", "trial_ends",
            "account")  # fmt: skip
PURCHASES = ("order_id", "email", "amount", "currency", "at", "items")
CODES_LETTERS = "ABCDEFGHJKLMNPQRTUVWXY346789"
EVENTS = ("event", "email", "message_id", "at", "bounce", "reason")

Event = tuple[str, str, str, datetime, str, str]
"""A row of EVENTS; the time is aware UTC."""


class Books:
    """Files in the folder `directory` on their way into the database. Ids of contacts follow from the seed."""

    def __init__(self, database: Database, program: Program, directory: Path, seed: int) -> None:
        self._database, self._program, self._directory = database, program, directory
        self._ids, self._codes = Random(f"{seed}/ids"), Random(f"{seed}/codes")
        directory.mkdir(parents=True, exist_ok=True)

    def contacts(self, name: str, people: Iterable[Person], now: datetime) -> Summary:
        """Write and import people."""
        return self._import(import_contacts, name, CONTACTS, [_contact_row(one) for one in people], now)

    def purchases(self, name: str, bought: Iterable[tuple[Person, Order]], now: datetime) -> Summary:
        """Write and import what they bought."""
        rows = [_order_row(person, order) for person, order in bought]
        return self._import(import_purchases, name, PURCHASES, rows, now)

    def coupons(self, count: int, now: datetime) -> None:
        """Write and import so many codes for each pool of the project."""
        for pool in self._program.project.coupons:
            codes = [["".join(self._codes.choices(CODES_LETTERS, k=10))] for _ in range(count)]
            self._import(partial(import_coupons, pool), f"codes-{pool}", ("code",), codes, now)

    def events(self, name: str, events: Iterable[Event], now: datetime) -> Summary:
        """Write and import what came by mail: replies, complaints, bounces."""
        rows = [(kind, email, id_, at.isoformat(), *rest) for kind, email, id_, at, *rest in events]
        return self._import(import_events, name, EVENTS, rows, now)

    def _import(
        self,
        action: Callable[[Database, Program, Job, datetime], Summary],
        name: str,
        header: Sequence[str],
        rows: Sequence[Sequence[object]],
        now: datetime,
    ) -> Summary:
        path = self._directory / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        job = Job(open_table(path), ids=lambda count: self._ids.randbytes(count).hex())
        summary = action(self._database, self._program, job, now)
        if summary.rejected:
            raise NurtureError(f"{path}: {summary.first_rejects[0].reason}")
        return summary


def _contact_row(one: Person) -> tuple[str, ...]:
    country, signed_up = COUNTRIES[one.country], one.signed_up.isoformat()
    consent = (one.topics, "sign-up form", signed_up) if one.topics else ("", "", "")
    return (
        one.address, one.first_name, one.last_name, one.country, country.locale, country.timezone, signed_up,
        one.source, *consent, one.tags, one.stage, one.brews_with, one.birthday, one.trial_ends,
        one.account,
    )  # fmt: skip


def _order_row(person: Person, order: Order) -> tuple[str, ...]:
    items = [{"name": name, "quantity": quantity, "price": price} for name, quantity, price in order.items]
    return (
        order.id, person.address, str(order.total), order.currency, order.at.isoformat(),
        json.dumps(items, ensure_ascii=False),
    )  # fmt: skip
