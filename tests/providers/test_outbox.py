"""The outbox is a Maildir and an index, and both tell the same."""

from __future__ import annotations

import mailbox
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from nurture.core.errors import NotFound
from nurture.providers.base import Accepted, Unavailable, Unknown
from nurture.providers.outbox import INDEX, Outbox, entries, read
from providers.sample import batch, message_id, outgoing

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


def deliver(directory: Path, *messages: object) -> list[object]:
    outbox = Outbox(directory, lambda: NOW)
    outcomes = outbox.send(messages or batch(3), monotonic() + 60)
    outbox.close()
    return outcomes


def test_a_mail_program_reads_what_was_delivered_byte_for_byte(tmp_path: Path) -> None:
    deliver(tmp_path / "out", outgoing(7))
    (found,) = mailbox.Maildir(str(tmp_path / "out"), create=False)
    assert found["Subject"] == "Hello"
    assert read(tmp_path / "out", message_id(7)) == outgoing(7).email.as_bytes()


def test_the_index_tells_the_newest_first_a_page_at_a_time(tmp_path: Path) -> None:
    deliver(tmp_path, *batch(5))
    assert [entry.message_id for entry in entries(tmp_path, 2)] == [message_id(5), message_id(4)]
    assert [entry.message_id for entry in entries(tmp_path, 9, 3)] == [message_id(2), message_id(1)]
    (entry,) = entries(tmp_path, 1)
    assert (entry.at, entry.to, entry.subject) == (NOW, "ada@example.com", "Hello")
    assert (entry.campaign, entry.step) == ("welcome", "first")
    assert (tmp_path / "new" / entry.file).is_file()


def test_a_message_handed_over_twice_is_there_twice(tmp_path: Path) -> None:
    deliver(tmp_path, outgoing(1), outgoing(1))
    deliver(tmp_path, outgoing(1))
    assert [entry.message_id for entry in entries(tmp_path, 10)] == [message_id(1)] * 3
    assert len(list((tmp_path / "new").iterdir())) == 3


def test_an_outbox_that_never_was_has_no_entries_and_no_messages(tmp_path: Path) -> None:
    assert entries(tmp_path / "none", 10) == []
    with pytest.raises(NotFound, match="no message"):
        read(tmp_path / "none", message_id(1))


def test_a_message_is_found_after_a_mail_program_has_moved_it(tmp_path: Path) -> None:
    deliver(tmp_path, outgoing(1))
    (file,) = (tmp_path / "new").iterdir()
    file.rename(tmp_path / "cur" / f"{file.name}:2,S")
    assert read(tmp_path, message_id(1)) == outgoing(1).email.as_bytes()


def test_a_line_torn_by_a_crash_costs_neither_the_line_before_nor_the_next(tmp_path: Path) -> None:
    deliver(tmp_path, outgoing(1))
    with (tmp_path / INDEX).open("ab") as index:
        index.write(b'{"message_id":"half')
    deliver(tmp_path, outgoing(2))
    assert [entry.message_id for entry in entries(tmp_path, 10)] == [message_id(2), message_id(1)]


def test_a_folder_that_cannot_be_written_is_unavailable_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file, not a folder")
    (outcome,) = deliver(tmp_path / "out", outgoing(1))
    assert isinstance(outcome, Unavailable)
    assert "cannot be written" in outcome.detail


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let the operating system refuse to let any file grow beyond `size` bytes."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_a_disk_that_fills_amid_an_email_leaves_nothing_of_it(tmp_path: Path) -> None:
    with files_no_larger_than(1000):
        outcomes = deliver(tmp_path, outgoing(1), outgoing(2, text="x" * 5000), outgoing(3))
    assert [type(outcome) for outcome in outcomes] == [Accepted, Unavailable, Accepted]
    assert list((tmp_path / "tmp").iterdir()) == []
    assert [entry.message_id for entry in entries(tmp_path, 9)] == [message_id(3), message_id(1)]


def test_a_disk_that_fills_before_the_index_is_written_leaves_the_message_in_doubt(tmp_path: Path) -> None:
    deliver(tmp_path, *batch(10))
    with files_no_larger_than((tmp_path / INDEX).stat().st_size + 20):
        (outcome,) = deliver(tmp_path, outgoing(11))
    assert isinstance(outcome, Unknown)
    deliver(tmp_path, outgoing(12))
    assert [entry.message_id for entry in entries(tmp_path, 2)] == [message_id(12), message_id(10)]


def test_what_is_accepted_names_its_file_and_leaves_no_half_written_one(tmp_path: Path) -> None:
    (outcome,) = deliver(tmp_path, outgoing(1))
    assert isinstance(outcome, Accepted)
    assert outcome.provider_id == entries(tmp_path, 1)[0].file
    assert list((tmp_path / "tmp").iterdir()) == []
