"""Every version that ran is known; an earlier one can run again, and people are let go only when somebody says so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.line import TEMPLATE, Line, campaign

from nurture.actions.check import check_files
from nurture.actions.doctor import check_campaigns, invariants
from nurture.actions.history import drop, history, roll_back, text_of, undo
from nurture.actions.publish import foresee, publish
from nurture.actions.queries import Queries
from nurture.actions.release import Releases
from nurture.actions.status import status
from nurture.core.errors import InputError, NotFound, ProjectError
from nurture.store import tables

from .conftest import Start

SHORT = "[{id: hello, send: hello}, {id: pause, wait: 5 days}, {id: second, send: second}]"
LONG = SHORT.replace("5 days", "20 days")


def begun(start: Start) -> Line:
    """Ada waits; the file says first 5 days, then 20."""
    line = start(campaign(SHORT))
    line.releases.by = "ada@desk"
    line.add_contact()
    line.pass_()
    line.clock.forward(days=1)
    line.publish(first=campaign(LONG))
    return line


def follow(line: Line) -> None:
    """What a service does that finds that something else runs."""
    line.queries = Queries(line.releases.current())


def again(line: Line) -> None:
    """A service starts, or looks at files that nobody changed."""
    publish(line.releases, check_files(line.files), line.clock())
    follow(line)


def wait_of(line: Line) -> str:
    return str(line.program.courses["first"].places["pause"].step.wait)


def test_every_version_is_kept_with_who_ran_it_and_what_it_changed(start: Start) -> None:
    line = begun(start)
    first, second = history(line.database, "first").versions
    assert (first.version, first.what, first.by, first.running) == (1, "added", "", False)
    assert (second.version, second.what, second.by, second.people) == (2, "changed", "ada@desk", 1)
    assert second.words == ("'pause' waits 20 days instead of 5 days",)
    assert second.running
    text, difference = text_of(line.database, "first", 2)
    assert text == campaign(LONG)
    assert "+steps: [{id: hello, send: hello}, {id: pause, wait: 20 days}" in difference
    with pytest.raises(NotFound, match="there are: 1, 2"):
        text_of(line.database, "first", 3)


def test_starting_again_with_the_same_files_is_no_new_version(start: Start) -> None:
    line = begun(start)
    again(line)
    assert len(history(line.database, "first").versions) == 2
    assert len(history(line.database).versions) == 2


def test_an_earlier_version_runs_until_the_files_change(start: Start) -> None:
    line = begun(start)
    roll_back(line.releases, "first", None, line.clock())
    again(line)
    assert wait_of(line) == "5 days"
    line.publish(other=campaign(audience="{stage: customer}"))
    assert wait_of(line) == "5 days"
    line.publish(first="# Laid out anew.\n" + campaign(LONG))
    assert wait_of(line) == "5 days"
    line.run(days=5)
    assert [step for step, _ in line.sent_at()] == ["hello", "second"]
    line.publish(first=campaign(LONG.replace("20", "30")))
    assert wait_of(line) == "30 days"
    versions = [(one.version, one.what) for one in history(line.database, "first").versions]
    assert versions == [(1, "added"), (2, "changed"), (1, "rolled back"), (3, "changed")]


def test_going_back_can_be_undone(start: Start) -> None:
    line = begun(start)
    roll_back(line.releases, "first", 1, line.clock())
    follow(line)
    assert status(line.database, line.program, line.clock()).campaigns[0].rolled_back is not None
    undo(line.releases, "first", line.clock())
    follow(line)
    assert wait_of(line) == "20 days"
    assert status(line.database, line.program, line.clock()).campaigns[0].rolled_back is None
    with pytest.raises(NotFound, match="runs as its files say"):
        undo(line.releases, "first", line.clock())


def test_the_emails_go_back_too(start: Start) -> None:
    line = start(campaign(SHORT))
    line.add_contact()
    line.pass_()
    line.files["templates/emails/second.html"] = TEMPLATE.replace("Hello", "News")
    line.publish(first=campaign(LONG))
    roll_back(line.releases, "first", 1, line.clock())
    again(line)
    line.run(days=6)
    assert line.message(step="second")["subject"] == "Hello"


def test_the_whole_project_goes_back_to_what_ran(start: Start) -> None:
    line = begun(start)
    line.publish(other=campaign(audience="{stage: customer}"))
    roll_back(line.releases, "", 1, line.clock())
    again(line)
    assert (list(line.program.courses), wait_of(line)) == (["first"], "5 days")
    undo(line.releases, "", line.clock())
    follow(line)
    assert (list(line.program.courses), wait_of(line)) == (["first", "other"], "20 days")


def test_going_back_is_refused_as_an_edit_would_be_and_leaves_nothing_behind(start: Start) -> None:
    line = begun(start)
    moved = LONG.replace("id: pause, wait", "id: rest, wait")
    line.publish(first=campaign(moved, removed="{pause: exit}"))
    line.add_contact("eve")
    line.pass_()
    with pytest.raises(ProjectError, match="stands at the step 'rest'"):
        roll_back(line.releases, "first", 1, line.clock())
    assert history(line.database, "first").pin is None
    with pytest.raises(InputError, match="is what runs"):
        roll_back(line.releases, "first", 3, line.clock())
    with pytest.raises(NotFound, match="has no version 9"):
        roll_back(line.releases, "first", 9, line.clock())


def test_going_back_before_a_step_was_renamed_gives_it_the_id_it_had(start: Start) -> None:
    line = begun(start)
    line.publish(first=campaign(LONG.replace("id: hello", "id: welcome"), moved="{hello: welcome}"))
    roll_back(line.releases, "first", 2, line.clock())
    follow(line)
    assert line.states() == [("hello", "accepted")]
    line.run(days=30)
    assert [step for step, _ in line.sent_at()] == ["hello", "second"]
    found = invariants(line.database, line.program, None, line.clock(), slack=timedelta())
    assert [one.name for one in found if not one.ok] == []


def test_a_campaign_whose_file_is_gone_is_told_of_and_its_people_leave_when_somebody_says_so(start: Start) -> None:
    line = begun(start)
    with pytest.raises(InputError, match="remove the file first"):
        drop(line.releases, "first", line.clock())
    line.publish(first=None)
    told = status(line.database, line.program, line.clock())
    assert [one for one in told.needs if "nurture drop first" in one]
    assert ["nurture drop first" in one.text for one in check_campaigns(line.database)] == [True]
    assert drop(line.releases, "first", line.clock()) == 1
    assert line.reason() == "campaign-removed"
    assert [row["state"] for row in line.messages("ada")] == ["accepted"]
    assert not status(line.database, line.program, line.clock()).needs
    with pytest.raises(NotFound, match="nobody is in"):
        drop(line.releases, "first", line.clock())
    assert [one.what for one in history(line.database, "first").versions] == ["added", "changed", "removed", "dropped"]


def test_a_file_that_became_wrong_is_told_of_until_it_is_mended(start: Start) -> None:
    line = begun(start)
    line.files["campaigns/first.yaml"] += "nonsense: yes\n"
    again(line)
    (need,) = status(line.database, line.program, line.clock()).needs
    assert "first runs as it was published last" in need
    assert "unknown key 'nonsense'" in need
    line.publish(first=campaign(LONG))
    assert not status(line.database, line.program, line.clock()).needs


def test_a_process_that_does_not_know_what_runs_now_moves_nobody(start: Start) -> None:
    line = start(campaign(SHORT))
    line.add_contact()
    line.pass_()
    stale, fresh = line.queries, Releases(line.database)
    moved = campaign(LONG.replace("id: pause", "id: rest"), moved="{pause: rest}")
    files = line.files | {"campaigns/first.yaml": moved}
    publish(fresh, check_files(files), line.clock())
    line.add_contact("eve")
    line.clock.forward(days=6)
    line.queries = stale
    assert not line.tick().decided
    assert line.enrollments("eve") == []
    assert line.sent_at("eve") == []
    line.queries = Queries(line.releases.current())
    line.pass_()
    assert line.enrollment("ada")["step"] == "rest"
    assert line.states("eve") == [("hello", "accepted")]


def test_what_an_edit_would_do_is_told_before_it_happens_and_leaves_nothing(start: Start) -> None:
    line = begun(start)
    files = line.files | {"campaigns/first.yaml": campaign(SHORT.replace("id: pause", "id: rest"))}
    (edit,), problems = foresee(line.database, line.releases, check_files(files), line.clock())
    assert (edit.campaign, edit.what, edit.people) == ("first", "changed", 0)
    assert [one.rule for one in problems] == ["step-removed"]
    files["campaigns/first.yaml"] = campaign(SHORT, edits="exit")
    (edit,), problems = foresee(line.database, line.releases, check_files(files), line.clock())
    assert ([(way.step, way.people) for way in edit.touched], problems) == ([("pause", 1)], [])
    assert len(history(line.database).versions) == 2
    again(line)
    assert wait_of(line) == "20 days"


def test_an_upgrade_compiles_nothing_anew_that_people_hold(start: Start) -> None:
    line = start(campaign(SHORT, edits="finish"))
    line.add_contact()
    line.pass_()
    # As if an earlier nurture had compiled the first email otherwise.
    (other,) = line.rows(tables.release_email, step="second", locale="")
    email = tables.release_email.c
    with line.database.write() as connection:
        connection.execute(tables.release.update().values(version="0.0.1"))
        connection.execute(tables.release_email.update().where(email.step == "hello").values(digest=other["digest"]))
    line.releases = Releases(line.database)
    again(line)
    assert line.releases.current().emails["first", "hello", "", ""] == other["digest"]
    assert history(line.database, "first").versions[-1].version == 1
    assert line.enrollment()["pinned"] is None
    line.publish(other=campaign(audience="{stage: customer}"))
    assert line.releases.current().emails["first", "hello", "", ""] == other["digest"]
    line.publish(first=campaign(LONG, edits="finish"))
    assert line.releases.current().emails["first", "hello", "", ""] != other["digest"]
