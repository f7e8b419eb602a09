"""Each key of a condition decides: the same people, asked with it, and the answer that only it makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import select
from support.line import MONDAY, PROJECT, Line, campaign, open_line

from nurture.actions.record_orders import record_purchases
from nurture.core.condition import Condition
from nurture.core.event import BounceClass, Kind, SuppressionReason
from nurture.core.money import Money
from nurture.core.purchase import Purchase
from nurture.files.keys import every_key
from nurture.store.conditions import Asker
from nurture.store.database import insert_all
from nurture.store.tables import contact, enrollment, event, message

NOW = MONDAY + timedelta(days=100)
KNOWN, ENTERED = NOW - timedelta(days=90), NOW - timedelta(days=50)
READ: TypeAdapter[Any] = TypeAdapter(Condition)
SCORED = PROJECT + "score: {half_life: 10 days, points: {clicked: 10}}\n"

FAMILIES = ("received", "opened", "clicked", "replied", "engaged", "purchased", "did")
HAPPENED: dict[str, tuple[int, ...]] = {"old": (70,), "mid": (30,), "new": (5,), "twice": (30, 5), "none": ()}
"""Who of each family did what it is named for, how many days ago; they entered 50 days ago."""

TEA: dict[str, Any] = {"name": "Green Tea", "sku": "T-1", "category": "tea"}
CUP: dict[str, Any] = {"name": "Cup", "category": "ware"}
ORDERS: dict[tuple[str, int], tuple[str, dict[str, Any]]] = {
    ("old", 70): ("10", TEA), ("mid", 30): ("20", CUP), ("new", 5): ("30", CUP), ("twice", 30): ("10", TEA),
    ("twice", 5): ("30", CUP),
}  # fmt: skip
EVENTS: dict[tuple[str, int], dict[str, Any]] = {
    ("old", 70): {"total": 10, "plan": "free", "basket": "b1"}, ("mid", 30): {"total": 20, "plan": "pro",
    "basket": "b1", "note": "x"}, ("new", 5): {"total": 30, "plan": "pro", "basket": "b2"},
    ("twice", 30): {"total": 10, "plan": "free", "basket": "b1"}, ("twice", 5): {"total": 30, "plan": "pro",
    "basket": "b2"},
}  # fmt: skip

PAST: dict[str, tuple[dict[str, Any], str]] = {
    "": ({"ever": True}, "old mid new twice"),
    "within": ({"within": "10 days"}, "new twice"),
    "more_than": ({"more_than": "20 days ago"}, "old mid"),
    "since": ({"since": "entry"}, "mid new twice"),
    "ever": ({"ever": False}, "none"),
    "times": ({"since": "entry", "times": {"at_least": 2}}, "twice"),
    "times.at_least": ({"ever": True, "times": {"at_least": 2}}, "twice"),
    "times.at_most": ({"since": "entry", "times": {"at_most": 1}}, "old mid new none"),
    "step": ({"step": "second", "since": "entry"}, "new twice"),
}
"""What can be asked of each family, and of whom it holds."""

BOUGHT: dict[str, tuple[dict[str, Any], str]] = {
    "item": ({"ever": True, "item": "T-1"}, "old twice"),
    "category": ({"ever": True, "category": "ware"}, "mid new twice"),
    "total": ({"ever": True, "total": {"at_least": "25 EUR"}}, "new twice"),
    "total.at_least": ({"since": "entry", "total": {"at_least": "25 EUR"}}, "new twice"),
    "total.at_most": ({"ever": True, "total": {"at_most": "15 EUR"}}, "old none"),
}
DONE: dict[str, tuple[dict[str, Any], str]] = {
    "where": ({"where": {"plan": "pro"}}, "mid new twice"),
    "where.*.at_least": ({"where": {"total": {"at_least": 25}}}, "new twice"),
    "where.*.at_most": ({"where": {"total": {"at_most": 15}}}, "old twice"),
    "where.*.is_set": ({"where": {"note": {"is_set": True}}}, "mid"),
    "same": ({"since": "entry", "same": "basket"}, "mid twice"),
}
OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "did.event": ({"did": {"event": "other"}}, "did-none"),
    "first_purchase": ({"first_purchase": {"within": "40 days"}}, "purchased-mid purchased-new purchased-twice"),
    "first_purchase.within": ({"first_purchase": {"within": "10 days"}}, "purchased-new"),
    "first_purchase.more_than": ({"first_purchase": {"more_than": "40 days ago"}}, "purchased-old"),
    "signed_up": ({"signed_up": {"within": "40 days"}}, "ada bob"),
    "signed_up.within": ({"signed_up": {"within": "10 days"}}, "bob"),
    "signed_up.more_than": ({"all": [{"tag": ["vip", "gone"]}, {"signed_up": {"more_than": "10 days ago"}}]}, "ada"),
    "stage": ({"stage": "former"}, "cem"),
    "tag": ({"tag": "vip"}, "ada"),
    "source": ({"source": "fair"}, "bob"),
    "locale": ({"locale": "tr"}, "ada cem"),
    "country": ({"country": ["TR", "FR"]}, "cem"),
    "attribute": ({"attribute": {"plan": "pro"}}, "cem"),
    "attribute.*.at_least": ({"attribute": {"seats": {"at_least": 5}}}, "bob"),
    "attribute.*.at_most": ({"attribute": {"seats": {"at_most": 4}}}, "ada"),
    "attribute.*.is_set": ({"attribute": {"seats": {"is_set": True}}}, "ada bob"),
    "consent": ({"consent": {}}, "ada bob"),
    "consent.topic": ({"consent": {"topic": "orders"}}, "bob"),
    "score": ({"score": {"at_least": 7.5}}, "clicked-twice"),
    "score.at_least": ({"score": {"at_least": 5}}, "clicked-new clicked-twice"),
    "score.at_most": ({"all": [{"clicked": {"ever": True}}, {"score": {"at_most": 5}}]}, "clicked-old clicked-mid"),
    "suppressed": ({"suppressed": {}}, "ada bob"),
    "suppressed.reason": ({"suppressed": {"reason": "bounced"}}, "ada"),
    "all": ({"all": [{"locale": "tr"}, {"tag": "vip"}]}, "ada"),
    "any": ({"any": [{"tag": "gone"}, {"attribute": {"plan": "pro"}}]}, "bob cem"),
    "not": ({"all": [{"locale": "tr"}, {"not": {"tag": "vip"}}]}, "cem"),
}
ELSEWHERE = {"spend", "spend.top", "account"}
"""Keys about more than one contact; tests/engine/test_spend.py and test_accounts.py ask them."""


def cases() -> dict[str, tuple[dict[str, Any], set[str]]]:
    found = {key: (asked, set(who.split())) for key, (asked, who) in OTHERS.items()}
    for family in FAMILIES:
        more = {"purchased": BOUGHT, "did": DONE}.get(family, {})
        for key, (asked, who) in {**PAST, **more}.items():
            if key != "step" or family in ("received", "opened", "clicked"):
                question = {"event": "paid", **asked} if family == "did" else asked
                name = f"{family}.{key}".removesuffix(".")
                found[name] = ({family: question}, {f"{family}-{one}" for one in who.split()})
    return found


CASES = cases()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def line(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Everybody, once on each kind of database; for asking only."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path_factory.mktemp('asked')}/nurture.db"
        if request.param == "postgres":
            url = stack.enter_context(request.getfixturevalue("postgres").database())
        opened = open_line(url, {"first": campaign(status="draft")}, project=SCORED, at=NOW)
        for family in FAMILIES:
            for when, days in HAPPENED.items():
                live_through(opened, family, when, days)
        single_people(opened)
        yield opened
        opened.database.close()


def live_through(line: Line, family: str, when: str, days: tuple[int, ...]) -> None:
    who = f"{family}-{when}"
    line.add_contact(who, known_at=KNOWN, consents=[])
    steps = {ago: "second" if ago < 10 else "hello" for ago in days}
    enter(line, who, {step: NOW - timedelta(days=ago) for ago, step in steps.items()})
    for ago, step in steps.items():
        at = NOW - timedelta(days=ago)
        match family:
            case "received":
                line.fact(who, Kind.PROCESSED, at=at, step=step)
            case "opened" | "clicked":
                line.fact(who, Kind(family), at=at, step=step)
            case "replied" | "engaged":
                line.fact(who, Kind.FORM if family == "engaged" else Kind.REPLIED, at=at)
            case "did":
                line.fact(who, Kind.CUSTOM, name="paid", at=at, detail=EVENTS[when, ago])
            case "purchased":
                buy(line, who, f"{who} {ago}", ago, *ORDERS[when, ago])
    if who == "did-none":
        line.fact(who, Kind.CUSTOM, name="other", at=NOW - timedelta(days=5), detail=EVENTS["new", 5])


def buy(line: Line, who: str, order: str, ago: int, amount: str, item: dict[str, Any]) -> None:
    bought = Purchase(order, line.names[who], NOW - timedelta(days=ago), Money.parse(amount, "EUR"), (item,))
    record_purchases(line.database, line.program, [bought], NOW)


def enter(line: Line, who: str, owed: dict[str, Any]) -> None:
    """They entered on an event, and were owed emails of these steps at these times."""
    contact_id = line.names[who]
    line.fact(who, Kind.CUSTOM, name="began", at=ENTERED, detail={"basket": "b1"})
    began = line.rows(event, who, name="began")[0]["id"]
    row = {"contact_id": contact_id, "id": contact_id, "campaign": "first", "entry_key": "", "ordinal": 0,
           "release_id": 1, "arm": "emailed", "exclusive": True, "state": "live", "step": "hello", "event_id": began,
           "entered_at": ENTERED, "arrived_at": ENTERED, "due_at": None, "why": "", "decisions": 0}  # fmt: skip
    messages = [
        {"contact_id": contact_id, "id": f"{number}{contact_id[1:]}", "enrollment_id": contact_id, "campaign": "first",
         "step": step, "state": "unknown", "planned_at": at, "expires_at": at, "claimed_at": at,
         "settled_at": at, "attempts": 1, "fence": 1, "resent_by_policy": False}
        for number, (step, at) in enumerate(owed.items())
    ]  # fmt: skip
    with line.database.write() as connection:
        insert_all(connection, enrollment, [row])
        insert_all(connection, message, messages)


def single_people(line: Line) -> None:
    """Three who differ in what is known of them."""
    days = timedelta(days=1)
    line.add_contact("ada", tags=["vip"], attributes={"seats": 3}, locale="tr", signed_up_at=NOW - 30 * days)
    line.add_contact("bob", tags=["gone"], attributes={"seats": 5}, source="fair", signed_up_at=NOW - 5 * days,
                     consents=["orders"])  # fmt: skip
    line.add_contact("cem", attributes={"plan": "pro"}, locale="tr-CY", country="TR", stage="former", consents=[],
                     known_at=KNOWN, signed_up_at=KNOWN)  # fmt: skip
    for who in ("ada", "bob", "cem"):
        enter(line, who, {})
    line.fact("ada", Kind.BOUNCED, bounce=BounceClass.HARD, suppresses=SuppressionReason.BOUNCED)
    line.suppress("bob@example.com")


def holds(line: Line, asked: dict[str, Any]) -> set[str]:
    asker = Asker(line.program.project, inside=True)
    statement = select(contact.c.id).join(enrollment, enrollment.c.contact_id == contact.c.id)
    with line.database.read() as connection:
        found = set(connection.scalars(statement.where(asker.ask(READ.validate_python(asked))), {"now": NOW}))
    return {who for who, contact_id in line.names.items() if contact_id in found}


@pytest.mark.parametrize("key", CASES)
def test_each_key_of_a_condition_decides(line: Line, key: str) -> None:
    asked, who = CASES[key]
    found = holds(line, asked)
    family = key.partition(".")[0]
    if key in OTHERS or family not in FAMILIES:
        assert found == who
    else:
        assert {name for name in found if name.startswith(f"{family}-")} == who


def test_every_key_of_a_condition_is_asked_here() -> None:
    keys = {key.name.removeprefix("condition.") for key in every_key() if key.name.startswith("condition.")}
    assert keys == {*CASES, *ELSEWHERE}
