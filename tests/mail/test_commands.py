"""The mailbox in the commands and the service: reading it, and saying whether that works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.imap_server import ImapServer
from web.ground import SENT, Ground, ground

from mail.samples import bounce, reply
from nurture.cli.entry import run
from nurture.mailroom import Mailroom
from nurture.service import MAIL_EVERY, Service

Said = pytest.CaptureFixture[str]


@pytest.fixture
def here(migrated_sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    monkeypatch.setenv("NURTURE_DATABASE", migrated_sqlite_url)
    with ground(tmp_path / "shop", migrated_sqlite_url) as opened:
        yield opened


def name_mailbox(here: Ground, box: Path, text: str = "replies: {maildir: mail}\n") -> None:
    """Write a mailbox into the project's file."""
    for name in ("new", "cur"):
        (box / name).mkdir(parents=True, exist_ok=True)
    path = here.opened.directory / "nurture.yaml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def told(here: Ground, said: Said, *words: str, code: int = 0) -> Any:
    said.readouterr()
    assert run(["--project", str(here.opened.directory), *words, "--json"]) == code
    return json.loads(said.readouterr().out)


def ours(here: Ground) -> str:
    return here.people["ada"][1]


def test_mail_is_read_when_asked_for(here: Ground, capsys: Said) -> None:
    box = here.opened.directory / "mail"
    name_mailbox(here, box)
    (box / "new" / "1").write_bytes(reply(ours=ours(here)))
    (box / "new" / "2").write_bytes(b"garbage")
    assert told(here, capsys, "replies", "read", "--dry-run")["new"] == {"replied": 1}
    found = told(here, capsys, "replies", "read")
    assert (found["letters"], found["new"], list(found["aside"])) == (2, {"replied": 1}, ["2"])
    assert here.person()["last_replied_at"] == here.rows("event", kind="replied")[0]["occurred_at"]
    assert run(["--project", str(here.opened.directory), "replies", "read"]) == 0
    assert capsys.readouterr().out == "0 letters read\n"


def test_a_maildir_can_be_read_that_the_project_does_not_name(here: Ground, tmp_path: Path, capsys: Said) -> None:
    for name in ("new", "cur"):
        (tmp_path / "old" / name).mkdir(parents=True)
    (tmp_path / "old" / "new" / "1").write_bytes(bounce(ours=ours(here)))
    found = told(here, capsys, "replies", "read", "--maildir", str(tmp_path / "old"))
    assert found["new"] == {"bounced (hard)": 1}
    assert run(["--project", str(here.opened.directory), "replies", "read"]) == 1
    assert "names no mailbox" in capsys.readouterr().err


def test_a_pass_reads_the_mail_and_status_says_when(here: Ground, capsys: Said) -> None:
    box = here.opened.directory / "mail"
    name_mailbox(here, box)
    (box / "new" / "1").write_bytes(reply(ours=ours(here)))
    told(here, capsys, "run", "--once")
    assert here.person()["last_replied_at"]
    assert told(here, capsys, "status")["mail"]["read_at"]


def test_what_prevents_reading_is_told_and_holds_up_nothing_else(here: Ground, capsys: Said) -> None:
    name_mailbox(here, here.opened.directory / "mail", "replies: {maildir: nowhere}\n")
    assert "decided" in told(here, capsys, "run", "--once")
    found = told(here, capsys, "status", code=4)
    assert "nowhere is no Maildir" in found["mail"]["trouble"]
    assert any(need.startswith("mail is not read: ") for need in found["needs"])
    checks = {one["what"]: one for one in told(here, capsys, "doctor", code=1)["checks"]}
    assert checks["replies"]["level"] == "bad"


def test_doctor_asks_the_server_and_reads_nothing(here: Ground, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    with ImapServer() as server:
        server.inbox.add(reply(), SENT)
        imap = f"replies: {{imap: {{host: 127.0.0.1, port: {server.port}, user: care, tls: none}}}}\n"
        name_mailbox(here, here.opened.directory / "mail", imap)
        checks = {one["what"]: one for one in told(here, capsys, "doctor", code=1)["checks"]}
        assert "NURTURE_IMAP_PASSWORD is not set" in checks["replies"]["text"]
        monkeypatch.setenv("NURTURE_IMAP_PASSWORD", "open sesame")
        checks = {one["what"]: one for one in told(here, capsys, "doctor")["checks"]}
        assert (checks["replies"]["level"], server.commands[-1]) == ("ok", "LOGOUT")
        assert not any("FETCH" in command for command in server.commands)
        assert told(here, capsys, "replies", "read")["letters"] == 1


def test_the_service_reads_the_mail_every_minute(here: Ground) -> None:
    assert MAIL_EVERY == 60
    box = here.opened.directory / "mail"
    name_mailbox(here, box)
    service = Service(here.opened)
    (box / "new" / "1").write_bytes(reply(ours=ours(here)))
    service.read_mail()
    assert here.person()["last_replied_at"]


def test_a_mailbox_in_trouble_is_told_of_once(here: Ground, caplog: pytest.LogCaptureFixture) -> None:
    name_mailbox(here, here.opened.directory / "mail", "replies: {maildir: nowhere}\n")
    program = Service(here.opened).queries.program
    mailroom = Mailroom(here.opened)
    mailroom.read(program)
    mailroom.read(program)
    assert [record.getMessage().split(" ")[0] for record in caplog.records if record.name == "nurture.mailroom"] == [
        "action=mail.trouble"
    ]
