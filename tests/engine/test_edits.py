"""A file changes while people are under way: nobody is lost, nobody gets an email twice, and all go on as it says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.line import MONDAY, TEMPLATE, Line, campaign

from nurture.actions.doctor import invariants
from nurture.actions.publish import publish
from nurture.core.errors import ProjectError

from .conftest import Start

STORY = """
    - {id: hello, send: hello}
    - {id: pause, wait: 10 days}
    - {id: second, send: second}
    - {id: rest, wait: 2 days}
    - {id: third, send: third}
    """


def edited(**changes: str) -> str:
    """The story with some words replaced."""
    text = STORY
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def sound(line: Line) -> None:
    """Every guarantee holds."""
    found = invariants(line.database, line.program, None, line.clock(), slack=timedelta())
    assert [(one.name, one.rows) for one in found if not one.ok] == []


def started(start: Start, days: float = 4, **keys: str) -> Line:
    """Ada had the first email and has waited for so many days."""
    line = start(campaign(STORY, **keys))
    line.add_contact()
    line.pass_()
    line.run(days=days)
    assert line.states() == [("hello", "accepted")]
    return line


def refused(line: Line, **campaigns: str) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        line.publish(**campaigns)
    return caught.value


# --- follow -------------------------------------------------------------------------------------------


def test_a_shorter_wait_credits_the_time_already_waited(start: Start) -> None:
    line = started(start)
    line.publish(first=campaign(edited(**{"10 days": "5 days"})))
    line.run(days=2)
    assert [step for step, _ in line.sent_at()] == ["hello", "second"]
    assert line.sent_at()[1][1] == MONDAY + timedelta(days=5)
    sound(line)


def test_whoever_waited_longer_than_the_new_wait_goes_on_at_once_and_is_not_too_late(start: Start) -> None:
    line = started(start, days=8)
    line.publish(first=campaign(edited(**{"10 days": "1 day"})))
    line.pass_()
    assert line.sent_at()[-1] == ("second", MONDAY + timedelta(days=8))
    line.run(days=3)
    assert line.sent_at()[-1] == ("third", MONDAY + timedelta(days=10))
    sound(line)


def test_a_longer_wait_is_waited_for_from_when_it_began(start: Start) -> None:
    line = started(start)
    line.publish(first=campaign(edited(**{"10 days": "12 days"})))
    line.run(days=9)
    assert line.sent_at()[-1] == ("second", MONDAY + timedelta(days=12))


def test_a_renamed_step_keeps_its_people_and_nobody_gets_its_email_again(start: Start) -> None:
    line = started(start)
    line.publish(first=campaign(
        edited(**{"id: hello": "id: welcome", "id: pause": "id: breath"}),
        moved="{hello: welcome, pause: breath}",
    ))  # fmt: skip
    assert line.enrollment()["step"] == "breath"
    assert line.states() == [("welcome", "accepted")]
    line.run(days=20)
    assert [step for step, _ in line.sent_at()] == ["hello", "second", "third"]
    assert line.reason() == "completed"
    sound(line)


def test_an_email_in_the_air_is_settled_under_the_new_name(start: Start) -> None:
    from nurture.actions.claim import claim
    from nurture.actions.send import settle
    from nurture.providers.base import Accepted

    line = start(campaign(STORY))
    line.add_contact()
    line.clock.forward(seconds=1)
    from nurture.actions.advance import advance
    from nurture.actions.enroll import enroll

    enroll(line.database, line.queries, line.clock())
    advance(line.database, line.queries, line.clock())
    claimed = claim(line.database, line.queries, line.emails, "ledger", 10, line.clock())
    line.publish(first=campaign(edited(**{"id: hello": "id: welcome"}), moved="{hello: welcome}"))
    settle(line.database, line.queries, [(one, Accepted()) for one in claimed.claims], "ledger", line.clock())
    line.pass_()
    assert line.enrollment()["step"] == "pause"
    sound(line)


def test_a_step_that_is_gone_lets_its_people_go_on_with_what_followed(start: Start) -> None:
    line = started(start)
    without = edited(**{"    - {id: pause, wait: 10 days}\n": ""})
    line.publish(first=campaign(without, removed="{pause: next}"))
    line.pass_()
    assert line.sent_at()[-1] == ("second", MONDAY + timedelta(days=4))
    assert ("pause", "move", "edited: moves on") in line.why()
    sound(line)


def test_a_step_that_is_gone_may_let_its_people_leave_for_a_named_reason(start: Start) -> None:
    line = started(start)
    line.publish(first=campaign(edited(**{"    - {id: pause, wait: 10 days}\n": ""}), removed="{pause: exit}"))
    assert line.reason() == "step-removed"
    sound(line)


def test_an_edit_that_would_lose_people_is_refused_with_the_words_to_write(start: Start) -> None:
    line = started(start)
    error = refused(line, first=campaign(edited(**{"id: pause": "id: breath"})))
    (problem,) = error.problems
    assert problem.rule == "step-removed"
    assert "1 person stands at the step 'pause'" in problem.message
    assert "moved: {pause: breath}" in problem.hint
    assert problem.line == 10
    assert line.releases.current().id == 1


def test_an_edit_that_would_send_somebody_an_email_twice_is_refused(start: Start) -> None:
    line = started(start)
    again = """
    - {id: pause, wait: 10 days}
    - {id: greeting, send: hello}
    """
    error = refused(line, first=campaign(again, removed="{hello: next, second: next, rest: next, third: next}"))
    (problem,) = error.problems
    assert problem.rule == "sent-twice"
    assert "1 under way had this email as 'hello'" in problem.message
    assert "moved: {hello: greeting}" in problem.hint
    assert problem.line == 10


def test_the_same_edit_told_as_a_move_sends_it_to_nobody_twice(start: Start) -> None:
    line = started(start)
    again = """
    - {id: pause, wait: 10 days}
    - {id: greeting, send: hello}
    - {id: second, send: second}
    """
    line.publish(first=campaign(again, moved="{hello: greeting}"))
    line.add_contact("eve")
    line.run(days=12)
    assert [step for step, _ in line.sent_at()] == ["hello", "second"]
    assert [step for step, _ in line.sent_at("eve")] == ["greeting", "second"]
    sound(line)


def test_an_id_that_a_step_once_had_is_no_other_step_s_while_people_are_under_way(start: Start) -> None:
    line = started(start)
    again = edited(**{"id: hello": "id: welcome"})
    line.publish(first=campaign(again, moved="{hello: welcome}"))
    error = refused(line, first=campaign(again.rstrip(" ") + "    - {id: hello, send: fourth}\n"))
    assert [one.rule for one in error.problems] == ["step-reused"]


def test_a_reformatted_file_touches_nobody(start: Start) -> None:
    line = started(start, edits="exit")
    before = line.enrollment()
    text = campaign(STORY, edits="exit")
    line.publish(first="# A comment.\n" + text.replace("title: A campaign", 'title: "A campaign"'))
    assert line.releases.current().id == 2
    assert line.enrollment() == before


def test_who_may_enter_is_no_matter_of_those_inside(start: Start) -> None:
    line = started(start, edits="exit")
    line.publish(first=campaign(STORY, edits="exit", audience="{stage: [lead]}", title="Another"))
    line.pass_()
    assert line.reason() is None


def test_a_changed_email_reaches_those_who_were_not_sent_it_yet(start: Start) -> None:
    line = started(start)
    line.files["templates/emails/second.html"] = TEMPLATE.replace("Hello", "News")
    line.publish()
    line.run(days=7)
    assert line.message(step="second")["subject"] == "News"


def test_a_step_moved_into_a_branch_keeps_its_people(start: Start) -> None:
    line = started(start)
    branched = """
    - {id: hello, send: hello}
    - id: asked
      if: {clicked: hello}
      then: [{id: second, send: second}]
      else: [{id: pause, wait: 10 days}, {id: third, send: third}]
    """
    line.publish(first=campaign(branched, removed="{rest: next}"))
    assert line.enrollment()["step"] == "pause"
    line.run(days=7)
    assert [step for step, _ in line.sent_at()] == ["hello", "third"]
    sound(line)


def test_new_reasons_to_leave_hold_for_those_inside_at_once(start: Start) -> None:
    line = started(start)
    line.publish(first=campaign(STORY, exit_when="[{country: DE}]"))
    line.pass_()
    assert line.reason() == "exit_when 1"


# --- finish, restart, exit ------------------------------------------------------------------------------


def test_finish_lets_those_inside_finish_on_their_version(start: Start) -> None:
    line = started(start)
    line.files["templates/emails/second.html"] = TEMPLATE.replace("Hello", "News")
    line.publish(first=campaign("[{id: hello, send: hello}, {id: second, send: second}]", edits="finish"))
    line.add_contact("eve")
    line.run(days=14)
    assert [step for step, _ in line.sent_at()] == ["hello", "second", "third"]
    assert [step for step, _ in line.sent_at("eve")] == ["hello", "second"]
    assert line.message("ada", "second")["subject"] == "Hello"
    assert line.message("eve", "second")["subject"] == "News"
    assert line.reason() == "completed"
    sound(line)


def test_several_versions_run_at_once_and_what_each_waits_for_is_heard(start: Start) -> None:
    waits = """
    - {{id: hello, send: hello}}
    - {{id: w, wait: {{until: {{did: {{event: {event}}}}}, at_most: 30 days}}}}
    - {{id: e, send: {last}}}
    """
    line = start(campaign(waits.format(event="one", last="second"), edits="finish"))
    for who, event, last in (("ada", "one", "second"), ("bob", "two", "third"), ("eve", "three", "fourth")):
        line.publish(first=campaign(waits.format(event=event, last=last), edits="finish"))
        line.add_contact(who)
        line.run(days=1)
    from nurture.core.event import Kind

    for who, event in (("ada", "one"), ("bob", "two"), ("eve", "three")):
        line.fact(who, Kind.CUSTOM, name=event)
    line.queries = type(line.queries)(line.releases.current())
    line.pass_()
    assert [[step for step, _ in line.sent_at(who)] for who in ("ada", "bob", "eve")] == [["hello", "e"]] * 3
    assert {one.email.subject for _, one in line.provider.handed} == {"Hello"}
    digests = {line.message(who, "e")["email_digest"] for who in ("ada", "bob", "eve")}
    assert len(digests) == 3
    sound(line)


def test_exit_lets_those_inside_leave(start: Start) -> None:
    line = started(start)
    line.publish(first=campaign(edited(**{"10 days": "1 day"}), edits="exit"))
    assert line.reason() == "edited"
    line.run(days=20)
    assert [step for step, _ in line.sent_at()] == ["hello"]
    sound(line)


def test_restart_begins_the_new_version_and_sends_no_unchanged_email_again(start: Start) -> None:
    line = started(start)
    line.publish(first=campaign(edited(**{"10 days": "1 day"}), edits="restart"))
    first, second = line.enrollments("ada")
    assert (first["reason"], first["state"], second["ordinal"], second["step"]) == ("edited", "ended", 1, "hello")
    line.run(days=10)
    assert [step for step, _ in line.sent_at()] == ["hello", "second", "third"]
    assert ("hello", "move", "had before") in line.why()
    line.publish(first=campaign(edited(**{"10 days": "3 days"}), edits="restart"))
    sound(line)


def test_restart_sends_another_email_of_the_same_step_to_those_who_had_the_one_before(start: Start) -> None:
    line = started(start)
    line.publish(first=campaign(edited(**{"send: hello": "send: hello, subject: News"}), edits="restart"))
    line.pass_()
    assert [one.email.subject for _, one in line.provider.handed] == ["Hello", "News"]
    sound(line)


def test_restart_sends_an_email_to_nobody_twice_because_its_step_has_another_id(start: Start) -> None:
    line = started(start)
    line.publish(first=campaign(edited(**{"id: hello": "id: greeting"}), edits="restart"))
    line.run(days=1)
    assert line.sent_at()[1:] == []
    assert line.states()[1:] == [("greeting", "skipped")]


def test_a_mended_template_lets_nobody_leave_or_begin_anew(start: Start) -> None:
    line = started(start)
    for mode in ("exit", "restart"):
        line.files["templates/emails/hello.html"] = TEMPLATE + f"<p>{mode}</p>"
        line.publish(first=campaign(STORY, edits=mode))
        assert [row["reason"] for row in line.enrollments("ada")] == [None]


# --- files that vanish or break -------------------------------------------------------------------------


def test_a_campaign_whose_file_is_gone_keeps_its_people_and_goes_on_when_it_is_back(start: Start) -> None:
    line = started(start)
    line.publish(first=None, other=campaign(audience="{stage: customer}"))
    line.run(days=10)
    assert [step for step, _ in line.sent_at()] == ["hello"]
    assert line.reason() is None
    line.publish(first=campaign(STORY))
    line.pass_()
    assert line.sent_at()[-1][0] == "second" or line.states()[-1] == ("second", "skipped")
    sound(line)


def test_a_campaign_that_comes_back_changed_takes_its_people_along(start: Start) -> None:
    line = started(start)
    line.publish(first=None)
    error = refused(line, first=campaign(edited(**{"id: pause": "id: breath"})))
    assert [one.rule for one in error.problems] == ["step-removed"]
    line.publish(first=campaign(edited(**{"id: pause": "id: breath"}), moved="{pause: breath}"))
    assert line.enrollment()["step"] == "breath"


def test_a_file_that_became_wrong_leaves_its_last_good_version_running(start: Start) -> None:
    from nurture.actions.check import check_files
    from nurture.actions.queries import Queries

    line = started(start)
    line.files["campaigns/first.yaml"] = campaign(STORY) + "nonsense: yes\n"
    line.files["templates/emails/fourth.html"] = TEMPLATE.replace("Hello", "News")
    line.queries = Queries(publish(line.releases, check_files(line.files), line.clock()))
    line.run(days=14)
    assert [step for step, _ in line.sent_at()] == ["hello", "second", "third"]
