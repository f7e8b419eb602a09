"""Keys of a campaign and of its steps, each with what it alone brings about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.line import MONDAY, PROJECT, Line, campaign

from nurture.actions.record_orders import record_purchases
from nurture.actions.report import report
from nurture.cli.report import show_campaign
from nurture.core.event import Kind
from nurture.core.money import Money
from nurture.core.purchase import Purchase
from nurture.store.tables import contact_tag, suppression, webhook_delivery

from .conftest import Start

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CLAIMS = "claimed_within: {click: 7 days, email: 3 days}, measured_over: 45 days"
TWO = """
    - {id: hello, send: hello}
    - {id: pause, wait: 5 days}
    - {id: second, send: second}
    """


def waiting(for_: str) -> str:
    return f"""
        - {{id: pause, wait: {for_}}}
        - {{id: hello, send: hello}}
        """


def entered(line: Line) -> list[str]:
    inside = {row["contact_id"] for row in line.enrollments()}
    return [who for who, contact_id in line.names.items() if contact_id in inside]


# --- who enters --------------------------------------------------------------------------------------


def test_only_the_stages_of_the_audience_enter(start: Start) -> None:
    line = start(campaign(audience="{stage: customer}"))
    line.add_contact("ada")
    line.add_contact("bob", stage="customer")
    line.pass_()
    assert entered(line) == ["bob"]


@pytest.mark.parametrize(("test", "who"), [("{at_most: 15}", ["ada"]), ("{is_set: no}", ["cem"])])
def test_fields_of_an_event_are_asked_by_their_bounds(start: Start, test: str, who: list[str]) -> None:
    line = start(campaign(enter=f"{{on: paid, where: {{total: {test}}}}}", audience="{}"))
    for name, fields in {"ada": {"total": 10}, "bob": {"total": 20}, "cem": {"plan": "pro"}}.items():
        line.add_contact(name)
        line.fact(name, Kind.CUSTOM, name="paid", detail=fields)
    line.pass_()
    assert entered(line) == who


@pytest.mark.parametrize(
    ("enter", "born"), [("{anniversary: born, days_after: 2}", "03-04"), ("{date: born, days_after: 2}", "2026-03-04")]
)
def test_people_enter_so_many_days_after_a_date(start: Start, enter: str, born: str) -> None:
    line = start(campaign(enter=enter))
    line.add_contact(attributes={"born": born})
    line.run(days=8)
    assert [row["entered_at"] for row in line.enrollments()] == [datetime(2026, 3, 6, tzinfo=UTC)]


def test_nobody_enters_before_the_campaign_starts(start: Start) -> None:
    line = start(campaign(starts="2026-03-05 09:00"))
    line.add_contact()
    line.run(days=5, step=HOUR)
    assert [row["entered_at"] for row in line.enrollments()] == [datetime(2026, 3, 5, 9, 0, tzinfo=UTC)]


# --- what it is for ----------------------------------------------------------------------------------

GOALS = {
    "within": ("{since: entry, within: 1 day}", "dora"),
    "more_than": ("{more_than: 20 days ago}", "ada bob dora"),
    "since": ("{since: entry}", "ada dora"),
    "ever": ("{ever: no}", "cem"),
    "times": ("{since: entry, times: {at_least: 2}}", "dora"),
    "times.at_least": ("{since: entry, times: {at_least: 2}}", "dora"),
    "times.at_most": ("{since: entry, times: {at_least: 1, at_most: 1}}", "ada"),
    "item": ("{since: entry, item: T-1}", "dora"),
    "category": ("{since: entry, category: tea}", "dora"),
    "total": ("{since: entry, total: {at_least: 30 EUR}}", "dora"),
    "total.at_least": ("{since: entry, total: {at_least: 30 EUR}}", "dora"),
    "total.at_most": ("{since: entry, total: {at_least: 5 EUR, at_most: 25 EUR}}", "ada"),
}


def buy(line: Line, who: str, at: datetime, **item: str) -> None:
    bought = Purchase(f"{who} {at}", line.names[who], at, Money.parse("20", "EUR"), (item,))
    record_purchases(line.database, line.program, [bought], line.clock())


@pytest.mark.parametrize("key", GOALS)
def test_a_goal_is_reached_by_the_purchases_it_names(start: Start, key: str) -> None:
    asked, who = GOALS[key]
    line = start(campaign(TWO, goal=f"{{purchased: {asked}, {CLAIMS}}}", audience="{}"))
    line.add_contact("cem")
    for name in ("ada", "bob", "dora"):
        line.add_contact(name, known_at=MONDAY - 40 * DAY)
        buy(line, name, MONDAY - 30 * DAY, name="Old")
    line.add_contact("eve", known_at=MONDAY - 40 * DAY)
    buy(line, "eve", MONDAY - 10 * DAY, name="Old")
    line.pass_()
    line.clock.forward(days=3)
    buy(line, "ada", MONDAY + HOUR, name="Cup", category="ware")
    buy(line, "dora", MONDAY + HOUR, name="Cup", category="ware")
    buy(line, "dora", line.clock(), name="Tea", sku="T-1", category="tea")
    line.run(days=3)
    assert {name for name in line.names if line.reason(name) == "goal"} == set(who.split())


@pytest.mark.parametrize(("click", "email", "touch"), [("3 days", "6 days", "email"), ("5 days", "2 days", "click")])
def test_a_touch_claims_for_as_long_as_the_file_says(start: Start, click: str, email: str, touch: str) -> None:
    within = f"claimed_within: {{click: {click}, email: {email}}}, measured_over: 45 days"
    line = start(campaign(TWO, goal=f"{{purchased: {{since: entry}}, {within}}}"))
    line.add_contact()
    line.pass_()
    line.click("ada", "hello")
    line.clock.forward(days=4)
    line.buy("ada", order="o1")
    assert line.purchase("o1")["touch"] == touch


# --- when emails leave -------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "most"), [("per_hour: 3", 3), ("per_day: 4", 4)])
def test_a_campaign_sends_no_more_than_its_own_limit(start: Start, limit: str, most: int) -> None:
    line = start(campaign(limits=f"{{{limit}}}"))
    for number in range(9):
        line.add_contact(f"p{number}")
    line.run(minutes=50)
    assert len(line.provider.handed) == most


def test_an_email_that_could_not_leave_in_time_is_not_sent(start: Start) -> None:
    steps = "[{id: pause, wait: 1 day}, {id: hello, send: hello}]"
    keys = {"overlap": "allow"}
    line = start({"alpha": campaign(steps, expires="1 day"), "beta": campaign(steps, expires="9 days", **keys)})
    line.add_contact()
    line.pass_()
    line.clock.forward(days=3)
    line.pass_()
    assert {row["campaign"]: row["state"] for row in line.messages()} == {"alpha": "skipped", "beta": "accepted"}


# --- steps -------------------------------------------------------------------------------------------


def test_an_email_is_the_template_that_the_step_names_with_the_subject_it_gives(start: Start) -> None:
    body = '<p>Another one {{ project.postal_address }} <a href="{{ links.unsubscribe }}">stop</a></p>'
    steps = "[{id: hello, send: second}, {id: named, send: second, subject: From the step}]"
    line = start(campaign(steps), templates={"second": f"---\nsubject: Its own\n---\n{body}"})
    line.add_contact()
    line.run(hours=1)
    emails = [one.email for _, one in line.provider.handed]
    assert [one.subject for one in emails] == ["Its own", "From the step"]
    assert all("Another one" in one.html for one in emails)


@pytest.mark.parametrize(
    ("until", "leaves"),
    [
        ("{until: 10:00}", "2026-03-02 10:00"),
        ("{until: 07:30}", "2026-03-03 07:30"),
        ("{until: 10:00, days: sat}", "2026-03-07 10:00"),
        ("{until: 10:00, at_least: 2 days}", "2026-03-04 10:00"),
        ("{until: {clicked: {since: entry}}, at_most: 3 days}", "2026-03-05 08:00"),
    ],
)
def test_a_wait_ends_when_it_says(start: Start, until: str, leaves: str) -> None:
    line = start(campaign(waiting(until)))
    line.add_contact(timezone="UTC")
    line.run(days=9)
    assert line.sent_at() == [("hello", datetime.fromisoformat(leaves).replace(tzinfo=UTC))]


def test_whom_a_condition_does_not_hold_for_goes_the_other_way(start: Start) -> None:
    line = start(
        campaign("""
        - id: asks
          if: {tag: vip}
          then: [{id: second, send: second}]
          else: [{id: third, send: third}]
        - {id: hello, send: hello}
        """)
    )
    line.add_contact("ada", tags=["vip"])
    line.add_contact("bob")
    line.run(hours=1)
    assert [step for step, _ in line.sent_at("ada")] == ["second", "hello"]
    assert [step for step, _ in line.sent_at("bob")] == ["third", "hello"]


def test_a_step_sets_attributes_and_puts_tags_on_and_off(start: Start) -> None:
    line = start(campaign("[{id: mark, set: {attributes: {seen: true, old: null}, tags: {add: warm, remove: [new]}}}]"))
    line.add_contact(tags=["new", "vip"], attributes={"old": 1, "plan": "pro"})
    line.pass_()
    assert {row["tag"] for row in line.rows(contact_tag, "ada")} == {"warm", "vip"}
    assert line.contact()["attributes"] == {"seen": True, "plan": "pro"}


def test_mailing_is_stopped_for_good_and_the_reason_recorded(start: Start) -> None:
    line = start(campaign("[{id: end, stop_mailing: sunset}, {id: hello, send: hello}]"))
    line.add_contact()
    line.run(hours=1)
    assert [row["reason"] for row in line.rows(suppression)] == ["sunset"]
    assert line.provider.handed == []


def test_a_step_tells_the_webhook_it_names(start: Start) -> None:
    hooks = "webhooks: {crm: {url: https://crm.acme.example}, erp: {url: https://erp.acme.example}}\n"
    line = start(campaign("[{id: tell, notify: {webhook: erp, about: warm}}]"), project=PROJECT + hooks)
    line.add_contact()
    line.pass_()
    assert [(row["webhook"], row["data"]["about"]) for row in line.rows(webhook_delivery)] == [("erp", "warm")]


# --- what people see of it ---------------------------------------------------------------------------


def test_who_answers_for_a_campaign_stands_in_its_report(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    line = start(campaign(title="Wake up", owner="lifecycle@acme.example"))
    (one,) = report(line.database, line.program, line.clock()).campaigns
    show_campaign(one, "EUR")
    assert capsys.readouterr().out.startswith("first: Wake up (lifecycle@acme.example)\n")
