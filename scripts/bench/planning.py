"""How long a plan takes: the next seven days of 100,000 contacts in five campaigns."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measure import Figure, Sizes, seconds
from support.line import MONDAY, PROJECT, Line, campaign, open_line

from nurture.actions.check import check_files
from nurture.actions.plan import Plan, Wanted, plan
from nurture.core.ids import derived_id
from nurture.store import tables
from nurture.store.database import insert_all

DAYS = 7
SPREAD = 230
"""Days over which people signed up: so many of them come to be old enough for each campaign on each day."""

RULES = "limits: {per_contact: [2 per 7 days], per_hour: 2000, per_day: 20000}\n"
STEPS = """
- {id: hello, send: hello}
- {id: rest, wait: 3 days}
- {id: asks, if: {clicked: hello}, then: [{id: offer, send: second}], else: [{id: last, send: third}]}
"""
ZONES = ("Europe/Istanbul", "America/New_York", "Asia/Tokyo", None)


def planning(sizes: Sizes) -> list[Figure]:
    """A plan from the command's beginning to its last number, and what it counted."""
    people = sizes.contacts // 10
    with _shop(people) as line:
        found: list[Plan] = []
        wanted = Wanted(days=DAYS)

        def whole() -> None:
            found.append(plan(line.database, check_files(line.files), line.emails.signer, line.clock(), wanted))

        taken = seconds(whole)
    emails = found[0].summary.emails
    return [Figure(f"plan: {DAYS} days, {people:,} contacts, 5 campaigns, {emails:,} emails", taken, "s", at_most=60)]


@contextmanager
def _shop(people: int) -> Iterator[Line]:
    with TemporaryDirectory(prefix="nurture-plan-") as folder:
        line = open_line(f"sqlite:///{Path(folder, 'shop.db')}", {"first": campaign(status="draft")}, project=PROJECT)
        with line.database.write() as connection:
            for start in range(0, people, 10_000):
                rows = [_contact(number) for number in range(start, min(people, start + 10_000))]
                insert_all(connection, tables.contact, rows)
                insert_all(connection, tables.consent, [_consent(row) for row in rows if int(row["id"], 16) % 20])
        line.publish(PROJECT + RULES, **{f"after-{days}": _campaign(days) for days in (30, 60, 90, 120, 150)})
        line.pass_()
        yield line
        line.database.close()


def _campaign(days: int) -> str:
    audience = f"{{where: [{{signed_up: {{more_than: {days} days ago}}}}]}}"
    return campaign(
        STEPS, audience=audience, enter="{look: daily at 10:00, backfill: no}", holdout="10%",
        send_window="{days: mon-fri, hours: 09:00-18:00}",
    )  # fmt: skip


def _contact(number: int) -> dict[str, Any]:
    chance = random.Random(number)
    known = MONDAY - timedelta(days=SPREAD * chance.random())
    return {
        "id": derived_id("plan", number), "address": f"c{number}@example.com", "first_name": "Ada", "last_name": None,
        "locale": "en", "timezone": chance.choice(ZONES), "country": "DE", "source": "newsletter",
        "signed_up_at": known, "known_at": known, "created_at": known, "tracked": True, "attributes": {},
        "stated_stage": None, "stated_at": None, "stage": "lead", "stage_since": known, "silent_since": known,
        "unanswered": 0, "facts_until": known, "received_count": 0, "purchase_count": 0, "revenue": 0,
    }  # fmt: skip


def _consent(row: dict[str, Any]) -> dict[str, Any]:
    at = row["known_at"]
    return {"contact_id": row["id"], "topic": "offers", "given": True, "source": "form", "occurred_at": at,
            "recorded_at": at}  # fmt: skip
