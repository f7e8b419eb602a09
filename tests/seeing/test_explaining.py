"""Every condition is told with the value that decided over it: change the value and both change, answer and words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from support.line import MONDAY, PROJECT, Line, campaign

from nurture.actions.explain import UTC, Explained, Reason, explain
from nurture.core.condition import BY_KEY
from nurture.core.event import SuppressionReason
from nurture.core.ids import account_id
from nurture.core.rules import asked_at
from nurture.core.wording import Words
from nurture.store import tables
from nurture.store.database import insert_all
from nurture.store.standing import KeptQuery, StandingQuery

Start = Callable[..., Line]
SCORED = PROJECT + "score: {half_life: 10 days, points: {clicked: 4}}\n"


def explained(line: Line, who: str = "ada", name: str = "first") -> Explained:
    with line.database.read() as connection:
        found = explain(connection, line.releases.current(), name, [line.names[who]], line.clock())
    return found[line.names[who]]


def reason(line: Line, name: str, who: str = "ada", of: str = "first") -> Reason:
    one = explained(line, who, of)
    return next(found for found in (*one.reasons, *one.mailing) if found.name == name)


def later(days: float = 0) -> Callable[[Line], object]:
    return lambda line: line.clock.forward(days=days)


def in_account(line: Line) -> None:
    with line.database.write() as connection:
        insert_all(connection, tables.account, [{"id": account_id("acme"), "name": "Acme"}])
    line.change("ada", account_id=account_id("acme"))
    line.add_contact("bob", account_id=account_id("acme"), tags=("champion",))


def sent(line: Line) -> None:
    """Ada is sent the email of another campaign's step `hello`."""
    line.publish(other=campaign("- {id: hello, send: hello}", overlap="allow"))
    line.pass_()
    line.clock.forward(days=1)


def clicks(line: Line) -> None:
    sent(line)
    line.click("ada", "hello")


def opens(line: Line) -> None:
    sent(line)
    line.open("ada", "hello")
    line.clock.forward(hours=3)


def buys_tea(line: Line) -> None:
    line.buy("ada", "60", items=({"name": "Green tea", "category": "tea"},))


def comes(line: Line) -> None:
    from nurture.core.event import Kind

    line.fact("ada", Kind.CUSTOM, name="demo_requested")
    line.clock.forward(days=3)


@dataclass(frozen=True)
class Case:
    """A condition, what is found at first, what then happens, and what is found after that."""

    asks: str
    before: str
    then: Callable[[Line], object]
    after: str
    flips: bool = True

    @property
    def key(self) -> str:
        return self.asks.removeprefix("{").partition(":")[0]


