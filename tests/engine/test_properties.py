"""Random campaigns, random people, random facts in any order: what must hold, holds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.fresh import Fresh
from support.line import MONDAY, NIGHTLY, PROJECT, TEMPLATES, Ledger, Line, campaign, open_line
from support.postgres import Server

from nurture.actions.doctor import invariants
from nurture.actions.record import record_facts
from nurture.actions.record_orders import record_purchases, record_refunds
from nurture.core.email import Outgoing
from nurture.core.event import BounceClass, Fact, Kind
from nurture.core.money import Money
from nurture.core.purchase import Purchase, Refund
from nurture.providers.base import Accepted, Outcome, Rejected, Unavailable, Unknown
from nurture.store.database import insert_all
from nurture.store.tables import enrollment, message, purchase

LIFE = "lifecycle: {inactive: {after: 30 days, delivered: 2}, customer_for: 60 days}\n"
LIMITS = "limits: {per_contact: [1 per 24 hours, 3 per 7 days], per_hour: 7}\nsending: {in_flight: 3, attempts: 3}\n"
POOL = "coupons: {spring: {worth: 10%}}\n"
ZONES = ("America/New_York", "Australia/Lord_Howe", "Pacific/Kiritimati", "Asia/Kathmandu", None)


def few(examples: int) -> Any:
    return settings(
        max_examples=examples * (50 if NIGHTLY else 1), deadline=None, database=None, derandomize=not NIGHTLY,
        suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate),
    )  # fmt: skip


@pytest.fixture
def fresh_postgres(postgres: Server, migrated_postgres: str) -> Iterator[Fresh]:
    made: list[str] = []

    def copy() -> str:
        made.append(postgres.create(migrated_postgres))
        return postgres.url(made[-1])

    yield copy
    for name in made:
        postgres.drop(name)


# --- campaigns --------------------------------------------------------------------------------------

WAITS = (
    "1 hour", "2 days", "5 days", "{until: 10:00, days: mon-fri}", "{until: 02:30, at_least: 1 day}",
    "{until: {clicked: {since: entry}}, at_most: 3 days}", "{until: {opened: {within: 2 days}}, at_most: 1 day}",
)  # fmt: skip
ASKED = (
    "{clicked: {since: entry}}", "{not: {engaged: {within: 3 days}}}", "{received: {ever: yes, times: {at_least: 2}}}",
    "{purchased: {ever: yes, total: {at_least: 30 EUR}}}", "{stage: [prospect, customer]}", "{tag: warm}",
)  # fmt: skip
CHANGES = (
    "set: {tags: {add: [warm]}}",
    "set: {tags: {remove: [warm]}, attributes: {seen: true}}",
    "stop_mailing: sunset",
)


def step(draw: Any, names: Iterator[int], depth: int) -> str:
    """One step as a flow mapping."""
    name = f"s{next(names)}"
    kind = draw(st.sampled_from(["send", "send", "wait", "wait", "if", "change"] if depth else ["send", "wait"]))
    match kind:
        case "send":
            otherwise = draw(st.sampled_from(["", ", otherwise: continue"]))
            gives = draw(st.sampled_from(["", "", ", coupon: {pool: spring, valid_for: 2 days}"]))
            return f"{{id: {name}, send: {draw(st.sampled_from(TEMPLATES))}{otherwise}{gives}}}"
        case "wait":
            return f"{{id: {name}, wait: {draw(st.sampled_from(WAITS))}}}"
        case "change":
            return f"{{id: {name}, {draw(st.sampled_from(CHANGES))}}}"
        case _:
            parts = [", ".join(step(draw, names, depth - 1) for _ in range(draw(st.integers(1, 2)))) for _ in range(2)]
            return f"{{id: {name}, if: {draw(st.sampled_from(ASKED))}, then: [{parts[0]}], else: [{parts[1]}]}}"


@st.composite
def campaigns(draw: Any) -> str:
    names = count()
    steps = ", ".join(step(draw, names, 2) for _ in range(draw(st.integers(1, 5))))
    keys: dict[str, str] = {
        "audience": draw(st.sampled_from([
            "{stage: [lead, prospect]}", "{where: [{not: {clicked: {within: 5 days}}}]}", "{stage: [customer, former]}",
            "{where: [{received: {ever: no}}]}",
        ])),
        "enter": draw(st.sampled_from([
            "{look: at once, backfill: yes}", "{look: at once}", "{look: daily at 10:53, backfill: yes}",
        ])),
        "re_enter": draw(st.sampled_from(["never", "2 days after leaving"])),
        "holdout": draw(st.sampled_from(["0%", "30%", "{share: 50%, from: s0}"])),
    }  # fmt: skip
    more = {
        "overlap": "allow", "send_window": "{days: mon-fri, hours: 09:00-18:00}", "expires": "1 day",
        "exit_when": "[{replied: {since: entry}}]", "stay_while": "{not: {tag: gone}}", "topic": "orders",
        "limits": "{per_contact: [1 per 2 days]}",
    }  # fmt: skip
    for name in draw(st.sets(st.sampled_from(sorted(more)), max_size=3)):
        keys[name] = more[name]
    if "topic" in keys:
        keys["holdout"] = "0%"  # Of mail about orders nobody is held out, and such a file is refused.
    return campaign(f"[{steps}]", **keys)


def answering(seed: int) -> Callable[[Outgoing], Outcome]:
    chance = random.Random(seed)

    def answer(_: Outgoing) -> Outcome:
        number = chance.random()
        if number < 0.7:
            return Accepted()
        if number < 0.8:
            return Unknown("lost")
        if number < 0.9:
            return Unavailable("busy")
        return Rejected("refused", chance.choice(list(BounceClass)))

    return answer


DEEDS = ("click", "open", "machine", "reply", "buy", "refund", "bounce", "delivered", "stop", "tag", "twice")


def do(line: Line, who: str, deed: str, chance: random.Random) -> None:
    """Something somebody does, about their latest email where there is one."""
    handed = {one.message_id for _, one in line.provider.handed}
    sent = [row for row in line.messages(who) if row["state"] in ("accepted", "unknown") and row["id"] in handed]
    at = line.clock() - timedelta(hours=chance.choice([0, 0, 1, 30]))
    about = sent[-1] if sent else None
    step = about["step"] if about else None
    match deed:
        case "click" | "open" | "machine":
            kind = Kind.CLICKED if deed == "click" else Kind.OPENED
            line.fact(who, kind, at=at, step=step, machine="apple-mpp" if deed == "machine" else None)
        case "reply":
            line.reply(who, at=at)
        case "buy":
            used = chance.choice([None, f"C{chance.randint(0, 11)}"])
            line.buy(who, str(chance.randint(1, 60)), chance.choice(["EUR", "EUR", "TRY", "USD"]), at=at, coupon=used)
        case "refund":
            line.refund(f"order-{chance.randint(1, 30)}", chance.choice([None, "5"]))
        case "bounce" if about:
            line.bounce(who, about["step"], chance.choice([BounceClass.HARD, BounceClass.SOFT]), at=at)
        case "delivered" if about:
            line.fact(who, Kind.DELIVERED, at=at, step=step)
        case "stop":
            line.unsubscribe(who)
        case "tag":
            line.change(who, attributes={"changed": True}, country=chance.choice(["DE", "TR"]))
        case "twice":
            line.click(who, at=line.clock(), key=f"twice {who}")


def tell_story(url: str, first: str, second: str, seed: int) -> None:
    """Thirty or so days of one random story, judged at the end of each stretch."""
    chance = random.Random(seed)
    line = open_line(
        url, {"first": first, "second": second}, project=PROJECT + LIFE + LIMITS + POOL,
        provider=Ledger(answer=answering(seed)),
    )  # fmt: skip
    try:
        people = [f"p{number}" for number in range(6)]
        for who in people:
            since = MONDAY - timedelta(days=chance.choice([0, 5, 40]))
            stage = chance.choice([None, None, None, "customer", "former"])
            line.add_contact(who, timezone=chance.choice(ZONES), signed_up_at=since, stage=stage)
        for stretch in range(12):
            line.bring(f"C{stretch}")
            line.pass_()
            for _ in range(chance.randint(0, 4)):
                do(line, chance.choice(people), chance.choice(DEEDS), chance)
            line.clock.forward(minutes=chance.choice([1, 45, 60 * 7, 60 * 26, 60 * 80]))
            line.pass_()
            if stretch % 4 == 3 or NIGHTLY:
                judge(line)
    finally:
        line.database.close()


def judge(line: Line) -> None:
    found = invariants(line.database, line.program, None, line.clock(), slack=timedelta())
    assert [(one.name, one.rows[:2]) for one in found if not one.ok] == []
    ledger = line.provider
    assert [key for key, number in ledger.taken.items() if number > 1] == []


@few(6)
@given(first=campaigns(), second=campaigns(), seed=st.integers(0, 10**6))
def test_whatever_the_campaign_every_guarantee_holds(fresh_sqlite: Fresh, first: str, second: str, seed: int) -> None:
    tell_story(fresh_sqlite(), first, second, seed)


@few(2)
@given(first=campaigns(), second=campaigns(), seed=st.integers(0, 10**6))
def test_the_same_on_postgres(fresh_postgres: Fresh, first: str, second: str, seed: int) -> None:
    tell_story(fresh_postgres(), first, second, seed)


# --- the order of facts -----------------------------------------------------------------------------

hours = st.integers(1, 200 * 24)
tellings = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["opened", "clicked", "replied", "machine", "clicked-email", "bought"]), hours),
        st.tuples(st.sampled_from(["processed", "bounced", "delivered"]), hours),
    ),
    min_size=1, max_size=10, unique=True,
)  # fmt: skip


@pytest.fixture
def line(migrated_url: str) -> Iterator[Line]:
    opened = open_line(migrated_url, {"first": campaign(status="draft")}, project=PROJECT + LIFE, at=MONDAY)
    yield opened
    opened.database.close()


def known(line: Line, who: str) -> None:
    """Somebody to whom an email was handed over whose answer was lost."""
    line.clock.at = MONDAY
    contact_id = line.add_contact(who)
    row = {"contact_id": contact_id, "id": contact_id, "campaign": "first", "entry_key": "", "ordinal": 0,
           "release_id": 1, "arm": "emailed", "exclusive": True, "state": "live", "step": "hello",
           "entered_at": MONDAY, "arrived_at": MONDAY, "due_at": None, "why": "", "decisions": 0}  # fmt: skip
    at = MONDAY + timedelta(hours=1)
    sent = {"contact_id": contact_id, "id": contact_id, "enrollment_id": contact_id, "campaign": "first",
            "step": "hello", "state": "unknown", "planned_at": at, "expires_at": at, "claimed_at": at,
            "settled_at": at, "attempts": 1, "fence": 1, "resent_by_policy": False}  # fmt: skip
    with line.database.write() as connection:
        insert_all(connection, enrollment, [row])
        insert_all(connection, message, [sent])


def tell_one(line: Line, who: str, kind: str, hour: int) -> None:
    at, contact_id = MONDAY + timedelta(hours=hour), line.names[who]
    if kind == "bought":
        bought = Purchase(f"{who} {hour}", contact_id, at, Money(100 * hour, "EUR"))
        record_purchases(line.database, line.program, [bought], line.clock())
        if hour % 3 == 0:
            given = Refund(f"{who} {hour}", f"{who} {hour}", at, None)
            record_refunds(line.database, line.program, [given], line.clock())
        return
    about = contact_id if kind in ("processed", "bounced", "delivered", "clicked-email") else None
    name = {"machine": "opened", "clicked-email": "clicked"}.get(kind, kind)
    fact = Fact(
        Kind(name), at, "test", f"{who} {kind} {hour}", contact_id=contact_id, message_id=about,
        machine="apple-mpp" if kind == "machine" else None, bounce=BounceClass.SOFT if kind == "bounced" else None,
    )  # fmt: skip
    record_facts(line.database, line.program, [fact, fact], line.clock())


def seen(line: Line, who: str) -> dict[str, Any]:
    """Everything that must not depend on the order in which facts were told."""
    contact = line.contact(who)
    columns = ("stage", "stage_since", "stage_check_at", "silent_since", "unanswered", "facts_until", "customer_from",
               "received_count", "last_received_at", "last_machine_open_at", "last_opened_at", "last_clicked_at",
               "last_replied_at", "last_engaged_at", "purchase_count", "first_purchase_at", "last_purchase_at",
               "revenue", "known_at")  # fmt: skip
    bought = line.rows(purchase, who)
    return {
        **{name: contact[name] for name in columns},
        "changes": line.changes(who),
        "conversions": [(order.removeprefix(who), kind) for order, kind in line.conversions(who)],
        "credit": sorted((row["occurred_at"], row["touch"], row["touched_at"]) for row in bought),
        "message": {
            name: line.message(who)[name]
            for name in ("state", "accepted_at", "bounced_at", "delivered_at", "clicked_at")
        },
    }


def test_the_order_in_which_facts_are_told_does_not_matter(line: Line) -> None:
    numbers = count()

    @few(15)
    @given(told=tellings, shuffled=st.randoms(use_true_random=False))
    def holds(told: list[tuple[str, int]], shuffled: random.Random) -> None:
        number = next(numbers)
        one, other = f"a{number}", f"b{number}"
        known(line, one)
        known(line, other)
        for kind, hour in sorted(told, key=lambda pair: pair[1]):
            line.clock.at = max(line.clock(), MONDAY + timedelta(hours=hour))
            tell_one(line, one, kind, hour)
        line.clock.at = MONDAY + timedelta(days=400)
        again = [*told, *told[:3]]
        shuffled.shuffle(again)
        for kind, hour in again:
            tell_one(line, other, kind, hour)
        line.pass_()
        assert seen(line, other) == seen(line, one)

    holds()
