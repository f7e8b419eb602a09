"""Emails a second: filled, and handed over by SMTP to a sink on this machine; beside the plain ways."""

from __future__ import annotations

import shutil
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from emails.plain import Plain
from measure import Figure, Sizes, note, seconds
from support.line import MONDAY, PROJECT, Line, open_line

from nurture.actions.advance import advance
from nurture.actions.enroll import enroll
from nurture.actions.values import template_values
from nurture.core.email import Mailbox
from nurture.core.ids import derived_id
from nurture.emails.fill import Envelope
from nurture.store.database import insert_all
from nurture.store.tables import consent, contact, contact_address, contact_mark

ROOT = Path(__file__).parent.parent.parent
PROCESSES = 2
"""As many on one database as this machine has cores for."""

THREADS = 2
"""One talks while the other fills. The service has four, for relays that are further away."""

HOUR = MONDAY + timedelta(hours=3)
KEY = b"k" * 32
IN_FLIGHT = 100
"""What one call may leave in doubt; the default is a third of it, and a commit to disk is shared by as many."""
HOSTS = "/usr/sbin/smtp-sink", "/usr/bin/smtp-sink"


def shipped() -> dict[str, str]:
    """The shipped templates, so that emails of a real size are measured."""
    folder = ROOT / "templates" / "emails"
    return {str(path.relative_to(folder).with_suffix("")): path.read_text() for path in folder.rglob("*.html")}


CAMPAIGN = (ROOT / "campaigns" / "wake-up.yaml").read_text()


def people(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "id": derived_id("bench", number), "address": f"p{number}@example.com", "first_name": f"Ada {number}",
            "last_name": "Lovelace", "locale": "en", "timezone": "UTC", "country": "DE", "source": "newsletter",
            "signed_up_at": MONDAY - timedelta(days=200), "known_at": MONDAY - timedelta(days=200),
            "created_at": MONDAY, "tracked": True, "attributes": {}, "stage": "inactive", "stage_since": MONDAY,
            "silent_since": MONDAY - timedelta(days=200), "unanswered": 0, "facts_until": MONDAY,
            "received_count": 0, "purchase_count": 0, "revenue": 0,
        }  # fmt: skip


def open_shop(folder: Path, count: int) -> Line:
    """A line whose contacts all match the wake-up campaign."""
    project = PROJECT + "legal: {trade_title: Acme Ltd, mersis: '0123456789012345'}\n"
    project += f"sending: {{in_flight: {IN_FLIGHT}}}\n"
    text = CAMPAIGN.replace("look: daily at 10:53", "look: at once").replace("holdout: 10%", "holdout: 0%")
    line = open_line(f"sqlite:///{folder / 'line.db'}", {"wake-up": text}, project=project, templates=shipped())
    line.clock.at = HOUR
    rows = list(people(count))
    with line.database.write() as connection:
        insert_all(connection, contact, rows)
        keys = [{"address_key": row["address"], "contact_id": row["id"]} for row in rows]
        insert_all(connection, contact_address, keys)
        insert_all(connection, consent, [
            {"contact_id": row["id"], "topic": "offers", "given": True, "source": "form", "occurred_at": MONDAY,
             "recorded_at": MONDAY} for row in rows
        ])  # fmt: skip
        insert_all(connection, contact_mark, [{"contact_id": row["id"], "marked_at": MONDAY} for row in rows])
    return line


