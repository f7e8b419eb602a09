"""Mail on an IMAP server is looked at and left as it is; how far it was read stands in the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.imap_server import ImapServer
from pydantic import SecretStr, ValidationError
from support.certificate import make_certificate
from support.line import MONDAY, Line, campaign

from mail.conftest import Start
from mail.samples import GMAIL_REPLY, bounce, mail, reply
from nurture.actions.hear import Heard, hear
from nurture.core.errors import ConfigError
from nurture.core.replies import Imap, Replies
from nurture.providers.imap import ImapBox
from nurture.store.tables import event

AT = MONDAY + timedelta(minutes=40)


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer() as running:
        yield running


def at(server: ImapServer, **more: Any) -> ImapBox:
    settings = {"host": "127.0.0.1", "port": server.port, "user": "care", "tls": "none", **more}
    return ImapBox(Imap.model_validate(settings), SecretStr("open sesame"))


def read(line: Line, server: ImapServer, **more: Any) -> Heard:
    with closing(at(server)) as box:
        return hear(line.database, line.program, box, line.clock, **more)


def sent(start: Start) -> tuple[Line, str]:
    """A line whose Ada was sent an email an hour ago; and the id of that."""
    line = start(campaign())
    line.add_contact()
    line.pass_()
    line.clock.forward(hours=1)
    return line, str(line.message("ada", "hello")["id"])


@pytest.mark.parametrize("uid_last", [False, True])
def test_an_answer_is_heard_and_nothing_in_the_folder_is_changed(
    start: Start, server: ImapServer, uid_last: bool
) -> None:
    line, ours = sent(start)
    server.uid_last = uid_last
    server.inbox.add(mail(GMAIL_REPLY, ours), AT)
    server.inbox.add(bounce(ours=ours), AT)
    assert read(line, server).new == {"replied": 1, "bounced (hard)": 1}
    assert line.contact()["last_replied_at"] == MONDAY + timedelta(minutes=30)
    assert {command.split(" ")[0] for command in server.commands} == {"CAPABILITY", "LOGIN", "EXAMINE", "UID", "LOGOUT"}
    assert all("PEEK" in command for command in server.commands if "BODY" in command)


def test_what_was_read_is_not_asked_for_again(start: Start, server: ImapServer) -> None:
    line, ours = sent(start)
    for number in range(60):
        server.inbox.add(reply(ours=ours, id=f"r{number}"), AT)
    assert read(line, server).new == {"replied": 60}
    server.commands.clear()
    assert read(line, server).letters == 0
    assert [command for command in server.commands if "BODY" in command] == []
    server.inbox.add(reply(ours=ours, id="later"), AT)
    assert (read(line, server).letters, len(line.rows(event, "ada", kind="replied"))) == (1, 61)


def test_an_end_between_two_batches_loses_none_and_doubles_none(start: Start, server: ImapServer) -> None:
    line, ours = sent(start)
    for number in range(70):
        server.inbox.add(reply(ours=ours, id=f"r{number}"), AT)
    assert read(line, server, stop=lambda: True).letters == 50
    assert read(line, server).letters == 20
    assert len(line.rows(event, "ada", kind="replied")) == 70


def test_a_folder_that_was_numbered_anew_is_read_again_and_counts_once(start: Start, server: ImapServer) -> None:
    line, ours = sent(start)
    server.inbox.add(reply(ours=ours), AT)
    read(line, server)
    server.inbox.renew()
    heard = read(line, server)
    assert (heard.letters, heard.known, heard.new) == (1, 1, {})


def test_a_message_that_is_deleted_or_no_mail_holds_up_nothing(start: Start, server: ImapServer) -> None:
    line, ours = sent(start)
    gone = server.inbox.add(b"", AT)
    server.inbox.add(b"", AT)
    server.inbox.add(b"\xff\xfe nothing", AT)
    server.inbox.add(reply(ours=ours), AT)
    del server.inbox.messages[gone]
    heard = read(line, server)
    assert (set(heard.aside), heard.new) == ({"2", "3"}, {"replied": 1})
    assert read(line, server).letters == 0


def test_an_empty_folder_is_fine(start: Start, server: ImapServer) -> None:
    line, _ = sent(start)
    assert read(line, server).letters == 0


def test_no_more_of_a_message_is_fetched_than_is_read(start: Start, server: ImapServer) -> None:
    line, ours = sent(start)
    server.inbox.add(reply(ours=ours) + b"x" * 2_000_000, AT)
    assert read(line, server).new == {"replied": 1}
    assert any("<0.262144>" in command for command in server.commands)


def test_a_dry_run_remembers_nothing(start: Start, server: ImapServer) -> None:
    line, ours = sent(start)
    server.inbox.add(reply(ours=ours), AT)
    assert read(line, server, dry_run=True).new == {"replied": 1}
    assert read(line, server).new == {"replied": 1}


def refused(box: ImapBox) -> str:
    with closing(box), pytest.raises(ConfigError) as error:
        list(box.batches(None))
    return str(error.value)


def test_what_is_wrong_is_said(server: ImapServer) -> None:
    wrong = ImapBox(Imap(host="127.0.0.1", port=server.port, user="care", tls="none"), SecretStr("wrong"))
    assert "wrong password" in refused(wrong)
    assert "no folder Answers" in refused(at(server, folder="Answers"))
    server.hang_up_at = "EXAMINE"
    assert "does not answer" in refused(at(server))
    with pytest.raises(ConfigError, match="NURTURE_IMAP_PASSWORD is not set"):
        ImapBox(Imap(host="127.0.0.1", user="care"), None)


def test_a_server_that_is_not_there_is_said(server: ImapServer) -> None:
    box = at(server, port=1)
    assert "127.0.0.1:1/INBOX does not answer" in refused(box)


@pytest.mark.parametrize("how", ["implicit", "starttls"])
def test_a_connection_is_secured_by_a_certificate_that_is_trusted(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    with ImapServer(certificate=certificate, implicit=how == "implicit") as server:
        server.inbox.add(reply(), AT)
        assert "certificate" in refused(at(server, tls=how)).lower()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with closing(at(server, tls=how)) as box:
            (batch,) = box.batches(None)
        assert batch.letters[0].raw == reply()
        assert batch.letters[0].received_at == AT


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"maildir": "a", "imap": {"host": "h", "user": "u"}},
        {"imap": {"host": "mail.example", "user": "u", "tls": "none"}},
        {"imap": {"host": "a b", "user": "u"}},
        {"imap": {"host": "h", "user": "u\r\nLOGOUT"}},
        {"imap": {"host": "h", "user": "u", "folder": "x\r\ny"}},
        {"imap": {"host": "h", "user": "u", "password": "no"}},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Replies.model_validate(wrong)


def test_ports_follow_from_how_the_connection_is_secured() -> None:
    assert Imap(host="h", user="u").reached_at == 993
    assert Imap(host="h", user="u", tls="starttls").reached_at == 143
    assert Imap(host="h", user="u", port=1993).reached_at == 1993
