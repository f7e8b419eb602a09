"""Every condition, asked of rows in the database, answers what a plain reading of the facts answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy import select
from support.line import MONDAY, NIGHTLY, PROJECT, Line, campaign, open_line

from nurture.core.condition import Condition, Leaf
from nurture.core.event import BounceClass, Kind
from nurture.store.conditions import MICROSECOND, NOW, Asker, next_flip
from nurture.store.tables import contact, enrollment

NOW_AT = MONDAY + timedelta(days=100)
ENTERED = MONDAY + timedelta(days=40)
READ: TypeAdapter[Any] = TypeAdapter(Condition)
HOUR = timedelta(hours=1)
LENGTHS = ("6 hours", "5 days", "30 days", "70 days")


@dataclass
class Person:
    """What is known of one person, in Python: what the oracle reads."""

    facts: list[tuple[str, datetime, bool]] = field(default_factory=list)
    received: list[datetime] = field(default_factory=list)
    bought: list[tuple[datetime, int, int]] = field(default_factory=list)
    columns: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)


hours_ago = st.integers(0, 90 * 24).map(lambda hours: NOW_AT - hours * HOUR)
kinds = st.sampled_from(["opened", "clicked", "replied", "form"])
people = st.builds(
    Person,
    facts=st.lists(st.tuples(kinds, hours_ago, st.booleans()), max_size=6),
    received=st.lists(hours_ago, max_size=3, unique=True),
    bought=st.lists(st.tuples(hours_ago, st.integers(1, 80), st.sampled_from([0, 0, 1, 100])), max_size=3),
    columns=st.fixed_dictionaries({
        "country": st.sampled_from(["DE", "TR", None]),
        "source": st.sampled_from(["newsletter", None]),
        "locale": st.sampled_from(["en", "en-GB", "tr", None]),
        "signed_up_at": st.none() | hours_ago,
        "attributes": st.fixed_dictionaries({}, optional={
            "plan": st.sampled_from(["pro", "free", "", 5, True, None]),
            "seats": st.sampled_from([0, 5, 5.5, "5", -1, False]),
        }),
    }),
    tags=st.lists(st.sampled_from(["vip", "gone"]), unique=True),
)  # fmt: skip

times = st.fixed_dictionaries({}, optional={"at_least": st.integers(0, 3), "at_most": st.integers(0, 3)}).filter(bool)
totals = st.fixed_dictionaries(
    {}, optional={"at_least": st.sampled_from(["0 EUR", "50 EUR", "1500 TRY"]), "at_most": st.sampled_from(["80 EUR"])}
).filter(bool)
when = st.one_of(
    st.just({"ever": True}), st.just({"ever": False}), st.just({"since": "entry"}),
    st.sampled_from(LENGTHS).map(lambda length: {"within": length}),
    st.sampled_from(LENGTHS).map(lambda length: {"more_than": f"{length} ago"}),
    st.sampled_from(LENGTHS).map(lambda length: {"within": length, "since": "entry"}),
    st.sampled_from(LENGTHS).map(lambda length: {"more_than": f"{length} ago", "since": "entry"}),
)  # fmt: skip


def counted(spell: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return spell if spell.get("ever") is False or "more_than" in spell else {**spell, **more}


pasts = when | st.builds(lambda spell, count: counted(spell, {"times": count}), when, times)
spends = pasts | st.builds(lambda spell, total: counted(spell, {"total": total}), when, totals)
moments = st.sampled_from(LENGTHS).flatmap(
    lambda length: st.sampled_from([{"within": length}, {"more_than": f"{length} ago"}])
)
leaves = st.one_of(
    *(pasts.map(lambda past, key=key: {key: past}) for key in ("received", "opened", "clicked", "replied", "engaged")),
    spends.map(lambda past: {"purchased": past}),
    moments.map(lambda moment: {"signed_up": moment}), moments.map(lambda moment: {"first_purchase": moment}),
    st.sampled_from([
        {"tag": "vip"}, {"tag": ["vip", "gone"]}, {"country": ["DE", "AT"]}, {"source": "newsletter"},
        {"locale": "en"}, {"locale": "tr"}, {"attribute": {"plan": "pro"}}, {"attribute": {"plan": 5}},
        {"attribute": {"plan": ["pro", True]}}, {"attribute": {"seats": {"at_least": 5}}},
        {"attribute": {"seats": {"at_most": "5"}}}, {"attribute": {"plan": {"is_set": True}}},
        {"attribute": {"plan": {"is_set": False}, "seats": 0}},
    ]),
)  # fmt: skip
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda one: {"not": one}), st.lists(inner, min_size=1, max_size=3).map(lambda many: {"all": many}),
        st.lists(inner, min_size=1, max_size=3).map(lambda many: {"any": many}),
    ),
    max_leaves=4,
)  # fmt: skip


# --- the oracle -----------------------------------------------------------------------------------


def length_of(text: str) -> timedelta:
    number, unit = text.removesuffix(" ago").split()
    return timedelta(**{unit: int(number)})


def says(person: Person, asked: dict[str, Any], now: datetime = NOW_AT) -> bool:
    key, value = next(iter(asked.items()))
    match key:
        case "not":
            return not says(person, value, now)
        case "all":
            return all(says(person, one, now) for one in value)
        case "any":
            return any(says(person, one, now) for one in value)
        case "tag":
            return bool(set(person.tags) & set(listed(value)))
        case "country" | "source":
            return person.columns[key] in listed(value)
        case "locale":
            locale = person.columns["locale"] or ""
            return locale == value or locale.startswith(f"{value}-")
        case "attribute":
            return all(attribute(person.columns["attributes"], name, test) for name, test in value.items())
        case "signed_up" | "first_purchase":
            at = person.columns["signed_up_at"] if key == "signed_up" else min(kept(person), default=None)
            return at is not None and in_time(at, value, now)
        case _:
            return happened(person, key, value, now)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def attribute(attributes: dict[str, Any], name: str, test: Any) -> bool:
    value = attributes.get(name)
    if not isinstance(test, dict):
        return any(same(value, wanted) for wanted in listed(test))
    parts = []
    for bound, holds in (("at_least", lambda a, b: a >= b), ("at_most", lambda a, b: a <= b)):
        if bound in test:
            comparable = isinstance(test[bound], str) == isinstance(value, str) and value is not None
            parts.append(comparable and not isinstance(value, bool) and holds(value, test[bound]))
    if "is_set" in test:
        parts.append((value is not None) == test["is_set"])
    return all(parts)


def same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return isinstance(value, str) == isinstance(wanted, str) and value == wanted


def in_time(at: datetime, past: dict[str, Any], now: datetime) -> bool:
    return (
        ("within" not in past or at >= now - length_of(past["within"]))
        and ("more_than" not in past or at < now - length_of(past["more_than"]))
        and (past.get("since") is None or at >= ENTERED)
    )


def kept(person: Person) -> list[datetime]:
    return [at for at, _, refunded in person.bought if refunded < 100]


def seen(person: Person, key: str) -> list[datetime]:
    human = [(kind, at) for kind, at, machine in person.facts if not (machine and kind in ("opened", "clicked"))]
    match key:
        case "received":
            return person.received
        case "purchased":
            return kept(person)
        case "engaged":
            return [at for _, at in human] + [at for at, _, _ in person.bought]
        case _:
            return [at for kind, at in human if kind == key]


def happened(person: Person, key: str, past: dict[str, Any], now: datetime) -> bool:
    all_times = seen(person, key)
    if past.get("ever") is False:
        return not all_times
    if "more_than" in past:
        return bool(all_times) and in_time(max(all_times), past, now)
    inside = [at for at in all_times if in_time(at, past, now)]
    if "total" in past:
        return within_total(person, past, now)
    if "times" in past:
        return past["times"].get("at_least", 0) <= len(inside) <= past["times"].get("at_most", 10**9)
    return bool(inside)


def within_total(person: Person, past: dict[str, Any], now: datetime) -> bool:
    spent = sum(
        amount * 100 - amount * refunded
        for at, amount, refunded in person.bought
        if refunded < 100 and in_time(at, past, now)
    )
    bounds = {name: minor(text) for name, text in past["total"].items()}
    return bounds.get("at_least", 0) <= spent <= bounds.get("at_most", 10**9)


def minor(text: str) -> int:
    amount, currency = text.split()
    return int(Decimal(amount) * (100 if currency == "EUR" else 2))


# --- the rows -------------------------------------------------------------------------------------


@pytest.fixture
def line(migrated_url: str) -> Iterator[Line]:
    opened = open_line(migrated_url, {"first": campaign(status="draft")}, project=PROJECT, at=NOW_AT)
    yield opened
    opened.database.close()


def settle_in(line: Line, person: Person) -> str:
    """Tell the line everything about somebody who entered a campaign; gives the name."""
    who = f"p{len(line.names)}"
    known = min([NOW_AT - timedelta(days=91), person.columns["signed_up_at"] or NOW_AT])
    line.add_contact(who, known_at=known, tags=person.tags, **person.columns)
    _enroll(line, who, person.received)
    for kind, at, machine in person.facts:
        judged = "burst" if machine and kind in ("opened", "clicked") else None
        line.fact(who, Kind(kind), at=at, machine=judged)
    for at, amount, refunded in person.bought:
        line.buy(who, str(amount), at=at, order=f"{who} {at} {len(line.names)} {line._counter}")
        if refunded:
            orders = line.rows(_purchase(), who)
            order = max(orders, key=lambda row: int(row["order_id"].rpartition(" ")[2]))["order_id"]
            line.refund(order, str(Decimal(amount) * refunded / 100))
    return who


def _purchase() -> Any:
    from nurture.store.tables import purchase

    return purchase


def _enroll(line: Line, who: str, received: list[datetime]) -> None:
    """Enrolled in `first`; emails received one by one, as settlements record them."""
    from nurture.store.database import insert_all
    from nurture.store.tables import message

    contact_id = line.names[who]
    row = {"contact_id": contact_id, "id": contact_id, "campaign": "first", "entry_key": "", "ordinal": 0,
           "release_id": 1, "arm": "emailed", "exclusive": True, "state": "live", "step": "hello",
           "entered_at": ENTERED, "arrived_at": ENTERED, "due_at": None, "why": "", "decisions": 0}  # fmt: skip
    messages = [
        {"contact_id": contact_id, "id": f"{number}{contact_id[1:]}", "enrollment_id": contact_id, "campaign": "first",
         "step": f"s{number}", "state": "unknown", "planned_at": at, "expires_at": at, "claimed_at": at,
         "settled_at": at, "attempts": 1, "fence": 1, "resent_by_policy": False}
        for number, at in enumerate(received)
    ]  # fmt: skip
    with line.database.write() as connection:
        insert_all(connection, enrollment, [row])
        insert_all(connection, message, messages)
    for number, at in enumerate(received):
        line.fact(who, Kind.PROCESSED, at=at, step=f"s{number}")


def answers(line: Line, asked: Leaf, now: datetime) -> dict[str, bool]:
    asker = Asker(line.program.project, inside=True)
    statement = select(contact.c.id, asker.ask(asked).is_(True)).join(
        enrollment, enrollment.c.contact_id == contact.c.id
    )
    with line.database.read() as connection:
        found = {row[0]: bool(row[1]) for row in connection.execute(statement, {"now": now})}
    return {who: found[contact_id] for who, contact_id in line.names.items()}


def first_flip(line: Line, asked: Leaf, now: datetime) -> dict[str, datetime | None]:
    asker = Asker(line.program.project, inside=True)
    flip = next_flip(list(asker.flips(asked)))
    if flip is None:
        return dict.fromkeys(line.names)
    statement = select(contact.c.id, flip).join(enrollment, enrollment.c.contact_id == contact.c.id)
    with line.database.read() as connection:
        found = {row[0]: row[1] for row in connection.execute(statement, {"now": now})}
    return {who: found[contact_id] for who, contact_id in line.names.items()}


def test_the_database_answers_as_a_plain_reading_does(line: Line) -> None:
    known: dict[str, Person] = {}

    @settings(max_examples=40 if not NIGHTLY else 2000, deadline=None, database=None, derandomize=not NIGHTLY,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(person=st.none() | people, asked=st.lists(conditions, min_size=1, max_size=8))
    def holds(person: Person | None, asked: list[dict[str, Any]]) -> None:
        if len(known) < 25 and person is not None:
            known[settle_in(line, person)] = person
        for one in asked:
            condition = READ.validate_python(one)
            expected = {who: says(somebody, one) for who, somebody in known.items()}
            found = answers(line, condition, NOW_AT)
            assert found == expected, (one, {who: known[who] for who in known if found[who] != expected[who]})

    holds()
    assert len(known) > 15


def test_an_answer_changes_at_no_instant_that_was_not_foretold(line: Line) -> None:
    known: dict[str, Person] = {}

    @settings(max_examples=40 if not NIGHTLY else 1000, deadline=None, database=None, derandomize=not NIGHTLY,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(person=people, asked=leaves, later=st.integers(0, 80 * 24))
    def holds(person: Person, asked: dict[str, Any], later: int) -> None:
        if len(known) < 8:
            known[settle_in(line, person)] = person
        condition = READ.validate_python(asked)
        now, flips = answers(line, condition, NOW_AT), first_flip(line, condition, NOW_AT)
        at = NOW_AT + timedelta(hours=later)
        then = answers(line, condition, at)
        for who, flip in flips.items():
            if flip is None or flip > at:
                assert now[who] == then[who], (asked, known[who], at)

    holds()


def test_lengths_include_their_end(line: Line) -> None:
    line.add_contact("ada", known_at=NOW_AT - timedelta(days=20), signed_up_at=NOW_AT - timedelta(days=10))
    _enroll(line, "ada", [])
    asked = READ.validate_python({"signed_up": {"within": "10 days"}})
    assert answers(line, asked, NOW_AT)["ada"] and not answers(line, asked, NOW_AT + MICROSECOND)["ada"]
    assert first_flip(line, asked, NOW_AT)["ada"] == NOW_AT + MICROSECOND


def test_the_last_time_decides_for_one_steps_emails_too(line: Line) -> None:
    line.add_contact("ada", known_at=NOW_AT - timedelta(days=90))
    _enroll(line, "ada", [NOW_AT - timedelta(days=50)])
    line.click("ada", "s0", at=NOW_AT - timedelta(days=40))
    asked = READ.validate_python({"clicked": {"step": "s0", "more_than": "20 days ago"}})
    assert answers(line, asked, NOW_AT)["ada"]
    line.click("ada", "s0", at=NOW_AT - timedelta(days=1))
    assert not answers(line, asked, NOW_AT)["ada"]


def test_consents_suppressions_and_stages_are_as_they_stand(line: Line) -> None:
    line.add_contact("ada", consents=["offers"])
    _enroll(line, "ada", [NOW_AT - HOUR])

    def holds(asked: dict[str, Any]) -> bool:
        return answers(line, READ.validate_python(asked), NOW_AT)["ada"]

    assert holds({"consent": {}}) and holds({"consent": {"topic": "offers"}}) and not holds({"suppressed": {}})
    assert holds({"stage": ["lead", "prospect"]}) and not holds({"stage": "customer"})
    line.consent("ada", offers=False)
    line.bounce("ada", "s0", BounceClass.HARD)
    assert not holds({"consent": {}}) and holds({"suppressed": {"reason": "bounced"}})
    assert not holds({"suppressed": {"reason": "manual"}})


def test_now_is_asked_of_the_caller() -> None:
    assert NOW.key == "now"
