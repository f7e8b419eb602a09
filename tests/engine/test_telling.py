"""Other programs are told what happens: from rows written with it, at least once, and never in the campaign's way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fakes.webhook_server import Program
from support.line import PROJECT, Line, campaign

from engine.conftest import Start
from nurture.actions.deliver import ATTEMPTS, Delivered, deliver, retry, waiting
from nurture.actions.record import record_consents
from nurture.actions.status import status
from nurture.core.event import Kind
from nurture.providers.webhook import WebhookCaller, new_secret, read_secrets

SECRET = new_secret()
STEPS = """
- {id: hello, send: hello}
- {id: tell, notify: {webhook: crm, about: warm-prospect}}
- {id: pause, wait: 30 days}
"""
ALL = "events: [sent, clicked, converted, stage_changed, unsubscribed]"


@pytest.fixture
def crm() -> Iterator[Program]:
    with Program(SECRET) as program:
        yield program


def hooked(crm: Program, more: str = "") -> str:
    return PROJECT + f"webhooks:\n  crm: {{url: '{crm.url}', allow_private: yes{more and ', ' + more}}}\n"


def delivered(line: Line) -> Delivered:
    webhook = line.program.project.webhooks["crm"]
    caller = WebhookCaller(webhook.url, read_secrets(SECRET, "X"), allow_private=webhook.allow_private)
    done = deliver(line.database, "crm", webhook, caller, line.clock)
    caller.close()
    return done


def test_a_step_tells_a_webhook_and_the_campaign_goes_on(start: Start, crm: Program) -> None:
    line = start(campaign(STEPS), project=hooked(crm))
    ada = line.add_contact()
    line.pass_()
    assert line.enrollment()["step"] == "pause"
    assert delivered(line) == Delivered(told=1)
    (heard,) = crm.heard
    assert heard["type"] == "notify"
    assert heard["data"] == {
        "contact_id": ada, "about": "warm-prospect", "campaign": "first", "step": "tell",
        "enrollment_id": line.enrollment()["id"],
    }  # fmt: skip
    assert delivered(line) == Delivered()


def test_no_address_is_told_unless_the_webhook_includes_it(start: Start, crm: Program) -> None:
    line = start(campaign(STEPS), project=hooked(crm))
    line.add_contact()
    line.pass_()
    delivered(line)
    line.publish(project=hooked(crm, "include: [address]"))
    line.add_contact("bea")
    line.pass_()
    delivered(line)
    assert b"@example.com" not in crm.raw[0]
    assert crm.heard[1]["data"]["address"] == "bea@example.com"


def test_the_held_out_are_told_of_to_nobody(start: Start, crm: Program) -> None:
    line = start(campaign(STEPS, holdout="99%"), project=hooked(crm))
    for number in range(30):
        line.add_contact(f"one{number}")
    line.run(days=1)
    emailed = len(line.enrollments(arm="emailed"))
    assert len(line.enrollments(arm="holdout", step="pause")) == 30 - emailed > 0
    assert delivered(line) == Delivered(told=emailed)


def test_subscribers_hear_what_happens_once_each(start: Start, crm: Program) -> None:
    line = start(campaign(STEPS), project=hooked(crm, ALL))
    line.add_contact()
    line.pass_()
    line.clock.forward(hours=1)
    line.click("ada", "hello", key="c", at=line.clock())
    line.click("ada", "hello", key="c", at=line.clock())
    line.click("ada", "hello", key="m", machine="agent")
    line.clock.forward(hours=1)
    line.buy("ada", "20", order="order-7")
    line.unsubscribe("ada")
    delivered(line)
    told = sorted((one["type"], one["data"].get("new") or one["data"].get("step")) for one in crm.heard)
    assert told == [
        ("clicked", "hello"), ("converted", None), ("notify", "tell"), ("sent", "hello"),
        ("stage_changed", "customer"), ("stage_changed", "prospect"), ("unsubscribed", None),
    ]  # fmt: skip
    (converted,) = (one["data"] for one in crm.heard if one["type"] == "converted")
    assert converted["order_id"] == "order-7"
    assert len(set(crm.ids)) == len(crm.ids)


def test_who_subscribes_to_nothing_hears_of_nothing(start: Start, crm: Program) -> None:
    line = start(campaign(), project=hooked(crm))
    line.add_contact()
    line.pass_()
    line.click("ada", "hello")
    line.buy("ada")
    assert delivered(line) == Delivered()


def test_a_withdrawal_on_the_preference_page_is_heard_of(start: Start, crm: Program) -> None:
    line = start(campaign(), project=hooked(crm, "events: [unsubscribed]"))
    ada = line.add_contact()
    record_consents(line.database, ada, {"offers": False}, "preference page", line.clock(), line.program)
    delivered(line)
    assert [one["data"] for one in crm.heard] == [{"contact_id": ada, "topic": "offers"}]


def test_a_lost_answer_to_an_email_that_arrived_all_the_same_is_heard_of_as_sent(start: Start, crm: Program) -> None:
    from nurture.providers.base import Unknown

    line = start(campaign(), project=hooked(crm, "events: [sent]"))
    line.provider.answer = lambda _: Unknown("lost")
    line.add_contact()
    line.pass_()
    assert delivered(line) == Delivered()
    line.fact("ada", Kind.DELIVERED, step="hello")
    assert delivered(line) == Delivered(told=1)


def test_a_webhook_that_fails_is_tried_again_later_and_at_last_parked(start: Start, crm: Program) -> None:
    line = start(campaign(STEPS), project=hooked(crm))
    line.add_contact()
    line.pass_()
    crm.answer = lambda: (500, {})
    assert delivered(line) == Delivered(failed=1)
    assert delivered(line) == Delivered()
    for _ in range(ATTEMPTS * 2):
        line.clock.forward(hours=5)
        delivered(line)
    assert len(crm.heard) == ATTEMPTS
    assert len(set(crm.ids)) == 1
    assert (waiting(line.database)["crm"].parked, waiting(line.database)["crm"].answer) == (1, "500")
    assert any("nurture webhooks retry crm" in need for need in status(line.database, line.program, line.clock()).needs)
    crm.answer = lambda: (200, {})
    assert retry(line.database, "crm", line.clock()) == 1
    assert delivered(line) == Delivered(told=1)
    assert waiting(line.database) == {}


def test_a_call_whose_settlement_was_lost_is_repeated_under_the_same_id(start: Start, crm: Program) -> None:
    from nurture.store.telling import claim_notices

    line = start(campaign(STEPS), project=hooked(crm))
    line.add_contact()
    line.pass_()
    with line.database.write() as connection:
        until = line.clock() + timedelta(minutes=10)
        (lost,) = claim_notices(connection, "crm", line.clock(), until, 10)
    assert delivered(line) == Delivered()
    line.clock.forward(minutes=11)
    assert delivered(line) == Delivered(told=1)
    assert crm.ids == [f"msg_{lost.id}"]
