"""An SMTP server that keeps to a script: it pipelines, refuses, falls silent or hangs up where told to."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

CLOSE, RESET, STALL, TAKE_AND_CLOSE = "CLOSE", "RESET", "STALL", "TAKE_AND_CLOSE"
"""Instead of a reply: hang up, reset the connection, say nothing more, take the message and hang up."""
LATE = "LATE "
"""Before a reply: give it a second and a half later than one would."""

_USUAL = {
    "CONNECT": "220 script",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    "DOT": "250 2.0.0 Ok: queued as Q1",
    "RSET": "250 ok",
    "NOOP": "250 ok",
    "QUIT": "221 bye",
}


@dataclass(frozen=True)
class Taken:
    """A message the server took responsibility for."""

    mail: str
    rcpt: str
    data: bytes
    connection: int


@dataclass
class ScriptedSmtp:
    """`plan` maps a verb (CONNECT, MAIL, RCPT, DATA, BODY, DOT, …) to what happens at its nth time (from 1).

    BODY happens when the first bytes of a message have come. With `patient`, envelope answers wait until
    DATA has come, and the answer to a final dot until the next envelope has: a client that does not
    pipeline is kept waiting (each wait ends after half a second). `ahead` counts the times more had come
    than was answered.
    """

    plan: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    extensions: Sequence[str] = ("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
    patient: bool = False
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    ahead: int = 0

    def __enter__(self) -> ScriptedSmtp:
        self._seen: Counter[str] = Counter()
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=_Talk(self, connection, self.connections).run)
            self._threads.append(thread)
            thread.start()

    def action(self, verb: str, usual: str | None = None) -> str:
        """What the script says to this verb now; `usual`, else what servers usually say, if nothing."""
        self._seen[verb] += 1
        return self.plan.get(verb, {}).get(self._seen[verb], usual or _USUAL.get(verb, ""))

    def wait(self, seconds: float) -> bool:
        """Sleep, unless the test is over. Says whether it is."""
        return self._over.wait(seconds)


class _HungUp(Exception):
    """The talk is over."""


class _Talk:
    """One connection."""

    def __init__(self, server: ScriptedSmtp, connection: socket.socket, number: int) -> None:
        self._server = server
        self._socket = connection
        self._number = number
        self._unread = b""
        self._unsaid = b""
        self._mail = self._rcpt = ""
        self._open = self._addressed = False

    def run(self) -> None:
        with self._socket:
            self._socket.settimeout(0.05)
            try:
                self._act("CONNECT")
                while True:
                    self._command(self._line())
            except (_HungUp, OSError):
                pass

    def _command(self, line: str) -> None:
        verb = line[:4].upper()
        self._server.commands.append(line)
        if verb == "EHLO":
            names = ["script", *self._server.extensions]
            self._say("".join(f"250{'-' if i + 1 < len(names) else ' '}{n}\r\n" for i, n in enumerate(names)))
            return
        if verb == "MAIL":
            self._mail = line
        elif verb == "RCPT":
            self._rcpt = line
        self._server.ahead += verb != "DATA" and bool(self._unread)
        reply = self._act(verb, self._out_of_turn(verb))
        if verb == "MAIL":
            self._open = reply.startswith("250")
        elif verb == "RCPT":
            self._addressed = reply.startswith("250")
        else:
            self._open = self._addressed = False
        if verb == "DATA" and reply.startswith("354"):
            self._data()
        elif verb == "QUIT":
            raise _HungUp

    def _data(self) -> None:
        self._more()
        body = self._server.action("BODY")
        if body:
            self._act_on(body, "BODY")
        while b"\r\n.\r\n" not in self._unread and not self._unread.startswith(b".\r\n"):
            self._more()
        if self._unread.startswith(b".\r\n"):
            data, self._unread = b"", self._unread[3:]
        else:
            data, _, self._unread = self._unread.partition(b"\r\n.\r\n")
        if self._server.patient:
            self._await(b"DATA\r\n")
        if self._unread:
            self._server.ahead += 1
        action = self._server.action("DOT")
        if action == TAKE_AND_CLOSE or action.removeprefix(LATE).startswith("250"):
            self._server.taken.append(Taken(self._mail, self._rcpt, data + b"\r\n", self._number))
        self._act_on(action, "DOT")

    def _out_of_turn(self, verb: str) -> str | None:
        """What a verb gets where those before it were refused, or not taken back."""
        if verb == "MAIL" and self._open:
            return "503 5.5.1 nested MAIL"
        if verb == "RCPT" and not self._open:
            return "503 5.5.1 need MAIL"
        return "554 5.5.1 no valid recipients" if verb == "DATA" and not self._addressed else None

    def _act(self, verb: str, usual: str | None = None) -> str:
        action = self._server.action(verb, usual) or "502 5.5.1 what"
        self._act_on(action, verb)
        return action

    def _act_on(self, action: str, verb: str) -> None:
        if action in (CLOSE, TAKE_AND_CLOSE):
            raise _HungUp
        if action == RESET:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise _HungUp
        if action == STALL:
            self._server.wait(60)
            raise _HungUp
        if action.startswith(LATE):
            self._server.wait(1.5)
        self._say(action.removeprefix(LATE) + "\r\n", hold=self._server.patient and verb in ("RSET", "MAIL", "RCPT"))

    def _say(self, text: str, hold: bool = False) -> None:
        self._unsaid += text.encode()
        if hold:
            self._await(b"DATA\r\n")
            if b"DATA\r\n" in self._unread:
                return
        self._socket.sendall(self._unsaid)
        self._unsaid = b""

    def _await(self, mark: bytes) -> None:
        """Let up to half a second pass until the mark has come."""
        for _ in range(10):
            if mark in self._unread or self._server.wait(0):
                return
            self._more(patience=1)

    def _line(self) -> str:
        while b"\r\n" not in self._unread:
            self._more()
        line, _, self._unread = self._unread.partition(b"\r\n")
        return line.decode()

    def _more(self, patience: int = 0) -> None:
        """Read once; with `patience`, give up after that many twentieths of a second."""
        tries = 0
        while not self._server.wait(0):
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                tries += 1
                if tries == patience:
                    return
                continue
            if not data:
                raise _HungUp
            self._unread += data
            return
        raise _HungUp
