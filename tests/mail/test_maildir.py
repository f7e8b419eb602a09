"""Mail in a Maildir becomes facts: once each, of the right contact, with the right consequences."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pytest
from support.line import MONDAY, Line, campaign

from mail.conftest import Start
from mail.samples import (
    EXCHANGE_BOUNCE,
    EXCHANGE_OUT_OF_OFFICE,
    GMAIL_REPLY,
    OUTLOOK_REPLY,
    bounce,
    complaint,
    mail,
    reply,
)
from nurture.actions.hear import Heard, hear
from nurture.actions.why import why
from nurture.core.errors import ConfigError
from nurture.core.event import Kind
from nurture.providers.letterbox import Batch
from nurture.providers.maildir import Maildir
from nurture.store.tables import event, stray_event, suppression

ANSWERED = campaign(
    """
    - {id: hello, send: hello}
    - {id: patience, wait: {until: {replied: {since: entry}}, at_most: 4 days}}
    - {id: second, send: second}
    """
)
STOPS = campaign(
    """
    - {id: hello, send: hello}
    - {id: pause, wait: 2 days}
    - {id: second, send: second}
    """,
    exit_when="[{replied: {since: entry}}]",
)


def deliver(box: Path, raw: bytes, name: str = "1", at: float | None = None) -> None:
    """Put a mail into the Maildir, as of the line's first hour unless told."""
    path = box / "new" / name
    path.write_bytes(raw)
    when = at or (MONDAY + timedelta(minutes=40)).timestamp()
    os.utime(path, (when, when))


def read(line: Line, box: Path, *, dry_run: bool = False) -> Heard:
    return hear(line.database, line.program, Maildir(box), line.clock, dry_run=dry_run)


def sent(start: Start, text: str = ANSWERED) -> tuple[Line, str]:
    """A line whose Ada was sent the first email, an hour ago; and the id of that."""
    line = start(text)
    line.add_contact()
    line.pass_()
    line.clock.forward(hours=1)
    return line, str(line.message("ada", "hello")["id"])


@pytest.mark.parametrize("text", [GMAIL_REPLY, OUTLOOK_REPLY], ids=["gmail", "outlook"])
def test_an_answer_moves_its_sender_s_life_and_what_waits_for_it(start: Start, box: Path, text: str) -> None:
    line, ours = sent(start)
    deliver(box, mail(text, ours))
    assert read(line, box).new == {"replied": 1}
    contact = line.contact()
    assert contact["stage"] == "prospect"
    assert contact["last_replied_at"].replace(second=0) in (
        MONDAY + timedelta(minutes=30),
        MONDAY + timedelta(minutes=31),
    )
    assert line.rows(event, "ada", kind="replied")[0]["message_id"] == ours
    line.pass_()
    assert line.states() == [("hello", "accepted"), ("second", "accepted")]


def test_an_answer_ends_a_campaign_whose_file_says_so(start: Start, box: Path) -> None:
    line, ours = sent(start, STOPS)
    deliver(box, reply(ours=ours))
    read(line, box)
    line.run(days=3)
    assert line.reason() == "exit_when 1"
    assert line.states() == [("hello", "accepted")]


def test_an_answer_from_another_address_is_known_by_the_message_it_names(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, reply(who="ada@private.example", ours=ours))
    assert read(line, box).new == {"replied": 1}
    assert line.contact()["last_replied_at"]


def test_an_answer_that_names_no_message_is_known_by_its_address(start: Start, box: Path) -> None:
    line, _ = sent(start)
    deliver(box, reply("From: =?utf-8?q?A=C3=A7?= <ADA@Example.com>", "In-Reply-To: <other@elsewhere.example>"))
    read(line, box)
    (row,) = line.rows(event, "ada", kind="replied")
    assert row["message_id"] is None


def test_a_machine_s_answer_moves_nothing_and_is_told(start: Start, box: Path) -> None:
    line, ours = sent(start, STOPS)
    before = line.contact()
    deliver(box, mail(EXCHANGE_OUT_OF_OFFICE, ours))
    assert read(line, box).new == {"automatic": 1}
    assert line.contact() == before
    line.run(days=3)
    assert line.states() == [("hello", "accepted"), ("second", "accepted")]
    (row,) = line.rows(event, "ada", kind="replied")
    assert row["machine"] == "auto-submitted"
    story = [one.text for one in why(line.database, line.releases, "ada@example.com", line.clock()).story]
    assert "replied first/hello, by a machine (auto-submitted)" in story


def test_a_hard_bounce_suppresses_and_a_policy_one_does_not(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, bounce(status="5.7.1", diagnostic="smtp; 550 5.7.1 blocked", ours=ours))
    assert read(line, box).new == {"bounced (policy)": 1}
    assert (line.message()["bounce"], line.rows(suppression)) == ("policy", [])
    deliver(box, mail(EXCHANGE_BOUNCE, ours))
    assert read(line, box).new == {"bounced (hard)": 1}
    (row,) = line.rows(suppression)
    assert (row["address_key"], row["reason"], line.message()["bounce"]) == ("ada@example.com", "bounced", "hard")


def test_a_bounce_that_names_no_message_is_of_the_last_one_to_its_recipient(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, bounce(ours="gone"))
    read(line, box)
    assert (line.message()["id"], line.message()["bounce"]) == (ours, "hard")


