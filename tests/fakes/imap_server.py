"""A small IMAP4rev1 server (RFC 3501) with one folder: enough to log in, look at it and fetch; it tells what was asked.

Like real ones it may answer a fetch with the UID before the text or after it, gives the last message where a range
begins beyond it, and has other messages arrive between two commands.
"""

from __future__ import annotations

import re
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

NUMBER = re.compile(r"<0\.(\d+)>")


@dataclass
class Folder:
    """Messages by UID, with their internal dates."""

    validity: int = 7
    messages: dict[int, tuple[datetime, bytes]] = field(default_factory=dict)
    next_uid: int = 1

    def add(self, raw: bytes, at: datetime) -> int:
        uid, self.next_uid = self.next_uid, self.next_uid + 1
        self.messages[uid] = (at, raw)
        return uid

    def renew(self) -> None:
        """What a restore from a backup does: the same messages under another UIDVALIDITY, numbered anew."""
        kept, self.messages, self.next_uid = list(self.messages.values()), {}, 1
        self.validity += 1
        for at, raw in kept:
            self.add(raw, at)


class ImapServer:
    """The server; `commands` are those it was given, without tags and passwords.

    `certificate` names a file with certificate and key; with `implicit` TLS begins at once, else STARTTLS is offered.
    """

    def __init__(
        self, user: str = "care", password: str = "open sesame", certificate: Path | None = None, implicit: bool = False
    ) -> None:
        self.user, self.password, self.implicit = user, password, implicit
        self.folders = {"INBOX": Folder()}
        self.commands: list[str] = []
        self.uid_last = False
        self.hang_up_at = ""
        self.context: ssl.SSLContext | None = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)

    @property
    def inbox(self) -> Folder:
        return self.folders["INBOX"]

    def __enter__(self) -> ImapServer:
        server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                Conversation(server, self.request).hold()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Conversation:
    """One client."""

    def __init__(self, server: ImapServer, wire: object) -> None:
        self.server, self.wire = server, wire
        self.folder: Folder | None = None
        self.signed_in = False

    def hold(self) -> None:
        """Answer commands until the client leaves."""
        try:
            if self.server.implicit and self.server.context:
                self.wire = self.server.context.wrap_socket(self.wire, server_side=True)  # type: ignore[call-overload]
            self.wire.settimeout(10)  # type: ignore[attr-defined]
            self._say("* OK ready")
            while line := self._line():
                if not self._answer(*line.split(" ", 2)):
                    return
        except OSError:
            return
        finally:
            self.wire.close()  # type: ignore[attr-defined]

    def _line(self) -> str:
        found = b""
        while not found.endswith(b"\r\n"):
            byte = self.wire.recv(1)  # type: ignore[attr-defined]
            if not byte:
                return ""
            found += byte
        return found.decode().strip()

    def _say(self, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.wire.sendall(data + b"\r\n")  # type: ignore[attr-defined]

    def _answer(self, tag: str, command: str, rest: str = "") -> bool:
        command = command.upper()
        self.server.commands.append(f"{command} {'...' if command == 'LOGIN' else rest}".strip())
        if self.server.hang_up_at == command:
            return False
        match command:
            case "CAPABILITY":
                tls = " STARTTLS" if self.server.context and not self.server.implicit else ""
                self._say(f"* CAPABILITY IMAP4rev1{tls}")
                self._say(f"{tag} OK done")
            case "STARTTLS" if self.server.context:
                self._say(f"{tag} OK begin")
                self.wire = self.server.context.wrap_socket(self.wire, server_side=True)  # type: ignore[call-overload]
            case "LOGIN":
                self.signed_in = rest == f'{self.server.user} "{self.server.password}"'
                self._say(f"{tag} OK hello" if self.signed_in else f"{tag} NO [AUTHENTICATIONFAILED] wrong password")
            case "EXAMINE" if self.signed_in:
                self._examine(tag, rest.strip('"'))
            case "UID" if self.folder:
                self._fetch(tag, *rest.split(" ", 2)[1:])
            case "LOGOUT":
                self._say("* BYE")
                self._say(f"{tag} OK bye")
                return False
            case _:
                self._say(f"{tag} BAD {command}")
        return True

    def _examine(self, tag: str, name: str) -> None:
        self.folder = self.server.folders.get(name)
        if self.folder is None:
            self._say(f"{tag} NO [NONEXISTENT] no folder {name}")
            return
        self._say(f"* {len(self.folder.messages)} EXISTS")
        self._say(f"* OK [UIDVALIDITY {self.folder.validity}] valid")
        self._say(f"* OK [UIDNEXT {self.folder.next_uid}] next")
        self._say(f"{tag} OK [READ-ONLY] done")

    def _fetch(self, tag: str, which: str, what: str) -> None:
        assert self.folder
        numbers = {uid: number for number, uid in enumerate(sorted(self.folder.messages), 1)}
        for uid in self._named(which):
            if uid in numbers:
                self._message(numbers[uid], uid, what)
        self._say("* 99 EXISTS")
        self._say(f"{tag} OK done")

    def _named(self, which: str) -> list[int]:
        assert self.folder
        uids = sorted(self.folder.messages)
        if not which.endswith(":*"):
            return [int(uid) for uid in which.split(",")]
        first = int(which.removesuffix(":*"))
        return [uid for uid in uids if uid >= first] or uids[-1:]

    def _message(self, number: int, uid: int, what: str) -> None:
        assert self.folder
        if "BODY" not in what:
            self._say(f"* {number} FETCH (UID {uid})")
            return
        at, raw = self.folder.messages[uid]
        limit = NUMBER.search(what)
        raw = raw[: int(limit[1])] if limit else raw
        about = f'UID {uid} INTERNALDATE "{at.astimezone(UTC):%d-%b-%Y %H:%M:%S} +0000"'
        before, after = ("", f" {about}") if self.server.uid_last else (f"{about} ", "")
        self._say(f"* {number} FETCH ({before}BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + f"{after})".encode())