CASES = (
    Case("{stage: prospect}", "is lead since 2026-03-02 08:00", lambda line: line.reply("ada"),
         "is prospect since 2026-03-02 08:00"),
    Case("{tag: [vip, gone]}", "has only new", lambda line: line.tag("ada", "vip"), "has vip"),
    Case("{attribute: {plan: pro, seats: {at_least: 5}}}", 'plan is "free", seats is not set',
         lambda line: line.change("ada", attributes={"plan": "pro", "seats": 7}), 'plan is "pro", seats is 7'),
    Case("{source: shop}", "is newsletter", lambda line: line.change("ada", source="shop"), "is shop"),
    Case("{source: shop}", "is newsletter", lambda line: line.change("ada", source=None), "is not known", flips=False),
    Case("{locale: tr}", "is en", lambda line: line.change("ada", locale="tr-TR"), "is tr-TR"),
    Case("{country: [TR, GB]}", "is DE", lambda line: line.change("ada", country="GB"), "is GB"),
    Case("{signed_up: {more_than: 60 days ago}}", "signed up 0 minutes ago (2026-03-02 08:00)", later(61),
         "signed up 61 days ago (2026-03-02 08:00)"),
    Case("{consent: {topic: orders}}", "never given", lambda line: line.consent("ada", orders=True),
         "given 0 minutes ago (2026-03-02 08:00), from test"),
    Case("{consent: {}}", "given for offers", lambda line: line.consent("ada", offers=False), "given for nothing"),
    Case("{received: {within: 7 days}}", "no email was received", sent,
         "received an email 1 day ago (2026-03-02 08:00)"),
    Case("{received: {times: {at_least: 1}, within: 7 days}}", "0 times in that time; no email was received", sent,
         "1 time in that time; received an email 1 day ago (2026-03-02 08:00)"),
    Case("{received: {times: {at_least: 1}, within: 7 days}}", "0 times in that time; no email was received",
         lambda line: (sent(line), later(12)(line)),
         "0 times in that time; received an email 13 days ago (2026-03-02 08:00)", flips=False),
    Case("{opened: {within: 2 days}}", "never opened", opens, "opened 3 hours ago (2026-03-03 08:00)"),
    Case("{clicked: {ever: yes}}", "never clicked", clicks, "clicked 0 minutes ago (2026-03-03 08:00)"),
    Case("{replied: {more_than: 5 days ago}}", "never replied", lambda line: (line.reply("ada"), later(6)(line)),
         "replied 6 days ago (2026-03-02 08:00)"),
    Case("{engaged: {times: {at_least: 2}, ever: yes}}", "0 times in all; never engaged",
         lambda line: (line.reply("ada"), later(2)(line), line.buy("ada")),
         "2 times in all; engaged 0 minutes ago (2026-03-04 08:00)"),
    Case("{purchased: {ever: yes}}", "never bought", lambda line: line.buy("ada"),
         "bought 0 minutes ago (2026-03-02 08:00)"),
    Case("{purchased: {total: {at_least: 50 EUR}, within: 9 days}}", "spent 0.00 EUR in that time; never bought",
         buys_tea, "spent 60.00 EUR in that time; bought 0 minutes ago (2026-03-02 08:00)"),
    Case("{purchased: {category: tea, ever: yes}}", "tea: never bought", buys_tea,
         "tea: bought 0 minutes ago (2026-03-02 08:00)"),
    Case("{first_purchase: {within: 3 days}}", "never bought", lambda line: line.buy("ada"),
         "bought first 0 minutes ago (2026-03-02 08:00)"),
    Case("{did: {event: demo_requested}}", "demo_requested never came", comes,
         "demo_requested came 3 days ago (2026-03-02 08:00)"),
    Case("{did: {event: demo_requested, times: {at_least: 2}}}", "0 times in all; demo_requested never came", comes,
         "1 time in all; demo_requested came 3 days ago (2026-03-02 08:00)", flips=False),
    Case("{score: {at_least: 2}}", "has no points", lambda line: (clicks(line), later(10)(line)), "has 2 points"),
    Case("{score: {at_least: 3}}", "has no points", lambda line: (clicks(line), later(10)(line)), "has 2 points",
         flips=False),
    Case("{spend: {top: 50%}}", "spent 0.00 EUR, nobody bought so far",
         lambda line: (buys_tea(line), later(1)(line)),
         "spent 60.00 EUR, 60.00 EUR are needed"),
    Case("{suppressed: {}}", "is not suppressed", lambda line: line.suppress("ada@example.com"),
         "manual 0 minutes ago (2026-03-02 08:00), from test"),
    Case("{suppressed: {reason: bounced}}", "is not suppressed",
         lambda line: line.suppress("ada@example.com", SuppressionReason.COMPLAINED), "is not suppressed", flips=False),
    Case("{account: {tag: champion}}", "is of no account, and it does not hold for them alone", in_account,
         "holds for 1 of 2 in Acme, bob@example.com among them"),
    Case("{all: [{tag: vip}, {country: DE}]}", "1 of 2 holds", lambda line: line.tag("ada", "vip"), "2 of 2 hold"),
    Case("{any: [{tag: vip}, {country: TR}]}", "none of 2 hold", lambda line: line.tag("ada", "vip"), "1 of 2 holds"),
    Case("{not: {tag: vip}}", "that does not hold", lambda line: line.tag("ada", "vip"), "that holds"),
)  # fmt: skip


def test_every_kind_of_condition_is_explained_here() -> None:
    assert {case.key for case in CASES} == set(BY_KEY)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.asks)
def test_a_condition_is_told_with_the_value_that_decided(start: Start, case: Case) -> None:
    line = start(campaign(audience=f"{{where: [{case.asks}]}}", starts="2030-01-01"), project=SCORED)
    line.add_contact("ada", attributes={"plan": "free"}, tags=("new",))
    line.pass_()
    first = reason(line, "where")
    case.then(line)
    line.pass_()
    second = reason(line, "where")
    assert (first.found, second.found) == (case.before, case.after)
    assert first.text == second.text
    assert (first.holds != second.holds) is case.flips
    assert [one.name for one in explained(line).failing] == ["starts", *([] if second.holds else ["where"])]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.asks)
