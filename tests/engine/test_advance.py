"""How far an enrollment comes in one look."""

from __future__ import annotations

from support.line import Line, campaign

from nurture.actions.advance import advance
from nurture.store import tables

from .conftest import Start

ASKS = campaign(
    """
    - {id: rest, wait: 2 days}
    - id: interested
      if: {opened: {since: entry}}
      then: [{id: yes-please, send: hello}]
      else: [{id: rest-more, wait: 2 days}]
    - {id: last, send: second}
    """
)
EMAILED = campaign(
    """
    - {id: hello, send: hello}
    - {id: seen, wait: {until: {opened: {since: entry}}, at_most: 4 days}}
    - {id: last, send: second}
    """
)
TAGGED = campaign(
    """
    - {id: rest, wait: 2 days}
    - {id: mark, set: {tags: {add: [rested]}}}
    - id: marked
      if: {tag: rested}
      then: [{id: seen, send: hello}]
      else: [{id: unseen, send: second}]
    """
)


def looks(line: Line) -> int:
    """How many looks are had at the one enrollment until none is due."""
    found = 0
    while advance(line.database, line.queries, line.clock()):
        found += 1
    return found


def test_a_wait_and_the_question_behind_it_are_decided_in_one_look(start: Start) -> None:
    line = start(ASKS)
    line.add_contact()
    line.pass_()
    line.clock.forward(days=1)
    line.open("ada")
    line.clock.forward(days=1)
    assert looks(line) == 1
    assert line.why()[1:] == [
        ("rest", "move", "waited"), ("interested", "move", "if: yes"), ("yes-please", "send", "in the window"),
    ]  # fmt: skip


def test_what_the_question_was_decided_on_is_kept_with_its_own_decision(start: Start) -> None:
    line = start(ASKS)
    line.add_contact()
    line.run(days=2)
    kept = {row["step"]: row["rested_on"] for row in line.rows(tables.decision, "ada", what="move")}
    assert kept["rest"] is None
    assert kept["interested"] is not None


def test_two_waits_alike_in_one_look_are_both_told(start: Start) -> None:
    line = start(ASKS)
    line.add_contact()
    line.pass_()
    line.clock.forward(days=2)
    assert looks(line) == 1
    assert [one for one in line.why() if one[1] == "wait"] == [
        ("rest", "wait", "waits 2 days"), ("rest-more", "wait", "waits 2 days"),
    ]  # fmt: skip


def test_what_is_waited_for_is_asked_with_the_email_that_was_sent_before_it(start: Start) -> None:
    line = start(EMAILED)
    line.add_contact()
    line.pass_()
    assert line.why() == [
        ("hello", "send", "in the window"), ("hello", "move", "sent"), ("seen", "wait", "waits for it, at most 4 days"),
    ]  # fmt: skip
    line.clock.forward(hours=1)
    line.open("ada", "hello")
    assert looks(line) == 1
    assert line.enrollment()["step"] == "last"


def test_what_a_step_has_changed_is_asked_about_afterwards(start: Start) -> None:
    line = start(TAGGED)
    line.add_contact()
    line.run(days=2)
    assert [one["step"] for one in line.messages("ada")] == ["seen"]
