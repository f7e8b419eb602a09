"""SMTP against a server that keeps to a script: every verb refused, broken off, or answered with nonsense."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic

import pytest
from emails.parts import ENVELOPE, made
from fakes.smtp_script import CLOSE, LATE, RESET, STALL, TAKE_AND_CLOSE, ScriptedSmtp
from pydantic import SecretStr

from nurture.core.email import Mailbox, Outgoing
from nurture.core.errors import ConfigError
from nurture.core.event import BounceClass
from nurture.providers.base import Accepted, Outcome, Rejected, Unavailable, Unknown
from nurture.providers.config import SmtpSettings
from nurture.providers.smtp import Smtp
from providers.sample import SampleEmail, batch, message_id, outgoing

PLAIN = ("SIZE 1000000", "8BITMIME")
PIPELINED = ("PIPELINING", *PLAIN)
BOTH = pytest.mark.parametrize("extensions", [PIPELINED, PLAIN], ids=["pipelined", "step-by-step"])


def relay(server: ScriptedSmtp, **changes: object) -> Smtp:
    usual = {"host": "127.0.0.1", "port": server.port, "tls": "none", "helo": "test"}
    return Smtp(SmtpSettings(**{**usual, **changes}))


def send(server: ScriptedSmtp, count: int = 3, **changes: object) -> list[Outcome]:
    smtp = relay(server, **changes)
    outcomes = smtp.send(batch(count), monotonic() + 60)
    smtp.close()
    return outcomes


def patience(end: str) -> dict[str, float]:
    """Little of it with a server that will say nothing, the usual otherwise."""
    return {"timeout": 0.6, "dot_timeout": 0.6} if end == STALL else {}


def kinds(outcomes: list[Outcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


@BOTH
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(("reply", "expected"), [("451 4.3.0 no", Unavailable), ("550 5.1.1 no", Rejected)])
def test_a_refusal_at_any_verb_concerns_its_message_alone(
    extensions: tuple[str, ...], verb: str, reply: str, expected: type
) -> None:
    with ScriptedSmtp({verb: {2: reply}}, extensions) as server:
        outcomes = send(server)
    assert kinds(outcomes) == [Accepted, expected, Accepted]
    assert reply in str(outcomes[1])
    assert [taken.rcpt for taken in server.taken] == ["RCPT TO:<ada@example.com>"] * 2
    assert server.connections == 1


@BOTH
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("end", [CLOSE, RESET, STALL, "421 4.4.2 closing", "250 out of turn"])
def test_a_connection_lost_before_the_data_is_made_again_and_nothing_is_doubled(
    extensions: tuple[str, ...], verb: str, end: str
) -> None:
    if end.startswith("250") and verb != "DATA":
        end = "354 out of turn"
    with ScriptedSmtp({verb: {2: end}}, extensions) as server:
        outcomes = send(server, **patience(end))
    assert kinds(outcomes) == [Accepted] * 3
    assert [taken.connection for taken in server.taken] == [1, 2, 2]


@BOTH
@pytest.mark.parametrize(
    ("end", "count"),
    [(CLOSE, 2), (RESET, 2), (STALL, 2), (TAKE_AND_CLOSE, 3), ("what is this", 2), ("199 x", 2)],
)
def test_an_answer_lost_after_the_data_is_unknown_and_the_others_go_on(
    extensions: tuple[str, ...], end: str, count: int
) -> None:
    with ScriptedSmtp({"DOT": {2: end}}, extensions) as server:
        outcomes = send(server, **patience(end))
    assert kinds(outcomes) == [Accepted, Unknown, Accepted]
    assert len(server.taken) == count


@BOTH
@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_a_connection_lost_amid_the_data_is_unknown(extensions: tuple[str, ...], end: str) -> None:
    with ScriptedSmtp({"BODY": {1: end}}, extensions) as server:
        smtp = relay(server)
        outcomes = smtp.send([outgoing(1, text="x" * 20_000_000), outgoing(2)], monotonic() + 60)
        smtp.close()
    assert kinds(outcomes) == [Unknown, Accepted]


@BOTH
def test_a_message_that_breaks_every_connection_stands_back(extensions: tuple[str, ...]) -> None:
    with ScriptedSmtp({"MAIL": {2: CLOSE, 3: CLOSE}}, extensions) as server:
        outcomes = send(server)
    assert kinds(outcomes) == [Accepted, Unavailable, Accepted]
    assert server.connections == 3


def test_a_relay_that_drops_every_connection_is_left_in_peace() -> None:
    with ScriptedSmtp({"MAIL": dict.fromkeys(range(1, 99), CLOSE)}) as server:
        outcomes = send(server, 10)
    assert kinds(outcomes) == [Unavailable] * 10
    assert server.connections == 2


def test_a_relay_that_loses_every_answer_leaves_few_in_doubt() -> None:
    with ScriptedSmtp({"DOT": dict.fromkeys(range(1, 99), CLOSE)}) as server:
        outcomes = send(server, 10)
    assert kinds(outcomes) == [Unknown] * 2 + [Unavailable] * 8


@pytest.mark.parametrize("greeting", [CLOSE, STALL, "421 too busy", "554 go away", "hello"])
def test_a_relay_that_does_not_greet_leaves_all_unbegun(greeting: str) -> None:
    with ScriptedSmtp({"CONNECT": {1: greeting}}) as server:
        outcomes = send(server, **patience(greeting))
    assert kinds(outcomes) == [Unavailable] * 3
    assert f"127.0.0.1:{server.port}" in outcomes[0].detail


def test_a_relay_that_is_not_there_leaves_all_unbegun() -> None:
    with ScriptedSmtp() as server:
        pass
    assert kinds(send(server)) == [Unavailable] * 3


def test_a_message_costs_one_turn_where_the_relay_pipelines() -> None:
    with ScriptedSmtp(extensions=PIPELINED, patient=True) as server:
        outcomes = send(server)
    assert kinds(outcomes) == [Accepted] * 3
    # The first envelope comes whole; each other one comes whole behind the data before it.
    assert server.ahead == 2 * 3 + 2


def test_nothing_is_sent_ahead_where_the_relay_does_not_pipeline() -> None:
    with ScriptedSmtp(extensions=PLAIN) as server:
        assert kinds(send(server)) == [Accepted] * 3
    assert server.ahead == 0


def test_data_asked_for_after_the_recipient_was_refused_is_not_given() -> None:
    plan = {"RCPT": {1: "550 5.1.1 no"}, "DATA": {1: "354 go on"}, "DOT": {1: "554 5.5.1 nobody"}}
    with ScriptedSmtp(plan, PIPELINED) as server:
        outcomes = send(server, 2)
    assert kinds(outcomes) == [Rejected, Accepted]
    assert outcomes[0] == Rejected("550 5.1.1 no", BounceClass.HARD)
    assert [taken.data for taken in server.taken] == [outgoing(2).email.as_bytes()]


def test_a_refused_envelope_is_reset_before_the_next() -> None:
    with ScriptedSmtp({"RCPT": {1: "550 5.1.1 no"}, "DATA": {1: "503 5.5.1 nobody"}}, PIPELINED) as server:
        assert kinds(send(server, 3)) == [Rejected, Accepted, Accepted]
    assert server.commands.count("RSET") == 1


@pytest.mark.parametrize("end", [CLOSE, RESET, "421 4.4.2 idle too long"])
def test_a_connection_that_died_between_batches_is_made_again(end: str) -> None:
    with ScriptedSmtp({"MAIL": {2: end}}) as server:
        smtp = relay(server)
        assert kinds(smtp.send(batch(1), monotonic() + 60)) == [Accepted]
        assert kinds(smtp.send(batch(2), monotonic() + 60)) == [Accepted, Accepted]
        smtp.close()
    assert [taken.connection for taken in server.taken] == [1, 2, 2]


def test_the_connection_is_kept_between_batches_and_parted_from_politely() -> None:
    with ScriptedSmtp() as server:
        smtp = relay(server)
        for _ in range(3):
            smtp.send(batch(2), monotonic() + 60)
        smtp.close()
    assert server.connections == 1
    assert server.commands[-1] == "QUIT"


@BOTH
def test_a_connection_carries_no_more_than_it_may(extensions: tuple[str, ...]) -> None:
    with ScriptedSmtp(extensions=extensions) as server:
        outcomes = send(server, 5, max_per_connection=2)
    assert kinds(outcomes) == [Accepted] * 5
    assert [taken.connection for taken in server.taken] == [1, 1, 2, 2, 3]
    verbs = [command[:4] for command in server.commands]
    assert (verbs.count("MAIL"), verbs.count("QUIT")) == (5, 3)


@dataclass(frozen=True)
class SlowEmail(SampleEmail):
    """An email that is ready only after `ready`, an instant of `time.monotonic()`."""

    ready: float = 0.0

    def as_bytes(self) -> bytes:
        while monotonic() <= self.ready:
            time.sleep(0.05)
        return super().as_bytes()


@BOTH
def test_a_message_that_is_not_ready_in_time_is_not_begun(extensions: tuple[str, ...]) -> None:
    deadline = monotonic() + 1
    slow = Outgoing(message_id(2), "c2", "welcome", "first", SlowEmail(ready=deadline))
    with ScriptedSmtp(extensions=extensions) as server:
        smtp = relay(server)
        outcomes = smtp.send([outgoing(1), slow, outgoing(3)], deadline)
        assert kinds(outcomes) == [Accepted, Unavailable, Unavailable]
        assert kinds(smtp.send(batch(1), monotonic() + 60)) == [Accepted]
        smtp.close()
    assert len(server.taken) == 2


@BOTH
def test_an_answer_that_comes_after_the_deadline_counts_and_nothing_more_is_begun(extensions: tuple[str, ...]) -> None:
    with ScriptedSmtp({"DOT": {1: LATE + "250 ok"}}, extensions) as server:
        smtp = relay(server)
        outcomes = smtp.send(batch(3), monotonic() + 1)
        assert kinds(outcomes) == [Accepted, Unavailable, Unavailable]
        assert kinds(smtp.send([outgoing(9)], monotonic() + 60)) == [Accepted]
        smtp.close()
    assert [taken.data for taken in server.taken] == [outgoing(number).email.as_bytes() for number in (1, 9)]


def test_a_line_that_begins_with_a_dot_arrives_with_one_dot() -> None:
    with ScriptedSmtp() as server:
        smtp = relay(server)
        smtp.send([outgoing(1, text="one\r\n.two\r\n..three")], monotonic() + 60)
        smtp.close()
    assert b"one\r\n..two\r\n...three\r\n" in server.taken[0].data


def test_what_arrives_is_the_email_to_the_byte() -> None:
    with ScriptedSmtp() as server:
        send(server, 1)
    assert server.taken[0].data == outgoing(1).email.as_bytes()
    size = len(outgoing(1).email.as_bytes())
    assert server.taken[0].mail == f"MAIL FROM:<hello@mail.acme.example> SIZE={size}"


def test_a_relay_that_reports_is_told_by_what_name_to_do_so() -> None:
    with ScriptedSmtp(extensions=("PIPELINING", "DSN")) as server:
        send(server, 1)
    assert server.taken[0].mail.endswith(f"> RET=HDRS ENVID={outgoing(1).message_id}")


def test_the_relays_own_id_is_kept_with_the_acceptance() -> None:
    with ScriptedSmtp({"DOT": {1: "250 2.0.0 Ok: queued as 4bX9Qz1"}}) as server:
        assert send(server, 1) == [Accepted("4bX9Qz1")]


def test_a_reply_of_several_lines_is_read_whole() -> None:
    with ScriptedSmtp({"RCPT": {1: "550-5.1.1 The account\r\n550 5.1.1 does not exist"}}) as server:
        outcomes = send(server, 2)
    assert outcomes[0] == Rejected("550 5.1.1 The account 5.1.1 does not exist", BounceClass.HARD)
    assert outcomes[1] == Accepted("Q1")


def test_a_reply_without_end_ends_the_connection() -> None:
    plan: Mapping[str, Mapping[int, str]] = {"RCPT": {1: "550-" + "x" * 200_000}}
    with ScriptedSmtp(plan) as server:
        assert kinds(send(server, 2)) == [Unavailable, Accepted]


def test_the_bounce_address_names_the_message() -> None:
    with ScriptedSmtp() as server:
        send(server, 1, bounce_address="bounces+{id}@mail.acme.example")
    assert server.taken[0].mail.startswith(f"MAIL FROM:<bounces+{message_id(1)}@mail.acme.example>")


def test_a_sign_in_demanded_late_rejects_no_message() -> None:
    with ScriptedSmtp({"MAIL": {1: "530 5.7.0 Authentication required"}}) as server:
        assert kinds(send(server, 1)) == [Unavailable]


def test_a_filled_email_to_an_international_address_arrives() -> None:
    envelope = replace(ENVELOPE, recipient=Mailbox("Işıl", "ışıl@example.com"))
    message = Outgoing(message_id(1), "c1", "a", "b", made("Hello", envelope=envelope))
    with ScriptedSmtp(extensions=("8BITMIME", "SMTPUTF8")) as server:
        smtp = relay(server)
        outcomes = smtp.send([message], monotonic() + 60)
        smtp.close()
    assert kinds(outcomes) == [Accepted]
    assert "<ışıl@example.com>".encode() in server.taken[0].data


def test_an_international_address_travels_where_the_relay_can() -> None:
    message = outgoing(1, to="josé@example.com")
    with ScriptedSmtp(extensions=("PIPELINING", "8BITMIME", "SMTPUTF8")) as server:
        smtp = relay(server)
        outcomes = smtp.send([message], monotonic() + 60)
        smtp.close()
    assert kinds(outcomes) == [Accepted]
    assert server.taken[0].mail == "MAIL FROM:<hello@mail.acme.example> BODY=8BITMIME SMTPUTF8"
    assert server.taken[0].rcpt == "RCPT TO:<josé@example.com>"


@BOTH
def test_an_international_address_is_refused_where_the_relay_cannot(extensions: tuple[str, ...]) -> None:
    messages = [outgoing(1), outgoing(2, to="josé@example.com"), outgoing(3)]
    with ScriptedSmtp(extensions=extensions) as server:
        smtp = relay(server)
        outcomes = smtp.send(messages, monotonic() + 60)
        smtp.close()
    assert kinds(outcomes) == [Accepted, Rejected, Accepted]
    assert "SMTPUTF8" in outcomes[1].detail
    assert outcomes[1].bounce is BounceClass.CONTENT


@pytest.mark.parametrize("to", ["a@x.co>\r\nRCPT TO:<b@x.co", "a b@x.co", "a@x.co> NOTIFY=NEVER", '"a\r\nb"@x.co'])
def test_an_address_cannot_speak_smtp(to: str) -> None:
    with ScriptedSmtp() as server:
        smtp = relay(server)
        outcomes = smtp.send([outgoing(1, to=to)], monotonic() + 60)
        smtp.close()
    assert kinds(outcomes) == [Rejected]
    assert server.taken == []


def test_a_quoted_local_part_may_hold_a_space() -> None:
    with ScriptedSmtp() as server:
        smtp = relay(server)
        assert kinds(smtp.send([outgoing(1, to='"a b"@x.co')], monotonic() + 60)) == [Accepted]
        smtp.close()


def test_a_password_is_not_sent_in_the_clear_across_a_network() -> None:
    with pytest.raises(ConfigError, match="unencrypted to relay"):
        SmtpSettings("relay.example", tls="none", user="u", password=SecretStr("p"))


def test_a_user_without_a_password_is_refused() -> None:
    with pytest.raises(ConfigError, match="go together"):
        SmtpSettings("relay.example", user="u")
