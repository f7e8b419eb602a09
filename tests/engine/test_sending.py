"""From a due message to a settled one: who may not be mailed, what was refused, what was never answered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.line import CAMPAIGN, MONDAY, PROJECT, Ledger, Line, campaign

from nurture.actions.claim import claim
from nurture.actions.send import settle
from nurture.actions.stop import STOPPED
from nurture.core.email import Outgoing
from nurture.core.event import BounceClass, Kind, SuppressionReason
from nurture.providers.base import Accepted, Outcome, Rejected, Unavailable, Unknown
from nurture.store.releases import set_meta
from nurture.store.tables import kept_email, suppression

from .conftest import Start

TWO = """
    - {id: hello, send: hello}
    - {id: pause, wait: 2 days}
    - {id: second, send: second}
    """
ON = """
    - {id: hello, send: hello, otherwise: continue}
    - {id: pause, wait: 2 days}
    - {id: second, send: second}
    """
RESEND = PROJECT + "sending: {unknown: {after: 3 days, then: resend}}\n"


def claim_only(line: Line) -> list[object]:
    """Claim what is due and hand nothing over, as a process does that dies between the two."""
    found = claim(line.database, line.queries, line.emails, "ledger", 32, line.clock())
    return list(found.claims)


def until_claimed(line: Line) -> list[object]:
    from nurture.actions.advance import advance
    from nurture.actions.enroll import enroll

    enroll(line.database, line.queries, line.clock())
    advance(line.database, line.queries, line.clock())
    return claim_only(line)


@pytest.mark.parametrize(
    ("forbid", "reason"),
    [
        (lambda line: line.suppress("ada@example.com"), "suppressed"),
        (lambda line: line.consent("ada", offers=False), "no-consent"),
        (lambda line: line.unsubscribe("ada"), "suppressed"),
    ],
)
def test_who_must_not_be_mailed_is_not_and_leaves_with_that_reason(start: Start, forbid: object, reason: str) -> None:
    line = start(campaign(TWO))
    line.add_contact()
    line.pass_()
    line.clock.forward(hours=1)
    forbid(line)  # type: ignore[operator]
    line.run(days=3)
    assert line.states() == [("hello", "accepted"), ("second", "skipped")]
    assert line.reason() == reason == line.message(step="second")["reason"]


def test_an_address_suppressed_before_its_contact_came_is_not_mailed(start: Start) -> None:
    line = start(campaign())
    line.suppress("ADA@Example.com")
    line.add_contact()
    line.pass_()
    assert line.states() == [("hello", "skipped")] and line.provider.handed == []


def test_a_suppression_between_planning_and_the_claim_forbids_it(start: Start) -> None:
    line = start(campaign(send_window="{hours: 12:00-18:00}"))
    line.add_contact()
    line.pass_()
    assert line.states() == [("hello", "due")]
    line.suppress("ada@example.com")
    line.run(hours=5)
    assert line.states() == [("hello", "skipped")] and line.provider.handed == []


def test_mail_about_an_order_goes_to_those_who_unsubscribed_but_not_where_it_bounced(start: Start) -> None:
    line = start(campaign(TWO, topic="orders"))
    line.add_contact("ada", consents=[])
    line.unsubscribe("ada")
    line.pass_()
    assert line.states() == [("hello", "accepted")]
    line.bounce("ada", "hello")
    line.run(days=3)
    assert line.states() == [("hello", "accepted"), ("second", "skipped")]


@pytest.mark.parametrize("reasons", [("unsubscribed", "bounced"), ("bounced", "unsubscribed")])
def test_of_several_reasons_the_weightiest_stands_in_whatever_order_they_came(
    start: Start, reasons: tuple[str, str]
) -> None:
    line = start(campaign())
    for reason in reasons:
        line.suppress("ada@example.com", SuppressionReason(reason))
    assert [row["reason"] for row in line.rows(suppression)] == ["bounced"]


def test_otherwise_continue_goes_on_after_a_skip_and_waits_from_it(start: Start) -> None:
    line = start(campaign(ON, topic="offers"))
    line.add_contact("ada", consents=[])
    line.pass_()
    line.clock.forward(hours=1)
    line.consent("ada", offers=True)
    line.run(days=3)
    assert line.states() == [("hello", "skipped"), ("second", "accepted")]
    assert line.sent_at() == [("second", MONDAY + timedelta(days=2))]


def test_waits_count_from_acceptance(start: Start) -> None:
    answers: list[Outcome] = [Unavailable("busy", MONDAY + timedelta(hours=5)), Accepted()]
    line = start(campaign(TWO), provider=Ledger(answer=lambda _: answers.pop(0) if answers else Accepted()))
    line.add_contact()
    line.pass_()
    line.run(days=4)
    assert line.message()["accepted_at"] == MONDAY + timedelta(hours=5)
    assert line.sent_at()[-1] == ("second", MONDAY + timedelta(hours=5, days=2))


def test_refused_for_now_is_tried_again_later_each_time_longer_and_then_given_up(start: Start) -> None:
    project = PROJECT + "sending: {attempts: 3}\n"
    line = start(campaign(), project=project, provider=Ledger(answer=lambda _: Unavailable("busy")))
    line.add_contact()
    line.pass_()
    line.run(hours=5, step=timedelta(minutes=1))
    times = [at for _, at in line.sent_at()]
    assert len(times) == 3 and times[2] - times[1] > times[1] - times[0] >= timedelta(minutes=5)
    assert line.states() == [("hello", "rejected")] and line.reason() == "unavailable: busy"


def test_a_hard_refusal_suppresses_and_ends_the_enrollment(start: Start) -> None:
    line = start(campaign(ON), provider=Ledger(answer=lambda _: Rejected("no such user", BounceClass.HARD)))
    line.add_contact()
    line.run(days=3)
    assert line.states() == [("hello", "rejected"), ("second", "skipped")]
    assert [row["reason"] for row in line.rows(suppression)] == ["bounced"]
    assert line.contact()["received_count"] == 0


@pytest.mark.parametrize("bounce", [BounceClass.POLICY, BounceClass.SOFT, BounceClass.CONTENT])
def test_what_is_not_the_addresss_fault_never_suppresses_it(start: Start, bounce: BounceClass) -> None:
    line = start(campaign(), provider=Ledger(answer=lambda _: Rejected("refused", bounce)))
    line.add_contact()
    line.pass_()
    assert line.rows(suppression) == [] and line.states() == [("hello", "rejected")]


def test_a_bounce_later_on_suppresses_and_counts_the_email_as_not_received(start: Start) -> None:
    line = start(campaign(TWO))
    line.add_contact()
    line.pass_()
    assert line.contact()["unanswered"] == 1
    line.clock.forward(hours=1)
    line.bounce("ada", "hello")
    assert line.contact()["unanswered"] == 0
    line.run(days=3)
    assert line.reason() == "suppressed"


def test_a_bounce_told_before_the_answer_was_settled_counts_the_same(start: Start) -> None:
    line = start(campaign(TWO))
    line.add_contact()
    claims = until_claimed(line)
    line.bounce("ada", "hello", BounceClass.SOFT)
    line.clock.forward(minutes=1)
    settle(line.database, line.queries, [(claims[0], Accepted())], "ledger", line.clock())  # type: ignore[list-item]
    before = line.contact()
    assert before["unanswered"] == 0 and before["received_count"] == 1
    line.change("ada", first_name="Ada")
    after = line.contact()
    assert after["facts_until"] == before["facts_until"] and after["unanswered"] == before["unanswered"]


def test_the_enrollment_stands_for_72_hours_at_a_message_in_the_air_then_goes_on_as_if_sent(start: Start) -> None:
    def answer(one: Outgoing) -> Outcome:
        return Unknown("lost") if one.step == "hello" else Accepted()

    line = start(campaign(TWO), provider=Ledger(answer=answer))
    line.add_contact()
    line.pass_()
    line.run(hours=71)
    assert line.enrollment()["step"] == "hello" and line.states() == [("hello", "unknown")]
    line.run(hours=2)
    assert line.enrollment()["step"] == "pause"
    line.run(days=3)
    assert line.sent_at()[-1] == ("second", MONDAY + timedelta(hours=72, days=2))
    assert line.message()["state"] == "unknown" and len(line.sent_at()) == 2


@pytest.mark.parametrize("kind", [Kind.PROCESSED, Kind.DELIVERED, Kind.OPENED, Kind.CLICKED, Kind.BOUNCED])
def test_what_comes_back_settles_a_lost_answer(start: Start, kind: Kind) -> None:
    line = start(campaign(TWO), provider=Ledger(answer=lambda _: Unknown("lost")))
    line.add_contact()
    line.pass_()
    line.clock.forward(hours=3)
    line.fact("ada", kind, step="hello", machine="apple-mpp" if kind is Kind.OPENED else None)
    line.pass_()
    message, contact = line.message(), line.contact()
    assert message["state"] == "accepted" and message["accepted_at"] == MONDAY
    assert (contact["received_count"], contact["last_received_at"]) == (1, MONDAY)
    assert line.enrollment()["step"] == "pause" and line.enrollment()["due_at"] == MONDAY + timedelta(days=2)


@pytest.mark.parametrize("lost", ["answer", "process"])
def test_evidence_that_was_quicker_than_the_loss_settles_it_too(start: Start, lost: str) -> None:
    line = start(campaign(TWO))
    line.add_contact()
    claims = until_claimed(line)
    line.fact("ada", Kind.PROCESSED, step="hello")
    if lost == "answer":
        settle(line.database, line.queries, [(claims[0], Unknown("lost"))], "ledger", line.clock())  # type: ignore[list-item]
    line.clock.forward(minutes=16)
    line.pass_()
    assert line.states() == [("hello", "accepted")] and line.provider.handed == []
    assert line.contact()["received_count"] == 1 and line.enrollment()["step"] == "pause"


def test_a_claim_whose_process_died_becomes_unknown_and_is_left_so(start: Start) -> None:
    line = start(campaign(TWO))
    line.add_contact()
    assert len(until_claimed(line)) == 1
    line.run(days=4)
    assert line.message()["state"] == "unknown" and line.provider.handed == []


def test_a_late_answer_under_a_stale_claim_is_evidence(start: Start) -> None:
    line = start(campaign(TWO))
    line.add_contact()
    claims = until_claimed(line)
    line.clock.forward(minutes=16)
    line.pass_()
    assert line.message()["state"] == "unknown"
    settle(line.database, line.queries, [(claims[0], Accepted())], "ledger", line.clock())  # type: ignore[list-item]
    assert line.message()["state"] == "accepted" and line.message()["accepted_at"] == MONDAY


def test_a_late_refusal_is_no_sign_that_the_email_left(start: Start) -> None:
    line = start(campaign(TWO))
    line.add_contact()
    claims = until_claimed(line)
    line.clock.forward(minutes=16)
    line.pass_()
    refused = Rejected("no such user", BounceClass.HARD)
    settle(line.database, line.queries, [(claims[0], refused)], "ledger", line.clock())  # type: ignore[list-item]
    assert line.message()["state"] == "unknown" and line.contact()["received_count"] == 0
    assert len(line.rows(suppression)) == 1


@pytest.mark.parametrize("steps", [TWO, "[{id: hello, send: hello}]"])
def test_by_policy_an_unanswered_email_is_sent_once_more_and_the_row_tells(start: Start, steps: str) -> None:
    line = start(campaign(steps), project=RESEND, provider=Ledger(answer=lambda _: Unknown("lost")))
    line.add_contact()
    line.pass_()
    line.run(days=12, step=timedelta(hours=6))
    handed = [step for step, _ in line.sent_at()]
    assert handed.count("hello") == 2 and all(handed.count(step) <= 2 for step in handed)
    assert line.message()["resent_by_policy"] and line.message()["state"] == "unknown"


def test_an_email_to_be_sent_once_more_is_asked_for_at_the_gate_and_stays_unknown_if_refused(start: Start) -> None:
    line = start(campaign(TWO), project=RESEND, provider=Ledger(answer=lambda _: Unknown("lost")))
    line.add_contact()
    line.pass_()
    line.suppress("ada@example.com")
    line.run(days=5, step=timedelta(hours=6))
    assert line.message()["state"] == "unknown" and len(line.provider.handed) == 1


def test_without_the_policy_nothing_unanswered_is_ever_sent_again(start: Start) -> None:
    line = start(campaign(TWO), provider=Ledger(answer=lambda _: Unknown("lost")))
    line.add_contact()
    line.pass_()
    line.run(days=12, step=timedelta(hours=3))
    assert [step for step, _ in line.sent_at()] == ["hello", "second"]


def test_reaching_the_goal_keeps_the_planned_email_back(start: Start) -> None:
    line = start(campaign(send_window="{hours: 12:00-18:00}"))
    line.add_contact()
    line.pass_()
    line.buy("ada")
    line.run(hours=6)
    assert line.provider.handed == [] and line.reason() == "goal"


def test_exits_and_staying_are_asked_at_every_gate(start: Start) -> None:
    keys = {"exit_when": "[{replied: {since: entry}}]", "stay_while": "{not: {tag: gone}}"}
    line = start(campaign(TWO, **keys))
    line.add_contact("ada")
    line.add_contact("bob")
    line.pass_()
    line.clock.forward(hours=1)
    line.reply("ada")
    line.tag("bob", "gone")
    line.run(days=3)
    assert line.reason("ada") == "exit_when 1" and line.reason("bob") == "stay_while"
    assert len(line.provider.handed) == 2


def test_after_an_outage_nothing_is_sent_twice_and_nothing_stale_at_all(start: Start) -> None:
    steps = TWO + "- {id: pause-2, wait: 2 days}\n    - {id: third, send: third}\n"
    line = start(campaign(steps.replace("send: second}", "send: second, otherwise: continue}")))
    line.add_contact()
    line.pass_()
    line.clock.forward(days=30)
    line.pass_()
    line.run(days=6)
    assert line.states() == [("hello", "accepted"), ("second", "skipped"), ("third", "accepted")]
    assert line.message(step="second")["reason"] == "expired"
    assert line.sent_at()[-1][1] == MONDAY + timedelta(days=32)


def test_an_outage_shorter_than_the_emails_patience_sends_it_late(start: Start) -> None:
    line = start(campaign(TWO))
    line.add_contact()
    line.pass_()
    line.clock.forward(days=4)
    line.pass_()
    assert line.sent_at()[-1] == ("second", MONDAY + timedelta(days=4))


def test_one_command_stops_all_sending_and_another_lets_it_go_on(start: Start) -> None:
    line = start(campaign())
    line.add_contact()
    with line.database.write() as connection:
        set_meta(connection, STOPPED, "by hand")
    line.run(hours=2)
    assert line.provider.handed == [] and line.message()["reason"] == "stopped"
    with line.database.write() as connection:
        set_meta(connection, STOPPED, None)
    line.run(minutes=10, step=timedelta(minutes=5))
    assert line.states() == [("hello", "accepted")]


def test_the_breaker_opens_on_bounces_and_holds_that_campaign_only(start: Start) -> None:
    def answer(one: Outgoing) -> Outcome:
        return Rejected("no such user", BounceClass.HARD) if one.campaign == "alpha" else Accepted()

    keys = {"overlap": "allow"}
    line = start({"alpha": campaign(**keys), "beta": campaign(**keys)}, provider=Ledger(answer=answer))
    for number in range(230):
        line.add_contact(f"p{number}", source="bulk" if number < 200 else "late")
    line.pass_()
    line.clock.forward(hours=1)
    line.add_contact("ada")
    line.pass_()
    states = {row["campaign"]: (row["state"], row["reason"]) for row in line.messages("ada")}
    assert states["alpha"] == ("due", "breaker") and states["beta"][0] in ("accepted", "skipped")


@pytest.mark.parametrize(("people", "complaints", "opens"), [(210, 1, True), (340, 1, False), (190, 5, False)])
def test_the_breaker_opens_on_the_share_of_complaints_among_enough_emails(
    start: Start, people: int, complaints: int, opens: bool
) -> None:
    line = start(campaign())
    for number in range(people):
        line.add_contact(f"p{number}")
    line.pass_()
    for number in range(complaints):
        line.fact(f"p{number}", Kind.COMPLAINED, step="hello", suppresses=SuppressionReason.COMPLAINED)
    line.clock.forward(hours=1)
    line.add_contact("ada")
    line.pass_()
    assert line.states("ada") == [("hello", "due" if opens else "accepted")]


def test_the_values_of_sent_emails_are_forgotten_after_their_time(start: Start) -> None:
    line = start(campaign())
    line.add_contact()
    line.pass_()
    assert len(line.rows(kept_email)) == 1
    line.clock.forward(days=91)
    line.pass_()
    assert line.rows(kept_email) == []


def test_a_purchase_without_a_rate_holds_that_enrollment_until_a_rate_is_known(start: Start) -> None:
    goal = CAMPAIGN["goal"].replace("since: entry", "since: entry, total: {at_least: 30 EUR}")
    line = start(campaign(TWO, goal=goal))
    for who in ("ada", "bob"):
        line.add_contact(who)
    line.pass_()
    line.clock.forward(hours=1)
    line.buy("ada", "100", "USD")
    line.run(days=3)
    assert line.states("bob") == [("hello", "accepted"), ("second", "accepted")]
    assert line.states("ada") == [("hello", "accepted")] and line.enrollment("ada")["why"] == "no-rate"
    line.publish(project=PROJECT.replace("exchange: {", "exchange: {USD: 0.9, "))
    line.run(hours=1)
    assert line.reason("ada") == "goal" and line.contact("ada")["revenue"] == 9000
