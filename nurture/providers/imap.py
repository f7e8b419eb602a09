"""A folder on an IMAP server (RFC 3501), only looked at: what was read is remembered by UIDVALIDITY and UID.

A server that gave its folder a new UIDVALIDITY is read from the beginning; what was told before counts once.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from time import mktime
from typing import Any

from pydantic import SecretStr

from nurture.core.errors import ConfigError
from nurture.core.replies import PASSWORD, Imap
from nurture.providers.letterbox import BATCH, LARGEST, Batch, Letter

TIMEOUT = 30.0
"""Seconds that connecting, and each answer, may take."""

_UID = re.compile(rb"\bUID (\d+)")


class ImapBox:
    """The folder that `settings` name. Raises ConfigError without a password."""

    def __init__(self, settings: Imap, password: SecretStr | None) -> None:
        if password is None:
            raise ConfigError(f"replies: {PASSWORD} is not set; without it {settings.host} is not read")
        self._settings, self._password = settings, password
        self._wire: imaplib.IMAP4 | None = None
        self.place = f"imap {settings.user}@{settings.host}:{settings.reached_at}/{settings.folder}"

    def knock(self) -> None:
        """See Letterbox."""
        with self._told():
            self._selected(self._opened())

    def batches(self, mark: str | None) -> Iterator[Batch]:
        """See Letterbox. Raises ConfigError when the server does not answer, or refuses."""
        with self._told():
            wire = self._opened()
            validity = self._selected(wire)
            read, _, uid = (mark or "").partition(":")
            last = int(uid) if read == validity else 0
            uids = _uids(wire, last)
            for start in range(0, len(uids), BATCH):
                some = uids[start : start + BATCH]
                yield Batch(tuple(_letters(wire, some)), f"{validity}:{some[-1]}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever the server or the way to it fails with is told as that."""
        try:
            yield
        except (imaplib.IMAP4.error, OSError, ValueError) as error:
            raise ConfigError(f"replies: {self.place} does not answer: {_shown(error)}") from None

    def _opened(self) -> imaplib.IMAP4:
        host, port, how = self._settings.host, self._settings.reached_at, self._settings.tls
        if how == "implicit":
            wire: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                host, port, ssl_context=ssl.create_default_context(), timeout=TIMEOUT
            )
        else:
            wire = imaplib.IMAP4(host, port, timeout=TIMEOUT)
        self._wire = wire
        if how == "starttls":
            wire.starttls(ssl.create_default_context())
        wire.login(self._settings.user, self._password.get_secret_value())
        return wire

    def _selected(self, wire: imaplib.IMAP4) -> str:
        """Look at the folder, changing nothing in it. Returns its UIDVALIDITY."""
        name = self._settings.folder.replace("\\", "\\\\").replace('"', '\\"')
        said, answer = wire.select(f'"{name}"', readonly=True)
        validity = wire.response("UIDVALIDITY")[1][0]
        if said != "OK" or not isinstance(validity, bytes):
            raise imaplib.IMAP4.error(f"folder {self._settings.folder}: {_answer(answer)}")
        return validity.decode()

    def done(self, batch: Batch, aside: Collection[str]) -> None:
        """See Letterbox: everything stays where it is."""

    def close(self) -> None:
        """See Letterbox."""
        wire, self._wire = self._wire, None
        if wire:
            with suppress(imaplib.IMAP4.error, OSError):
                wire.logout()
            with suppress(OSError):
                wire.shutdown()


def _uids(wire: imaplib.IMAP4, last: int) -> list[int]:
    """The UIDs above `last`, in order. Asked for one by one: a long list in one line is more than imaplib reads."""
    said, answer = wire.uid("FETCH", f"{last + 1}:*", "(UID)")
    if said != "OK":
        raise imaplib.IMAP4.error(_answer(answer))
    found = (_UID.search(line) for line in answer if isinstance(line, bytes))
    # The end of a range is the last message even where that is older.
    return sorted({uid for match in found if match and (uid := int(match[1])) > last})


def _letters(wire: imaplib.IMAP4, uids: Sequence[int]) -> Iterator[Letter]:
    asked = f"(UID INTERNALDATE BODY.PEEK[]<0.{LARGEST}>)"
    said, answer = wire.uid("FETCH", ",".join(map(str, uids)), asked)
    if said != "OK":
        raise imaplib.IMAP4.error(_answer(answer))
    for number, part in enumerate(answer):
        if isinstance(part, tuple):
            # What follows the text of a message may stand in the next part.
            after = answer[number + 1] if number + 1 < len(answer) else b""
            about = part[0] + b" " + (after if isinstance(after, bytes) else b"")
            if uid := _UID.search(about):
                yield Letter(uid[1].decode(), part[1][:LARGEST], _arrived(about))


def _arrived(about: bytes) -> datetime:
    told = imaplib.Internaldate2tuple(about)
    return datetime.fromtimestamp(mktime(told), UTC) if told else datetime.max.replace(tzinfo=UTC)


def _answer(answer: Sequence[Any]) -> str:
    return _shown(answer[0] if answer else "")


def _shown(error: object) -> str:
    text = error.decode("ascii", "replace") if isinstance(error, bytes) else str(error)
    return "".join(char for char in text if char.isprintable())[:200] or "no reason given"
