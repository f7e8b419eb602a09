"""SendGrid against a server that keeps its documented limits and codes."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest
from fakes.sendgrid_server import Answer, FakeSendGrid, faults_of
from pydantic import SecretStr
from sendgrid.helpers.mail import (
    ClickTracking,
    Content,
    CustomArg,
    Email,
    Header,
    Mail,
    MailSettings,
    OpenTracking,
    ReplyTo,
    SandBoxMode,
    SubscriptionTracking,
    To,
    TrackingSettings,
)

from nurture.core.email import Mailbox
from nurture.core.errors import ConfigError
from nurture.core.event import BounceClass
from nurture.providers.base import Accepted, Outcome, Rejected, Unavailable, Unknown
from nurture.providers.config import SendGridSettings
from nurture.providers.sendgrid import SendGrid, payload
from providers.sample import batch, message_id, outgoing

LIST_HEADERS = (
    ("Message-ID", f"<{message_id(1)}@mail.acme.example>"),
    ("List-Unsubscribe", "<https://n.acme.example/u/" + "t" * 90 + ">"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("Feedback-ID", "welcome:first:acme:nurture"),
)


@pytest.fixture
def server() -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as server:
        yield server


def send(server: FakeSendGrid, count: int = 1, **changes: Any) -> list[Outcome]:
    settings = {"api_key": SecretStr(server.key), "base_url": server.url, **changes}
    provider = SendGrid(SendGridSettings(**settings))
    outcomes = provider.send(batch(count), monotonic() + 60)
    provider.close()
    return outcomes


@pytest.mark.parametrize("sandbox", [False, True])
def test_the_payload_is_the_one_the_package_builds(sandbox: bool) -> None:
    message = outgoing(1, headers=LIST_HEADERS)
    mail = Mail(
        from_email=Email("hello@mail.acme.example", "Acme Shop"),
        to_emails=To("ada@example.com", "Ada"),
        subject="Hello",
    )
    mail.add_content(Content("text/plain", "Hello Ada"))
    mail.add_content(Content("text/html", "<p>Hello Ada</p>"))
    mail.reply_to = ReplyTo("care@acme.example")
    for name, value in LIST_HEADERS:
        mail.add_header(Header(name, value))
    ids = {"message_id": message_id(1), "contact_id": "c1", "campaign": "welcome", "step": "first"}
    for name, value in ids.items():
        mail.add_custom_arg(CustomArg(name, value, p=0))
    mail.tracking_settings = TrackingSettings(
        ClickTracking(False, False), OpenTracking(False), SubscriptionTracking(False)
    )
    if sandbox:
        mail.mail_settings = MailSettings(sandbox_mode=SandBoxMode(True))
    assert payload(message, sandbox) == mail.get()


def test_plain_text_comes_first_and_an_empty_part_not_at_all() -> None:
    kinds = [part["type"] for part in payload(outgoing(1))["content"]]
    assert kinds == ["text/plain", "text/html"]
    assert [part["type"] for part in payload(outgoing(1, html=""))["content"]] == ["text/plain"]


@pytest.mark.parametrize(
    ("name", "expected"), [("Ay;şe, Yılmaz", "Ay şe Yılmaz"), ("A\r\nBcc: x", "A Bcc: x"), ("Ada", "Ada")]
)
def test_a_name_holds_nothing_that_sendgrid_refuses(name: str, expected: str) -> None:
    body = payload(outgoing(1, recipient=Mailbox(name, "ada@example.com")))
    assert body["personalizations"][0]["to"] == [{"email": "ada@example.com", "name": expected}]
    assert list(faults_of(body)) == []


def test_a_person_without_a_name_has_none() -> None:
    body = payload(outgoing(1, recipient=Mailbox(" ; ", "ada@example.com")))
    assert body["personalizations"][0]["to"] == [{"email": "ada@example.com"}]


@pytest.mark.parametrize("name", ["To", "subject", "Content-Type", "X-SG-ID", "DKIM-Signature"])
def test_headers_sendgrid_keeps_for_itself_are_left_out(name: str) -> None:
    body = payload(outgoing(1, headers=((name, "x"), ("List-Id", "<l.acme.example>"))))
    assert body["headers"] == {"List-Id": "<l.acme.example>"}


def test_the_account_takes_what_we_send_and_its_id_is_kept(server: FakeSendGrid) -> None:
    assert send(server) == [Accepted("sg1")]
    assert server.accepted[0]["personalizations"][0]["custom_args"]["message_id"] == message_id(1)
    assert server.accepted[0]["tracking_settings"]["click_tracking"] == {"enable": False, "enable_text": False}


def test_outcomes_keep_the_order_of_the_batch_while_many_are_in_flight(server: FakeSendGrid) -> None:
    def refuse_even(body: dict[str, Any], number: int) -> Answer | None:
        mine = int(body["personalizations"][0]["custom_args"]["message_id"], 16)
        return Answer(400, error="even") if mine % 2 == 0 else None

    server.answer = refuse_even
    outcomes = send(server, 20, in_flight=8)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Rejected] * 10


def test_sandbox_mode_is_accepted_and_takes_nothing(server: FakeSendGrid) -> None:
    assert send(server, sandbox=True) == [Accepted("sg1")]
    assert server.accepted == []


def test_a_200_outside_the_sandbox_is_no_acceptance(server: FakeSendGrid) -> None:
    server.answer = lambda body, number: Answer(200)
    assert isinstance(send(server)[0], Unknown)


@pytest.mark.parametrize("status", [400, 413])
def test_a_refused_request_rejects_its_message_with_the_words_of_the_account(server: FakeSendGrid, status: int) -> None:
    server.answer = lambda body, number: Answer(status, error="Bad html")
    assert send(server) == [Rejected(f"SendGrid answered {status}: Bad html (no field)", BounceClass.CONTENT)]


def test_a_wrong_key_rejects_no_message_and_is_shown_nowhere(
    server: FakeSendGrid, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcomes = send(server, 3, api_key=SecretStr("SG.secret"), in_flight=1)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert "refused the key" in outcomes[0].detail
    assert server.requests == 1
    assert "SG.secret" not in caplog.text + repr(outcomes) + repr(SendGridSettings(SecretStr("SG.secret")))


def test_too_many_requests_wait_until_the_account_says(server: FakeSendGrid) -> None:
    server.answer = lambda body, number: Answer(429, {"X-RateLimit-Reset": "1700000000"})
    (outcome,) = send(server)
    assert isinstance(outcome, Unavailable)
    assert outcome.retry_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("reset", ["soon", "9" * 30])
def test_a_limit_without_a_usable_time_still_waits(server: FakeSendGrid, reset: str) -> None:
    server.answer = lambda body, number: Answer(429, {"X-RateLimit-Reset": reset})
    assert [outcome.retry_at for outcome in send(server)] == [None]


def test_after_a_limit_the_rest_of_the_batch_is_not_begun(server: FakeSendGrid) -> None:
    server.answer = lambda body, number: Answer(429) if number == 2 else None
    outcomes = send(server, 5, in_flight=1)
    assert [type(outcome) for outcome in outcomes] == [Accepted] + [Unavailable] * 4
    assert server.requests == 2


@pytest.mark.parametrize("take", [True, False])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_says_nothing_about_the_message(server: FakeSendGrid, status: int, take: bool) -> None:
    server.answer = lambda body, number: Answer(status, take=take)
    (outcome,) = send(server)
    assert isinstance(outcome, Unknown)
    assert len(server.accepted) == take


@pytest.mark.parametrize("take", [True, False])
@pytest.mark.parametrize("how", ["close", "reset", "stall"])
def test_an_answer_that_never_comes_is_unknown(server: FakeSendGrid, how: str, take: bool) -> None:
    server.answer = lambda body, number: Answer(misbehave=how, take=take) if number == 2 else None
    outcomes = send(server, 3, in_flight=1, timeout=0.6 if how == "stall" else 30)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Unknown, Accepted]
    assert len(server.accepted) == 2 + take


def test_an_account_that_is_not_there_leaves_all_unbegun() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    provider = SendGrid(SendGridSettings(SecretStr("SG.x"), f"http://127.0.0.1:{port}"))
    outcomes = provider.send(batch(2), monotonic() + 60)
    provider.close()
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 2


def test_a_wrong_base_url_is_told_and_rejects_no_message(server: FakeSendGrid) -> None:
    (outcome,) = send(server, base_url=f"{server.url}/somewhere")
    assert isinstance(outcome, Unavailable)
    assert "look at base_url" in outcome.detail


@pytest.mark.parametrize(("status", "kind"), [(202, Accepted), (400, Rejected), (429, Unavailable)])
def test_a_status_holds_though_the_rest_of_the_answer_is_cut_off(server: FakeSendGrid, status: int, kind: type) -> None:
    server.answer = lambda body, number: Answer(status, misbehave="truncate")
    assert [type(outcome) for outcome in send(server)] == [kind]


@pytest.mark.parametrize("url", ["http://api.sendgrid.com", "api.sendgrid.com", "", "ftp://127.0.0.1"])
def test_the_key_travels_to_no_address_that_does_not_encrypt(url: str) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        SendGridSettings(SecretStr("SG.x"), url)


@pytest.mark.parametrize("key", ["", "SG.x\n", " SG.x", "SG.ü"])
def test_a_key_that_cannot_be_one_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(ConfigError, match="NURTURE_SENDGRID_API_KEY"):
        SendGridSettings(SecretStr(key))


def test_an_international_address_is_refused_before_it_is_asked(server: FakeSendGrid) -> None:
    provider = SendGrid(SendGridSettings(SecretStr(server.key), server.url))
    first, second = provider.send([outgoing(1, to="josé@example.com"), outgoing(2)], monotonic() + 60)
    provider.close()
    assert isinstance(first, Rejected)
    assert first.bounce is BounceClass.CONTENT
    assert "SMTPUTF8" in first.detail
    assert isinstance(second, Accepted)
    assert server.requests == 1
