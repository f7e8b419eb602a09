"""The outbox: emails as files on this machine, a Maildir any mail program opens, and an index for the page.

`DIR/new/` holds one file per email, byte for byte as SMTP would carry it. `DIR/index.jsonl` has one line
per hand-over, in order; a message handed over twice is there twice. Several processes may write at once:
a file appears under its name only when whole, and a line is one appending write.
"""

from __future__ import annotations

import mmap
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

import orjson

from nurture.core.email import Outgoing
from nurture.core.errors import NotFound
from nurture.providers.base import Accepted, Outcome, Unavailable, Unknown

INDEX = "index.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One hand-over as the index tells it; `at` is aware UTC, `file` a name inside `new/` (later `cur/`)."""

    message_id: str
    at: datetime
    to: str
    subject: str
    campaign: str
    step: str
    file: str


class Outbox:
    """Delivers into the folder `directory`, which it makes; `clock` gives the time (aware UTC) to note."""

    name = "outbox"
    max_batch = 500

    def __init__(self, directory: Path, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock
        self._index: int | None = None
        self._run = secrets.token_hex(6)
        self._count = 0

    def send(self, batch: Sequence[Outgoing], deadline: float) -> list[Outcome]:
        """See Provider. A full or unwritable disk is `Unavailable`; nothing of that message remains."""
        return [self._deliver(message, deadline) for message in batch]

    def close(self) -> None:
        """Close the index; the next send opens it again."""
        if self._index is not None:
            os.close(self._index)
            self._index = None

    def _deliver(self, message: Outgoing, deadline: float) -> Outcome:
        if monotonic() >= deadline:
            return Unavailable("not begun: the time for this batch is up")
        now = self._clock()
        try:
            index = self._open()
            name = self._store(message.email.as_bytes(), now)
        except OSError as error:
            return Unavailable(f"the outbox {self._directory} cannot be written: {error.strerror}")
        return self._note(index, _line(message, now, name), name)

    def _open(self) -> int:
        """The index, ready for appending; a last line torn by a full disk or a crash is ended first."""
        if self._index is None:
            for folder in ("tmp", "new", "cur"):
                (self._directory / folder).mkdir(parents=True, exist_ok=True)
            self._index = os.open(self._directory / INDEX, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            size = os.fstat(self._index).st_size
            if size and os.pread(self._index, 1, size - 1) != b"\n":
                os.write(self._index, b"\n")
        return self._index

    def _store(self, content: bytes, now: datetime) -> str:
        """Write under tmp/, then show whole under new/ (Maildir). Returns the file's name."""
        self._count += 1
        name = f"{int(now.timestamp())}.R{self._run}Q{self._count}.nurture"
        path = f"{self._directory}/tmp/{name}"
        try:
            with open(path, "xb", buffering=0, opener=_private) as file:
                _write_whole(file.fileno(), content)
            os.rename(path, f"{self._directory}/new/{name}")  # noqa: PTH104
        except OSError:
            Path(path).unlink(missing_ok=True)
            raise
        return name

    def _note(self, index: int, line: bytes, name: str) -> Outcome:
        try:
            if os.write(index, line) == len(line):
                return Accepted(name)
        except OSError:
            pass
        self.close()
        return Unknown(f"{name} is in the outbox, but its line in {INDEX} could not be written")


def entries(directory: Path, limit: int, offset: int = 0) -> list[Entry]:
    """The newest `limit` hand-overs after skipping `offset`, newest first; none where there is no outbox."""
    found: list[Entry] = []
    for line in _lines_backward(directory / INDEX, offset):
        if len(found) >= limit:
            break
        entry = _entry(line)
        if entry is not None:
            found.append(entry)
    return found


def read(directory: Path, message_id: str) -> bytes:
    """The bytes of the message as last handed over. Raises NotFound if the outbox has none of that id."""
    mark = b'{"message_id":' + orjson.dumps(message_id) + b","
    entry = next(filter(None, map(_entry, _lines_backward(directory / INDEX, 0, mark))), None)
    if entry is None:
        raise NotFound(f"the outbox {directory} has no message {message_id}")
    name = Path(entry.file).name
    for path in (directory / "new" / name, *(directory / "cur").glob(f"{name}*")):
        if path.is_file():
            return path.read_bytes()
    raise NotFound(f"the file of message {message_id} is no longer in the outbox {directory}")


def _line(message: Outgoing, now: datetime, file: str) -> bytes:
    email = message.email
    return orjson.dumps(
        {
            "message_id": message.message_id,
            "at": now,
            "to": email.recipient.address,
            "subject": email.subject,
            "campaign": message.campaign,
            "step": message.step,
            "file": file,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _entry(line: bytes) -> Entry | None:
    """The entry a line tells; None for one torn by a crash."""
    try:
        values = orjson.loads(line)
        return Entry(**{**values, "at": datetime.fromisoformat(values["at"])})
    except (ValueError, TypeError, KeyError):
        return None


def _lines_backward(path: Path, offset: int, start: bytes = b"") -> Iterator[bytes]:
    """Lines of the file from its last to its first, `offset` skipped, only those that begin with `start`."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        if not os.fstat(file.fileno()).st_size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            end = view.rfind(b"\n")
            while end > 0:
                begin = view.rfind(b"\n", 0, end) + 1
                if offset > 0:
                    offset -= 1
                elif view[begin : begin + len(start)] == start:
                    yield view[begin:end]
                end = begin - 1


def _write_whole(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