def test_what_is_kept_with_a_decision_reads_as_what_was_found(start: Start, case: Case) -> None:
    asked = campaign(f"- {{id: rest, wait: 400 days}}\n- {{id: asks, if: {case.asks}, then: [{{id: x, wait: 1 day}}]}}")
    line = start(asked, project=SCORED)
    line.add_contact("ada", attributes={"plan": "free"}, tags=("new",))
    line.pass_()
    assert both(line) == (case.before, case.before)
    case.then(line)
    line.pass_()
    assert both(line) == (case.after, case.after)


def both(line: Line) -> tuple[str, str]:
    """What was found now of the step's question, and the same as a decision would keep it."""
    (row,) = line.enrollments("ada", campaign="first")
    rule = asked_at(line.program.courses["first"].places["asks"].step)
    assert rule
    words = Words(line.program, line.clock(), UTC)
    with line.database.read() as connection:
        key = (row["contact_id"], row["id"])
        (found,) = StandingQuery(line.program.project, [rule.condition]).ask(connection, key, line.clock())
        query = KeptQuery(line.program.project, rule.condition)
        kept = query.told(query.ask(connection, [key], line.clock())[row["id"]], found.holds)
    assert kept and [part.holds for part in kept.parts] == [part.holds for part in found.parts]
    told = words.found(kept)
    # Whom it holds for of others is not kept, and of what was counted the number alone.
    counted, _, _ = words.found(found).partition("; ")
    same = told in (f"{counted.rpartition(', bob@')[0]}", counted) or told.endswith(counted)
    return words.found(found), words.found(found) if same else told


def test_conditions_inside_others_are_told_one_by_one_with_their_lines(start: Start) -> None:
    where = "\n  where:\n    - any:\n        - tag: vip\n        - not: {country: DE}\n    - source: newsletter"
    line = start(campaign(audience=where))
    line.add_contact("ada")
    found = [one for one in explained(line).reasons if one.name == "where"]
    inner = found[0].parts
    assert [(one.text, one.found, one.holds) for one in inner] == [
        ("tag: vip", "has no tag", False), ("not: {country: DE}", "that holds", False),
    ]  # fmt: skip
    assert (inner[1].parts[0].text, inner[1].parts[0].found) == ("country: DE", "is DE")
    lines = [one.written.line for one in (found[0], *inner, inner[1].parts[0], found[1]) if one.written]
    text = line.files["campaigns/first.yaml"].splitlines()
    assert [text[number - 1].strip() for number in lines] == [
        "- any:", "- tag: vip", "- not: {country: DE}", "- not: {country: DE}", "- source: newsletter",
    ]  # fmt: skip
    assert str(found[0].written).startswith("campaigns/first.yaml:") and "(version 1, " in str(found[0].written)


def test_when_time_alone_changes_an_answer_is_told(start: Start) -> None:
    audience = "{where: [{signed_up: {more_than: 60 days ago}}, {tag: vip}]}"
    line = start(campaign("- {id: rest, wait: 9 days}", audience=audience))
    line.add_contact("ada", tags=("vip",))
    line.pass_()
    one = explained(line)
    (signed, tagged) = [found for found in one.reasons if found.name == "where"]
    assert signed.flips_at == MONDAY + timedelta(days=60, microseconds=1)
    assert tagged.flips_at is None
    assert one.next_at == signed.flips_at
    assert (one.first, one.enters) == (signed, False)
    line.clock.at = signed.flips_at
    assert explained(line).enters
    line.pass_()
    assert explained(line).inside


def test_many_are_explained_in_one_question(start: Start) -> None:
    line = start(campaign(audience="{where: [{tag: vip}]}"))
    for number in range(320):
        line.add_contact(f"c{number}", tags=("vip",) if number % 2 else ())
    with line.database.read() as connection:
        found = explain(connection, line.releases.current(), "first", [*line.names.values(), "0" * 32], line.clock())
    assert len(found) == 320
    assert {one.address for one in found.values() if one.enters} == {f"c{n}@example.com" for n in range(1, 320, 2)}


