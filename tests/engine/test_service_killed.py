"""The real service, killed with no warning in the middle of sending, and started again."""

from __future__ import annotations

import os
import re
import signal
import socketserver
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock, Thread

import pytest
from support.line import CAMPAIGN, NIGHTLY, PROJECT, Line, campaign, open_line, project_files

from nurture.actions.doctor import invariants

PEOPLE = 160
IN_FLIGHT = 8
SENDERS = 4
KEY = "00112233445566778899aabbccddeeff" * 2
SENDING = f"provider: smtp\nsending: {{in_flight: {IN_FLIGHT}}}\n"


class Ledger(socketserver.ThreadingTCPServer):
    """A relay in a process that is never killed: it writes down every message id it took, and takes its time."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.taken: Counter[str] = Counter()
        self.lock = Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Talk(socketserver.StreamRequestHandler):
    """One SMTP connection."""

    server: Ledger

    def handle(self) -> None:
        self._say("220 ledger")
        while line := self.rfile.readline():
            match line[:4].upper().strip():
                case b"DATA":
                    self._say("354 go on")
                    self._take()
                case b"QUIT":
                    self._say("221 bye")
                    return
                case b"EHLO":
                    self._say("250-ledger\r\n250-PIPELINING\r\n250 8BITMIME")
                case _:
                    self._say("250 ok")

    def _take(self) -> None:
        content = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            content += line
        if not line:
            return
        found = re.search(rb"(?im)^Message-ID: <([0-9a-f]{32})@", content)
        assert found
        time.sleep(0.004)
        with self.server.lock:
            self.server.taken[found[1].decode()] += 1
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


@contextmanager
def ledger() -> Iterator[Ledger]:
    with Ledger() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def project(folder: Path, url: str) -> Line:
    """A folder as the service wants it, and people about to be mailed."""
    text = campaign(limits="{per_contact: [1 per 24 hours]}", enter=CAMPAIGN["enter"])
    files = project_files(PROJECT + SENDING, {"first": text})
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    line = open_line(url, {"first": text}, project=PROJECT + SENDING, at=datetime.now(UTC))
    for number in range(PEOPLE):
        line.add_contact(f"p{number}")
    return line


def start(folder: Path, url: str, port: int) -> subprocess.Popen[bytes]:
    said = {
        **os.environ, "NURTURE_DATABASE": url, "NURTURE_SECRET_KEY": KEY, "NURTURE_SMTP_HOST": "127.0.0.1",
        "NURTURE_SMTP_PORT": str(port), "NURTURE_SMTP_TLS": "none",
    }  # fmt: skip
    command = [sys.executable, "-c", "from nurture.cli import main; main()", "run", "--no-web"]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=said, stdout=log, stderr=log)


def wait_for(server: Ledger, count: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + 60
    while server.taken.total() < count:
        assert process.poll() is None and time.monotonic() < until, (folder / "log").read_text()[-3000:]
        time.sleep(0.003)


def unsettled(line: Line) -> int:
    return sum(row["state"] in ("due", "retry") for row in line.messages()) + PEOPLE - len(line.messages())


@pytest.mark.parametrize("kills", [20 if NIGHTLY else 2])
def test_killed_in_the_middle_of_sending_it_doubles_nothing_and_loses_nothing(
    database_url: str, tmp_path: Path, kills: int
) -> None:
    with ledger() as server:
        line = project(tmp_path, database_url)
        for number in range(1, kills + 1):
            process = start(tmp_path, database_url, server.port)
            wait_for(server, number * PEOPLE // (kills + 2), process, tmp_path)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        process = start(tmp_path, database_url, server.port)
        until = time.monotonic() + 60
        while unsettled(line):
            assert process.poll() is None and time.monotonic() < until, (tmp_path / "log").read_text()[-3000:]
            time.sleep(0.05)
        process.terminate()
        assert process.wait(30) == 0
        line.clock.at = datetime.now(UTC) + timedelta(hours=1)
        line.pass_()
        states = {row["id"]: row["state"] for row in line.messages()}
        assert len(states) == PEOPLE and set(states.values()) <= {"accepted", "unknown"}
        assert max(server.taken.values()) == 1
        assert all(server.taken[key] for key, state in states.items() if state == "accepted")
        assert 0 < sum(state == "unknown" for state in states.values()) <= kills * IN_FLIGHT * SENDERS
        found = invariants(line.database, line.program, None, line.clock())
        assert [(one.sentence, one.rows[:2]) for one in found if not one.ok] == []
        line.database.close()
