"""One SMTP connection: made by the standard library, then read and written here, in as few turns as allowed.

smtplib connects, greets, encrypts and signs in; it cannot pipeline (RFC 2920), so the socket is taken
from it afterwards. Nothing here knows of messages or outcomes.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from dataclasses import dataclass
from time import monotonic

from nurture.providers.config import SmtpSettings

LONGEST_REPLY = 64 * 1024
"""Bytes; a server that says more in one reply is not one."""

PARTING = 2.0
"""Seconds a server has to answer our QUIT."""


class NotConnected(Exception):
    """No session came about; nothing of any message has left. The text says why and what to look at."""


class Lost(Exception):
    """The connection broke or fell silent. `sent` counts the bytes of the failed write that had gone."""

    def __init__(self, detail: str, sent: int = 0) -> None:
        self.sent = sent
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer; the lines of its text are joined by a space."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Wire:
    """An open, greeted and, where asked for, encrypted and signed-in connection."""

    def __init__(self, client: smtplib.SMTP) -> None:
        connection = client.sock
        if connection is None:
            raise NotConnected("the server closed the connection while we signed in")
        self._client = client
        self._socket: socket.socket = connection
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = bytearray()
        self.pipelining = client.has_extn("pipelining")
        self.utf8 = client.has_extn("smtputf8")
        self.eight_bit = client.has_extn("8bitmime")
        self.size = client.has_extn("size")
        self.reports = client.has_extn("dsn")

    def write(self, data: bytes, seconds: float) -> None:
        """Send all of `data`, each piece within `seconds`. Raises Lost with the count of bytes gone."""
        sent = 0
        try:
            self._socket.settimeout(seconds)
            sent = self._socket.send(data)
            while sent < len(data):
                sent += self._socket.send(memoryview(data)[sent:])
        except OSError as error:
            raise Lost(_why(error), sent) from error

    def reply(self, seconds: float) -> Reply:
        """The next whole reply (RFC 5321 §4.2), within `seconds` in all. Raises Lost."""
        until = monotonic() + seconds
        lines: list[bytes] = []
        while True:
            line = self._line(until)
            lines.append(line[4:])
            if not line[:3].isdigit() or line[3:4] not in (b"", b" ", b"-"):
                raise Lost(f"the server said {line[:60]!r}, which is no SMTP reply")
            if line[3:4] != b"-":
                return Reply(int(line[:3]), b" ".join(lines).decode("utf-8", "replace"))
            if sum(map(len, lines)) > LONGEST_REPLY:
                raise Lost("the server's reply does not end")

    def _line(self, until: float) -> bytes:
        while True:
            end = self._unread.find(b"\n")
            if end >= 0:
                line = bytes(self._unread[:end]).rstrip(b"\r")
                del self._unread[: end + 1]
                return line
            if len(self._unread) > LONGEST_REPLY:
                raise Lost("the server's reply does not end")
            self._unread += self._receive(until - monotonic())

    def _receive(self, seconds: float) -> bytes:
        if seconds <= 0:
            raise Lost("the server did not answer in time")
        try:
            self._socket.settimeout(seconds)
            data = self._socket.recv(4096)
        except OSError as error:
            raise Lost(_why(error)) from error
        if not data:
            raise Lost("the server closed the connection")
        return data

    def quit(self) -> None:
        """Part politely where the server still listens, and close."""
        with contextlib.suppress(Lost):
            self.write(b"QUIT\r\n", PARTING)
            self.reply(PARTING)
        self.close()

    def close(self) -> None:
        """Close at once."""
        self._client.close()


def connect(settings: SmtpSettings, seconds: float) -> Wire:
    """A ready connection, each step of making it within `seconds`. Raises NotConnected."""
    where = f"{settings.host}:{settings.port}"
    client: smtplib.SMTP | None = None
    try:
        client = _reach(settings, seconds)
        _greet(client, settings)
        return Wire(client)
    except smtplib.SMTPAuthenticationError as error:
        detail = f"{where} refused our sign-in ({_said(error)}); look at the SMTP user and password"
    except smtplib.SMTPResponseException as error:
        detail = f"{where} turned us away ({_said(error)})"
    except ssl.SSLError as error:
        detail = f"no encrypted connection to {where} ({error}); look at the tls and ca_file settings"
    except (smtplib.SMTPException, OSError, ValueError) as error:
        detail = f"no connection to {where} ({_why(error)})"
    except NotConnected as error:
        detail = str(error)
    if client is not None:
        client.close()
    raise NotConnected(detail)


def _reach(settings: SmtpSettings, seconds: float) -> smtplib.SMTP:
    if settings.tls == "implicit":
        return smtplib.SMTP_SSL(
            settings.host, settings.port, settings.helo, timeout=seconds, context=_context(settings)
        )
    return smtplib.SMTP(settings.host, settings.port, settings.helo, timeout=seconds)


def _greet(client: smtplib.SMTP, settings: SmtpSettings) -> None:
    client.ehlo_or_helo_if_needed()
    if settings.tls == "starttls":
        client.starttls(context=_context(settings))
        client.ehlo_or_helo_if_needed()
    if settings.user is not None and settings.password is not None:
        client.login(settings.user, settings.password.get_secret_value())


def _context(settings: SmtpSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)


def _said(error: smtplib.SMTPResponseException) -> str:
    text = error.smtp_error
    return f"{error.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the server did not answer in time"
    return str(error) or type(error).__name__