def test_who_may_not_be_mailed_is_told_by_the_gates_own_names(start: Start) -> None:
    line = start(campaign(audience="{where: [{tag: vip}]}"))
    line.add_contact("ada", consents=())
    line.add_contact("bob")
    line.suppress("bob@example.com")
    assert (reason(line, "no-consent").found, reason(line, "no-consent").holds) == ("never given", False)
    told = reason(line, "suppressed", "bob")
    assert (told.found, told.holds) == ("manual 0 minutes ago (2026-03-02 08:00), from test", False)
    assert reason(line, "no-consent", "bob").found == "given 0 minutes ago (2026-03-02 08:00), from form"


def test_what_the_gate_would_say_of_an_email_now_is_told(start: Start) -> None:
    line = start({
        "first": campaign(overlap="allow"),
        "second": campaign(audience="{where: [{tag: vip}]}", limits="{per_contact: [1 per 24 hours]}", overlap="allow"),
        "third": campaign(audience="{where: [{tag: vip}]}", send_window="{hours: 12:00-13:00}", overlap="allow"),
    }, project=PROJECT + "limits: {per_contact: [1 per 7 days]}\n")  # fmt: skip
    line.add_contact("ada")
    line.add_contact("bob", timezone="Asia/Tokyo")
    assert explained(line, "ada", "second").mailing[-1].found == "it would"
    line.pass_()
    line.clock.forward(hours=1)
    capped = reason(line, "capped", of="second")
    assert capped.found == "never: capped"
    assert reason(line, "window", of="third").found.startswith("not before 2026-03-02 12:0")


def values(line: Line, **more: Any) -> dict[str, str]:
    return {one.name: one.found for one in explained(line, **more).reasons}


def test_an_event_that_has_yet_to_come_is_told_with_its_last_time(start: Start) -> None:
    line = start(campaign(enter="{on: demo_requested}", re_enter="1 day after leaving"))
    line.add_contact("ada")
    assert values(line)["event"] == "demo_requested never came"
    comes(line)
    assert values(line)["event"] == "demo_requested came 3 days ago (2026-03-02 08:00), and is still to be looked at"
    line.run(days=1)
    assert values(line)["event"] == "demo_requested came 4 days ago (2026-03-02 08:00)"
    assert explained(line).next == "when demo_requested comes"


def test_what_the_last_event_lacked_is_told(start: Start) -> None:
    from nurture.core.event import Kind

    enter = "{on: checkout_started, where: {total: {at_least: 20}}, per: basket_id}"
    line = start(campaign(enter=enter, expires="2 days", re_enter="1 day after leaving"))
    line.add_contact("ada")
    line.fact("ada", Kind.CUSTOM, name="checkout_started", detail={"total": 50, "basket_id": "a"})
    line.pass_()
    line.clock.forward(days=1)
    line.fact("ada", Kind.CUSTOM, name="checkout_started", detail={"total": 12})
    line.pass_()
    (found,) = (one for one in explained(line).reasons if one.name == "event")
    assert (found.found, found.holds) == ("checkout_started came 0 minutes ago (2026-03-03 08:00)", False)
    assert [(one.text, one.found, one.holds) for one in found.parts] == [
        ("where: {total: {at_least: 20}}", "total is 12", False),
        ("per: basket_id", "basket_id is not set", False),
        ("expires: 2 days", "may let somebody in until 2026-03-05 08:00", True),
    ]
    line.clock.forward(days=3)
    (found,) = (one for one in explained(line).reasons if one.name == "event")
    assert not found.parts[2].holds


def test_limits_are_told_with_what_is_used_of_them(start: Start) -> None:
    limited = {"limits": "{per_hour: 1, per_day: 9}", "overlap": "allow"}
    line = start({"first": campaign(**limited), "second": campaign(audience="{where: [{tag: vip}]}")},
                 project=PROJECT + "limits: {per_hour: 5}\n")  # fmt: skip
    line.add_contact("ada")
    line.pass_()
    line.add_contact("bob", tags=("gone",))
    told = {one.text: (one.found, one.holds, one.flips_at) for one in explained(line, "bob").mailing}
    assert told["limits: {per_hour: 1} of the campaign first"] == ("1 used", False, MONDAY + timedelta(hours=1))
    assert told["limits: {per_day: 9} of the campaign first"] == ("1 used", True, None)
    assert told["limits: {per_hour: 5} of the project"] == ("1 used", True, None)
    assert "limits: {per_hour: 5} of the project" in {one.text for one in explained(line, "bob", "second").mailing}