def render(sizes: Sizes) -> list[Figure]:
    """Filling an email and making its MIME, beside whole Jinja2 rendering and `EmailMessage`."""
    with TemporaryDirectory(prefix="nurture-bench-") as folder:
        line = open_shop(Path(folder), 1)
        digest = line.queries.release.email("wake-up", "miss-you", "en")
        filler, plain = line.emails.filler(digest), Plain(line.emails.compiled(digest), line.emails.signer)
        campaign = line.program.courses["wake-up"].campaign
        rows = list(people(2000))
        line.database.close()

    def both(row: dict[str, Any]) -> tuple[dict[str, Any], Envelope]:
        to = Mailbox(row["first_name"], row["address"])
        envelope = Envelope(row["id"], row["id"], to, MONDAY, tracked=True, kid=line.emails.signer.kid)
        return template_values(campaign, row, None, "UTC"), envelope

    asked = [both(row) for row in rows]

    def filled(count: int) -> None:
        for number in range(count):
            values, envelope = asked[number % len(asked)]
            filler.email(filler.render(values), envelope).as_bytes()

    def plainly(count: int) -> None:
        for number in range(count):
            plain.message(*asked[number % len(asked)]).as_bytes()

    few = max(200, sizes.rendered // 20)
    filled(500)
    plainly(20)
    fast = max(sizes.rendered / seconds(lambda: filled(sizes.rendered)) for _ in range(3))
    slow = max(few / seconds(lambda: plainly(few)) for _ in range(2))
    size = len(filler.email(filler.render(asked[0][0]), asked[0][1]).as_bytes())
    return [Figure(f"filling an email and its MIME ({size:,} bytes)", fast, "/s", slow, "Jinja2 + EmailMessage",
                   fast / slow, target=10)]  # fmt: skip


@contextmanager
def sink() -> Iterator[tuple[int, str]]:
    """The port of something that takes mail and forgets it, and what it is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = shutil.which("smtp-sink") or next((path for path in HOSTS if Path(path).exists()), None)
    if program:
        user = ["-u", "nobody"] if _is_root() else []
        command, name = [program, *user, f"inet:127.0.0.1:{port}", "1024"], "smtp-sink"
    else:
        command, name = [sys.executable, str(Path(__file__).parent / "fallback_sink.py"), str(port)], "a sink in Python"
        note("Debian's postfix brings smtp-sink; without it a sink in Python takes the mail and costs a core")
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        yield port, name
    finally:
        process.terminate()
        process.wait(10)


def _is_root() -> bool:
    import os

    return os.geteuid() == 0


def _wait(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the sink does not listen")


def smtp(sizes: Sizes) -> list[Figure]:
    """Due messages through claim, SMTP and settlement, beside a loop that renders and calls smtplib."""
    with TemporaryDirectory(prefix="nurture-bench-") as folder, sink() as (port, name):
        line = open_shop(Path(folder), sizes.sent)
        now = line.clock()
        while enroll(line.database, line.queries, now) + advance(line.database, line.queries, now):
            pass
        slow = _plain_loop(line, port, max(300, sizes.sent // 20))
        taken = _send_all(line, port)
        sent = len(line.messages(state="accepted"))
        line.database.close()
        if sent != sizes.sent:
            raise AssertionError(f"{sent} of {sizes.sent} were accepted")
    fast = sent / taken
    title = f"messages end to end through SMTP to {name}, {IN_FLIGHT} a call, {PROCESSES} × {THREADS} senders"
    return [Figure(title, fast, "/s", slow, "render + smtplib in a loop",
                   fast / slow, target=8)]  # fmt: skip


def _send_all(line: Line, port: int) -> float:
    """Seconds that the processes take, from the word to begin until the last has ended."""
    command = [sys.executable, str(Path(__file__).parent / "sender.py"), str(line.database.url), str(port)]
    senders = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)
    ]
    for sender in senders:
        assert sender.stdout and sender.stdout.readline() == "ready\n"
    begin = time.perf_counter()
    for sender in senders:
        assert sender.stdin
        print(file=sender.stdin, flush=True)
    if any(sender.wait() for sender in senders):
        raise AssertionError("a sender failed")
    return time.perf_counter() - begin


def _plain_loop(line: Line, port: int, count: int) -> float:
    digest = line.queries.release.email("wake-up", "miss-you", "en")
    plain = Plain(line.emails.compiled(digest), line.emails.signer)
    campaign = line.program.courses["wake-up"].campaign
    rows = list(people(count))

    def loop() -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="bench.example") as server:
            for row in rows:
                to = Mailbox(row["first_name"], row["address"])
                envelope = Envelope(row["id"], row["id"], to, MONDAY, tracked=True, kid=line.emails.signer.kid)
                message = plain.message(template_values(campaign, row, None, "UTC"), envelope)
                server.sendmail("hello@mail.acme.example", [row["address"]], message.as_bytes())

    return count / seconds(loop)