def test_a_bounce_of_nothing_that_was_sent_of_late_suppresses_nobody(start: Start, box: Path) -> None:
    line, _ = sent(start)
    line.add_contact("bob")
    deliver(box, bounce("bob@example.com", ours="gone"))
    line.clock.forward(days=9)
    deliver(box, bounce(ours="gone").replace(b"Mon, 2 Mar", b"Wed, 11 Mar"), "2", line.clock().timestamp())
    assert read(line, box).strange == 2
    assert line.rows(suppression) == []


def test_a_complaint_suppresses_for_good(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, complaint(recipient="redacted", ours=ours))
    assert read(line, box).new == {"complained": 1}
    assert line.rows(suppression)[0]["reason"] == "complained"
    assert line.message()["complained_at"]


def test_a_wish_to_hear_no_more_is_taken_by_mail(start: Start, box: Path) -> None:
    line, _ = sent(start)
    deliver(box, reply("Subject: unsubscribe", "In-Reply-To: <x@example.com>"))
    assert read(line, box).new == {"unsubscribed": 1}
    assert line.rows(suppression)[0]["reason"] == "unsubscribed"
    assert line.contact()["last_replied_at"] is None


def test_mail_of_strangers_and_of_our_own_people_is_of_nobody(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, reply(who="spam@elsewhere.example", ours="f" * 32), "1")
    deliver(box, reply(who="grace@mail.acme.example", ours=ours, id="ours@x"), "2")
    assert read(line, box).strange == 2
    assert line.rows(event, "ada", kind="replied") == line.rows(stray_event) == []


def test_the_same_answer_twice_counts_once(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, reply(ours=ours), "1")
    deliver(box, reply("Received: by another.example", ours=ours), "2")
    assert read(line, box).known == 1
    deliver(box, reply(ours=ours), "3")
    assert read(line, box).known == 1
    assert len(line.rows(event, "ada", kind="replied")) == 1


def test_what_was_read_moves_to_cur_and_is_seen(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, reply(ours=ours), "1740900000.M1P2.host")
    deliver(box, reply(ours=ours, id="r2"), "1740900001.M1P2.host:2,")
    assert read(line, box).letters == 2
    assert sorted(path.name for path in (box / "cur").iterdir()) == [
        "1740900000.M1P2.host:2,S", "1740900001.M1P2.host:2,S"
    ]  # fmt: skip
    assert list((box / "new").iterdir()) == []
    assert read(line, box).letters == 0


class Dying(Maildir):
    """A Maildir from which nothing is put away: the process ended before."""

    def done(self, batch: Batch, aside: Collection[str]) -> None:
        raise SystemExit


def test_a_crash_between_the_commit_and_the_move_counts_nothing_twice(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, reply(ours=ours))
    with pytest.raises(SystemExit):
        hear(line.database, line.program, Dying(box), line.clock)
    assert len(line.rows(event, "ada", kind="replied")) == len(list((box / "new").iterdir())) == 1
    assert read(line, box).known == 1
    assert len(line.rows(event, "ada", kind="replied")) == 1
    assert list((box / "new").iterdir()) == []


def test_two_who_read_one_box_count_and_move_each_mail_once(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, reply(ours=ours))
    slow = Maildir(box)
    batch = next(slow.batches(None))
    assert read(line, box).new == {"replied": 1}
    slow.done(batch, ())
    assert [path.name for path in (box / "cur").iterdir()] == ["1:2,S"]


def test_what_cannot_be_read_is_put_aside_and_holds_up_nothing(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, b"\x00\xff garbage", "1")
    (box / "new" / "2").mkdir()
    deliver(box, reply(ours=ours), "3")
    heard = read(line, box)
    assert (list(heard.aside), heard.new) == (["1"], {"replied": 1})
    assert sorted(path.name for path in (box / "cur").iterdir()) == ["1:2,FS", "3:2,S"]


def test_many_letters_are_read_in_batches_and_an_end_between_them_loses_none(start: Start, box: Path) -> None:
    line, ours = sent(start)
    for number in range(120):
        deliver(box, reply(ours=ours, id=f"r{number}"), f"{number:03}")
    first = hear(line.database, line.program, Maildir(box), line.clock, stop=lambda: True)
    assert (first.letters, len(list((box / "new").iterdir()))) == (50, 70)
    assert read(line, box).letters == 70
    assert len(line.rows(event, "ada", kind="replied")) == 120


def test_a_large_letter_is_read_by_its_beginning(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, reply(ours=ours) + b"x" * 3_000_000)
    assert read(line, box).new == {"replied": 1}


def test_a_sender_s_clock_is_believed_only_where_it_can_be(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, reply("Date: Thu, 1 Jan 1970 00:00:00 +0000", ours=ours))
    read(line, box)
    assert line.contact()["last_replied_at"] == MONDAY + timedelta(minutes=40)
    deliver(box, reply("Date: Fri, 1 Jan 2038 00:00:00 +0000", ours=ours, id="r2"), at=2**31)
    read(line, box)
    assert line.contact()["last_replied_at"] == line.clock()


def test_a_dry_run_counts_and_changes_nothing(start: Start, box: Path) -> None:
    line, ours = sent(start)
    deliver(box, reply(ours=ours))
    assert read(line, box, dry_run=True).new == {"replied": 1}
    assert line.rows(event, "ada", kind=Kind.REPLIED.value) == []
    assert [path.name for path in (box / "new").iterdir()] == ["1"]
    assert read(line, box).new == {"replied": 1}


def test_a_folder_that_is_no_maildir_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folders new and cur"):
        Maildir(tmp_path)
