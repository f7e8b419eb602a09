"""Made-up shops of a stated size, as projects with a database; the same bytes of people and orders in every run."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from shutil import rmtree

from measure import KEPT, note

from nurture.actions.check import check
from nurture.actions.import_contacts import import_contacts
from nurture.actions.import_purchases import import_purchases
from nurture.actions.importing import Job
from nurture.actions.publish import publish
from nurture.config import read_settings
from nurture.core.coupon import Code
from nurture.files.tabular import open_table
from nurture.scaffold import init
from nurture.store.coupons import add_codes
from nurture.wiring import Opened

TODAY = datetime(2026, 3, 1, 21, 0, tzinfo=UTC)
PEOPLE = ("email", "first_name", "country", "timezone", "signed_up", "source", "consent", "stage")
ORDERS = ("order_id", "email", "amount", "currency", "at")
FIVE = ("welcome", "first-order", "wake-up", "win-back", "new-customer")

PRICE = Decimal("0.90")

OPENED = datetime(1997, 1, 1, tzinfo=UTC)
CLOSED = datetime(1998, 7, 1, tzinfo=UTC)
CUSTOMERS, PURCHASES = 23_570, 69_659
"""The size of CDNOW's cohort: Fader and Hardie, https://www.brucehardie.com/datasets/."""

WIN_BACK = """\
title: Win back
owner: lifecycle@ferah.example
status: live
topic: offers
audience: {stage: former}
enter: {look: daily at 10:00, backfill: yes}
re_enter: 30 days after leaving
holdout: 10%
goal:
  purchased: {since: entry}
  claimed_within: {click: 7 days, email: 3 days}
  measured_over: 40 days
steps:
  - {id: hello, send: win-back/how-are-you}
  - {id: rest, wait: 40 days}
"""


def crowded(contacts: int) -> Opened:
    """A shop with so many contacts in every stage, two years of orders, and five of the shipped campaigns."""
    folder, fresh = _folder(f"crowded-{contacts}", TODAY.date())
    opened = Opened(folder, read_settings(folder, {}), lambda: TODAY, durable=False)
    if fresh:
        for path in (folder / "campaigns").glob("*.yaml"):
            if path.stem not in FIVE:
                path.unlink()
        _settle(opened, _crowd(contacts), _crowd_orders(contacts), contacts)
    return opened


def eighteen_months() -> Opened:
    """A shop of exactly CUSTOMERS customers who made exactly PURCHASES purchases, and a campaign to win them back."""
    folder, fresh = _folder("eighteen-months", OPENED.date())
    opened = Opened(folder, read_settings(folder, {}), lambda: CLOSED, durable=False)
    if fresh:
        for path in (folder / "campaigns").glob("*.yaml"):
            path.unlink()
        (folder / "campaigns/win-back.yaml").write_text(WIN_BACK)
        project = folder / "nurture.yaml"
        project.write_text(re.sub(r"(?m)^timezone: \S+", "timezone: UTC", project.read_text()))
        signed_up = "1996-12-31T00:00:00Z"
        people = ([f"c{n}@shop.example.com", "", "", "UTC", signed_up, "shop", "offers stories", ""]
                  for n in range(CUSTOMERS))  # fmt: skip
        _settle(opened, people, _cohort(), 0)
    return opened


def _folder(name: str, day: date) -> tuple[Path, bool]:
    KEPT.mkdir(exist_ok=True)
    folder = KEPT / name
    if (folder / "built").exists():
        return folder, False
    rmtree(folder, ignore_errors=True)
    note(f"building the shop {name}")
    init(folder, day)
    return folder, True


def _settle(opened: Opened, people: Iterable[Sequence[str]], orders: Iterable[Sequence[str]], codes: int) -> None:
    folder = opened.directory
    release = publish(opened.releases, check(folder), opened.now())
    _write(folder / "people.csv", PEOPLE, people)
    _write(folder / "orders.csv", ORDERS, orders)
    for take, name in ((import_contacts, "people"), (import_purchases, "orders")):
        told = take(opened.database, release.program, Job(open_table(folder / f"{name}.csv")), opened.now())
        if told.rejected:
            raise AssertionError(told.first_rejects)
    with opened.database.write() as connection:
        for pool in ("welcome-5", "comeback-15"):
            add_codes(connection, pool, (Code(f"{pool}-{number:06}") for number in range(codes)), opened.now())
    opened.database.close()
    (folder / "built").touch()


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _crowd(contacts: int) -> Iterator[Sequence[str]]:
    """Of ten, one is a lead of the last weeks, one a prospect, one fell silent, five are customers and two were."""
    for number in range(contacts):
        country, zone = (("TR", "Europe/Istanbul"), ("DE", "Europe/Berlin"), ("GB", "Europe/London"))[number % 3]
        tenth = number % 10
        stage = {1: "prospect", 2: "inactive"}.get(tenth, "")
        signed_up = (TODAY - timedelta(days=1 + (number // 10 % 85 if tenth < 2 else 120 + number % 600))).isoformat()
        source = "newsletter" if number // 10 % 4 == 0 else "import"
        yield [f"p{number}@mail.example.com", f"Ada {number % 977}", country, zone, signed_up, source,
               "offers stories", stage]  # fmt: skip


def _crowd_orders(contacts: int) -> Iterator[Sequence[str]]:
    """Customers bought within the last year, some of them twice; former ones before that."""
    rng = Random("crowd")
    for number in range(contacts):
        if number % 10 < 3:
            continue
        days = rng.uniform(1, 360) if number % 10 < 8 else rng.uniform(370, 700)
        for place in range(1 + (rng.random() < 0.4)):
            at = TODAY - timedelta(days=days + 45 * place)
            yield [f"o{number}-{place}", f"p{number}@mail.example.com", f"{rng.uniform(9, 120):.2f}", "EUR",
                   at.isoformat()]  # fmt: skip


def _cohort() -> list[Sequence[str]]:
    """Everybody's first purchase lies in the first quarter; they buy again at their own pace, until they stay away."""
    rng = Random("cohort")
    bought: list[tuple[datetime, int]] = []
    again: list[tuple[datetime, int]] = []
    for number in range(CUSTOMERS):
        at = OPENED + timedelta(days=rng.randrange(85), hours=12)
        bought.append((at, number))
        pace = rng.gammavariate(0.6, 1 / 12.0)
        while rng.random() > 0.12 and (at := _noon(at + timedelta(days=1 + rng.expovariate(pace + 1e-4)))) < CLOSED:
            again.append((at, number))
    rng.shuffle(again)
    short = PURCHASES - len(bought) - len(again)
    again += [(_noon(at + timedelta(days=1)), number) for at, number in again[: max(0, short)]]
    found = sorted(bought + again[: PURCHASES - len(bought)])
    return [[f"o{place}", f"c{number}@shop.example.com", f"{rng.uniform(6, 90):.2f}", "EUR", at.isoformat()]
            for place, (at, number) in enumerate(found)]  # fmt: skip


def _noon(at: datetime) -> datetime:
    return min(at, CLOSED - timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
