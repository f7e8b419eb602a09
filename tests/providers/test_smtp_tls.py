"""SMTP against aiosmtpd: encryption, signing in, a server that hangs up when idle."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, Envelope, Session
from pydantic import SecretStr
from support.certificate import make_certificate

from nurture.providers.base import Accepted, Outcome, Unavailable
from nurture.providers.config import SmtpSettings
from nurture.providers.smtp import Smtp
from providers.sample import batch, outgoing

PASSWORD = "correct horse"


class Relay:
    """Keeps what it is given, byte for byte."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:
        self.contents.append(envelope.original_content or b"")
        return "250 2.0.0 taken"


def password_is_right(server: Server, session: Session, envelope: Envelope, kind: str, data: Any) -> Any:
    return AuthResult(success=data.login == b"shop" and data.password == PASSWORD.encode(), handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@contextmanager
def listening(certificate: Path | None = None, implicit: bool = False, **options: Any) -> Iterator[Any]:
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    if implicit:
        options["ssl_context"] = context
    elif context is not None:
        options.update(tls_context=context, authenticator=password_is_right)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(Relay(), "127.0.0.1", port, **options)
    controller.start()
    try:
        yield controller
    finally:
        controller.stop()


def send(controller: Controller, count: int = 2, **changes: Any) -> list[Outcome]:
    smtp = Smtp(SmtpSettings("127.0.0.1", controller.port, helo="test", **changes))
    outcomes = smtp.send(batch(count), monotonic() + 60)
    smtp.close()
    return outcomes


def test_a_relay_that_encrypts_and_knows_us_takes_the_emails_to_the_byte(certificate: Path) -> None:
    with listening(certificate) as relay:
        outcomes = send(relay, 3, user="shop", password=SecretStr(PASSWORD), ca_file=certificate)
    assert outcomes == [Accepted()] * 3
    assert relay.handler.contents == [message.email.as_bytes() for message in batch(3)]


def test_a_large_email_passes_through_encryption_whole(certificate: Path) -> None:
    message = outgoing(1, text="\r\n".join(["0123456789" * 7] * 60_000))
    with listening(certificate, data_size_limit=10_000_000) as relay:
        smtp = Smtp(SmtpSettings("127.0.0.1", relay.port, helo="test", ca_file=certificate))
        assert smtp.send([message], monotonic() + 60) == [Accepted()]
        smtp.close()
    assert relay.handler.contents == [message.email.as_bytes()]


def test_encryption_from_the_first_byte(certificate: Path) -> None:
    with listening(certificate, implicit=True) as relay:
        assert send(relay, tls="implicit", ca_file=certificate) == [Accepted()] * 2


def test_a_wrong_password_leaves_all_unbegun_and_is_shown_nowhere(certificate: Path) -> None:
    settings = {"user": "shop", "password": SecretStr("wrong battery"), "ca_file": certificate}
    with listening(certificate) as relay:
        outcomes = send(relay, **settings)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 2
    assert "refused our sign-in (535" in outcomes[0].detail
    assert "battery" not in repr(outcomes) + repr(SmtpSettings(**settings))
    assert relay.handler.contents == []


def test_a_relay_whose_certificate_nobody_vouches_for_gets_nothing(certificate: Path) -> None:
    with listening(certificate) as relay:
        outcomes = send(relay)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 2
    assert "ca_file" in outcomes[0].detail
    assert relay.handler.contents == []


def test_a_relay_that_cannot_encrypt_gets_nothing_when_encryption_is_asked_for() -> None:
    with listening() as relay:
        outcomes = send(relay)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 2
    assert "STARTTLS" in outcomes[0].detail
    assert relay.handler.contents == []


def test_a_relay_that_hung_up_while_idle_is_called_again() -> None:
    with listening(timeout=0.5) as relay:
        smtp = Smtp(SmtpSettings("127.0.0.1", relay.port, "none", helo="test"))
        assert smtp.send(batch(2), monotonic() + 60) == [Accepted()] * 2
        time.sleep(1.2)
        assert smtp.send(batch(2), monotonic() + 60) == [Accepted()] * 2
        smtp.close()
    assert len(relay.handler.contents) == 4
