"""Events of the project's own: people enter on them, conditions ask for them, templates show them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.line import BODY, Line, campaign

from engine.conftest import Start
from nurture.actions.record import Recorded
from nurture.core.event import Kind
from nurture.store import tables

BASKET = "{on: checkout_started, where: {total: {at_least: 20}, plan: pro}, per: basket_id}"
STEPS = """
- id: an-hour
  wait: 1 hour
- {id: hello, send: hello}
- {id: long, wait: 30 days}
"""


def basket(**keys: str) -> str:
    return campaign(STEPS, **{"enter": BASKET, "audience": "{}", "overlap": "allow"} | keys)


def tell(line: Line, who: str = "ada", name: str = "checkout_started", **fields: Any) -> Recorded:
    fields = {"total": 50, "plan": "pro", "basket_id": "b1"} | fields
    at = fields.pop("at", None)
    return line.fact(who, Kind.CUSTOM, name=name, at=at, detail=fields)


def keys(line: Line, who: str = "ada") -> list[str]:
    return sorted(row["entry_key"] for row in line.enrollments(who))


def test_people_enter_on_an_event_as_of_its_time(start: Start) -> None:
    line = start(basket())
    line.add_contact()
    line.pass_()
    assert line.enrollments() == []
    at = line.clock()
    tell(line, at=at)
    line.clock.forward(minutes=20)
    line.pass_()
    assert [(row["entry_key"], row["entered_at"]) for row in line.enrollments()] == [("b1", at)]
    line.run(hours=2)
    assert line.sent_at() == [("hello", at + timedelta(hours=1))]


@pytest.mark.parametrize("fields", [{"total": 19}, {"plan": "free"}, {"basket_id": None}, {"total": "50"}])
def test_where_and_per_say_which_events_let_in(start: Start, fields: dict[str, Any]) -> None:
    line = start(basket())
    line.add_contact()
    tell(line, **fields)
    tell(line, name="checkout_completed")
    line.pass_()
    assert line.enrollments() == []


def test_per_makes_one_passage_for_each_value_side_by_side(start: Start) -> None:
    line = start(basket())
    line.add_contact()
    for value in ("b1", "b2", "b1", 7):
        tell(line, basket_id=value)
    line.pass_()
    assert keys(line) == ["7", "b1", "b2"]
    assert {row["state"] for row in line.enrollments()} == {"live"}


def test_re_enter_holds_for_each_value_of_per(start: Start) -> None:
    left = "[{did: {event: gone, since: entry, same: basket_id}}]"
    line = start(basket(re_enter="2 days after leaving", exit_when=left))
    line.add_contact()
    tell(line)
    line.pass_()
    line.clock.forward(hours=3)
    tell(line)
    tell(line, name="gone")
    line.pass_()
    assert [row["state"] for row in line.enrollments()] == ["ended"]
    line.clock.forward(days=1)
    tell(line)
    tell(line, basket_id="b2")
    line.pass_()
    assert keys(line) == ["b1", "b2"]
    line.clock.forward(days=2)
    tell(line)
    line.pass_()
    assert keys(line) == ["b1", "b1", "b2"]


def test_an_event_lets_nobody_in_when_the_campaign_was_not_live_or_it_is_stale(start: Start) -> None:
    line = start(basket(status="paused"))
    line.add_contact()
    tell(line)
    line.pass_()
    line.publish(first=basket())
    line.pass_()
    tell(line, basket_id="old", at=line.clock() - timedelta(days=4))
    line.pass_()
    assert line.enrollments() == []
    tell(line, basket_id="b2", at=line.clock() - timedelta(hours=4))
    line.pass_()
    assert keys(line) == ["b2"]


def test_the_audience_is_asked_when_the_event_comes(start: Start) -> None:
    line = start(basket(audience="{where: [{tag: vip}]}"))
    line.add_contact()
    tell(line)
    line.pass_()
    line.tag("ada", "vip")
    line.pass_()
    assert line.enrollments() == []
    tell(line, basket_id="b2")
    line.pass_()
    assert keys(line) == ["b2"]


def test_without_overlap_the_event_waits_until_the_contact_has_left(start: Start) -> None:
    other = campaign("[{id: hello, send: hello}, {id: day, wait: 1 day}]")
    line = start({"first": other, "second": basket().replace("overlap: allow\n", "")})
    line.add_contact()
    line.pass_()
    tell(line)
    tell(line, basket_id="b2")
    line.pass_()
    assert [row["campaign"] for row in line.enrollments()] == ["first"]
    line.run(days=1, hours=2)
    assert [row["entry_key"] for row in line.enrollments(campaign="second")] == ["b1"]


def test_templates_see_the_event(start: Start) -> None:
    body = "{% for item in event.items %}{{ item.name }} {{ item.price|money }};{% endfor %} {{ event.items|length }}"
    text = f"---\nsubject: Left {{{{ event.note }}}}\n---\n<p>{body} {{{{ event.total|money }}}}</p>{BODY}"
    text += '<a href="{{ event.url }}">back</a><a href="{{ links.unsubscribe }}">x</a>'
    line = start(basket(), templates={"hello": text})
    line.add_contact()
    for number, currency in (("b1", "TRY"), ("b2", None)):
        items = [{"name": f"Tea {number}", "price": "4.50"}, {"name": "Cup", "price": 3}]
        tell(line, basket_id=number, items=items, note=number, url="https://acme.example/b", currency=currency)
    line.run(hours=2)
    texts = sorted(one.email.html for _, one in line.provider.handed)
    found = [next(part for part in text.split("<p>") if "Tea" in part).split("</p>")[0] for text in texts]
    wanted = ["Tea b1 TRY4.50;Cup TRY3.00; 2 TRY50.00", "Tea b2 €4.50;Cup €3.00; 2 €50.00"]
    assert sorted(text.replace("\xa0", "") for text in found) == wanted


DID = "[{did: {event: paid, since: entry, same: basket_id}}]"


def test_did_with_same_ends_the_passage_of_that_value_only(start: Start) -> None:
    line = start(basket(exit_when=DID))
    line.add_contact()
    tell(line)
    tell(line, basket_id="b2")
    line.pass_()
    line.clock.forward(minutes=10)
    tell(line, name="paid", basket_id="b2")
    tell(line, name="paid", basket_id="b3")
    line.pass_()
    assert {row["entry_key"]: row["state"] for row in line.enrollments()} == {"b1": "live", "b2": "ended"}
    line.run(hours=2)
    assert len(line.sent_at()) == 1


def test_a_wait_ends_when_the_event_comes(start: Start) -> None:
    line = start(campaign("""
        - {id: paid, wait: {until: {did: {event: paid, since: entry, where: {plan: pro}}}, at_most: 9 days}}
        - {id: hello, send: hello}
    """))
    line.add_contact()
    line.run(days=1)
    tell(line, name="paid", plan="free")
    line.run(days=1)
    assert line.messages() == []
    tell(line, name="paid")
    line.pass_()
    assert line.sent_at() == [("hello", line.clock())]


@pytest.mark.parametrize(
    ("asked", "days", "holds"),
    [
        ("{event: paid}", [], False),
        ("{event: paid}", [40], True),
        ("{event: paid, ever: no}", [40], False),
        ("{event: paid, ever: no, where: {plan: free}}", [40], True),
        ("{event: paid, within: 10 days}", [11], False),
        ("{event: paid, within: 10 days}", [9], True),
        ("{event: paid, more_than: 10 days ago}", [11], True),
        ("{event: paid, more_than: 10 days ago}", [11, 3], False),
        ("{event: paid, times: {at_least: 2}}", [11], False),
        ("{event: paid, times: {at_least: 2}}", [11, 12], True),
        ("{event: paid, times: {at_most: 1}, within: 10 days}", [11, 12, 3], True),
        ("{event: other}", [1], False),
    ],
)
def test_did_asks_for_any_event_and_its_times(start: Start, asked: str, days: list[int], holds: bool) -> None:
    line = start(campaign(audience=f"{{where: [{{did: {asked}}}]}}", enter="{look: at once, backfill: yes}"))
    line.add_contact()
    for ago in days:
        tell(line, name="paid", at=line.clock() - timedelta(days=ago))
    line.pass_()
    assert bool(line.enrollments()) is holds


def test_time_alone_changes_what_did_says(start: Start) -> None:
    line = start(campaign(audience="{where: [{did: {event: paid, more_than: 10 days ago}}]}"))
    line.add_contact()
    line.pass_()
    tell(line, name="paid")
    line.run(days=9)
    assert line.enrollments() == []
    line.run(days=2)
    assert len(line.enrollments()) == 1


def test_an_event_nobody_asks_for_wakes_nobody(start: Start) -> None:
    line = start(basket())
    line.add_contact()
    line.pass_()
    tell(line, name="page_viewed")
    assert (line.rows(tables.contact_mark), len(line.rows(tables.event))) == ([], 1)
