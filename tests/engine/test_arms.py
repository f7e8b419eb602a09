"""Who is held out: by a campaign, from a step on, by the project; and how the arms are measured."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.line import PROJECT, Line, campaign

from engine.conftest import Start
from nurture.actions.doctor import invariants
from nurture.actions.picture import pictures
from nurture.actions.report import Comparison, Report, report
from nurture.actions.why import why
from nurture.core.decide import Arm
from nurture.core.experiment import arm_in
from nurture.files.loader import load_files
from nurture.store import tables as t
from nurture.store.pages import standings

STORY = """
- {id: hello, send: hello}
- {id: pause, wait: 3 days}
- {id: second, send: second}
- {id: mark, set: {tags: {add: [told]}}}
- {id: rest, wait: 30 days}
"""
FROM = "{share: 99%, from: second}"
LATE = "goal: {purchased: {since: entry}, claimed_within: {click: 7 days, email: 3 days}, measured_over: 10 days}"


def people(line: Line, count: int = 20) -> list[str]:
    names = [f"one{number}" for number in range(count)]
    for name in names:
        line.add_contact(name)
    return names


def sound(line: Line) -> None:
    assert [one.name for one in invariants(line.database, line.program, None, line.clock()) if not one.ok] == []


def told(line: Line) -> Report:
    return report(line.database, line.program, line.clock())


def compared(line: Line) -> Comparison:
    found = told(line).campaigns[0].comparison
    assert found is not None
    return found


# --- from a step on ----------------------------------------------------------------------------------


def test_everybody_is_emailed_before_the_step_and_the_held_out_no_more_from_it_on(start: Start) -> None:
    line = start(campaign(STORY, holdout=FROM))
    names = people(line)
    line.run(days=10)
    held = [name for name in names if line.enrollment(name)["arm"] == "holdout"]
    assert len(held) > 15
    assert all(line.states(name) == [("hello", "accepted")] for name in held)
    assert all(line.enrollment(name)["step"] == "rest" for name in held)
    assert {line.states(name)[-1] for name in names if name not in held} <= {("second", "accepted")}
    assert line.rows(t.contact_tag, held[0]) == []
    sound(line)


def test_both_arms_are_measured_from_when_they_come_to_the_step(start: Start) -> None:
    line = start(campaign(STORY, holdout="{share: 50%, from: second}"))
    entered = line.clock()
    names = people(line)
    line.run(days=2)
    assert {line.enrollment(name)["measured_from"] for name in names} == {None}
    line.run(days=2)
    assert {line.enrollment(name)["measured_from"] for name in names} == {entered + timedelta(days=3)}


def test_who_bought_before_the_step_is_in_no_arm(start: Start) -> None:
    line = start(campaign(STORY, holdout="{share: 50%, from: second}"))
    names = people(line)
    line.run(days=1)
    line.buy(names[0])
    line.run(days=4)
    line.buy(names[1])
    line.run(days=60)
    arms = compared(line)
    assert arms.emailed.contacts + arms.held_out.contacts == len(names) - 1
    assert arms.emailed.reached + arms.held_out.reached == 1
    assert arms.measured_from == "step second"


def test_the_measured_time_runs_from_the_step(start: Start) -> None:
    line = start(campaign(STORY, holdout="{share: 50%, from: second}", goal=LATE.removeprefix("goal: ")))
    names = people(line)
    line.run(days=12)
    arms = compared(line)
    assert (arms.emailed.contacts, arms.held_out.contacts) == (0, 0)
    assert arms.emailed.running + arms.held_out.running == len(names)
    line.buy(names[0])
    line.run(days=2)
    arms = compared(line)
    assert (arms.emailed.running, arms.held_out.running) == (0, 0)
    assert arms.emailed.reached + arms.held_out.reached == 1


def test_who_comes_to_the_step_on_no_way_is_not_held_out(start: Start) -> None:
    steps = """
    - {id: hello, send: hello}
    - id: asks
      if: {tag: vip}
      then: [{id: second, send: second}]
    - {id: third, send: third}
    """
    line = start(campaign(steps, holdout="{share: 100%, from: second}"))
    line.add_contact("ada", tags=["vip"])
    line.add_contact("bob")
    line.run(days=1)
    assert line.states("ada") == [("hello", "accepted")]
    assert line.states("bob") == [("hello", "accepted"), ("third", "accepted")]
    sound(line)


def test_an_email_that_is_owed_already_is_not_taken_back_when_holding_out_begins_earlier(start: Start) -> None:
    line = start(campaign(STORY, holdout=FROM, send_window="{hours: 12:00-13:00}"))
    line.add_contact()
    line.pass_()
    assert line.states() == [("hello", "due")]
    line.publish(first=campaign(STORY, holdout="99%", send_window="{hours: 12:00-13:00}"))
    line.run(days=10)
    assert line.states() == [("hello", "accepted")]
    sound(line)


def test_an_email_sent_after_the_step_to_somebody_held_out_is_found(start: Start) -> None:
    line = start(campaign(STORY, holdout="{share: 0%, from: second}"))
    line.add_contact()
    line.run(days=10)
    with line.database.write() as connection:
        connection.execute(t.enrollment.update().values(arm="holdout"))
    broken = [one.name for one in invariants(line.database, line.program, None, line.clock()) if not one.ok]
    assert broken == ["held out"]


def test_the_page_counts_them_as_emailed_until_they_come_to_the_step(start: Start) -> None:
    line = start(campaign(STORY, holdout="{share: 100%, from: second}"))
    people(line, 4)
    line.run(days=1)

    def drawn() -> tuple[int, int, int, int]:
        with line.database.read() as connection:
            one = pictures(line.program, standings(connection), [], {})[0]
        return one.entered[Arm.EMAILED], one.entered[Arm.HOLDOUT], one.measured.total(), one.nodes[1].emailed

    assert drawn() == (4, 0, 0, 4)
    line.run(days=3)
    assert drawn() == (0, 4, 4, 0)


def test_a_story_tells_from_when_somebody_was_held_out(start: Start) -> None:
    line = start(campaign(STORY, holdout="{share: 100%, from: second}"))
    line.add_contact()
    line.run(days=1)
    told = why(line.database, line.releases, "ada@example.com", line.clock())
    assert not told.next[0].held_out
    assert "entered first" in [one.text for one in told.story]
    line.run(days=3)
    told = why(line.database, line.releases, "ada@example.com", line.clock())
    assert told.next[0].held_out
    assert "held out of first from here on" in [one.text for one in told.story]


# --- by the project ----------------------------------------------------------------------------------

HALF = PROJECT + "holdout: 50%\n"


def test_the_project_holds_out_of_every_campaign_but_transactional_ones(start: Start) -> None:
    orders = campaign("[{id: thanks, send: third}]", topic="orders", overlap="allow")
    line = start({"first": campaign(), "second": campaign(overlap="allow"), "orders": orders}, project=HALF)
    names = people(line)
    line.run(days=1)
    for name in names:
        arms = {row["campaign"]: row["arm"] for row in line.enrollments(name)}
        assert arms["orders"] == "emailed"
        assert arms["first"] == arms["second"]
        sent = {row["campaign"] for row in line.messages(name)}
        assert sent == ({"orders"} if arms["first"] == "project" else {"orders", "first", "second"})
    assert 3 < len(line.enrollments(campaign="first", arm="project")) < 17
    sound(line)


def test_those_held_out_by_the_project_are_in_neither_arm_of_a_campaign(start: Start) -> None:
    line = start(campaign(holdout="50%"), project=HALF)
    people(line, 40)
    line.run(days=50)
    arms = compared(line)
    by_project = len(line.enrollments(arm="project"))
    assert arms.emailed.contacts + arms.held_out.contacts + by_project == 40
    assert 0 < arms.held_out.contacts < 20
    assert told(line).campaigns[0].held_out_by_project == by_project > 5


def test_the_project_s_holdout_is_compared_with_all_others(start: Start) -> None:
    line = start({"first": campaign(holdout="50%"), "second": campaign(overlap="allow")}, project=HALF)
    names = people(line, 40)
    line.run(days=5)
    held = [name for name in names if line.enrollment(name)["arm"] == "project"]
    line.buy(held[0], "30")
    line.buy(next(name for name in names if name not in held), "10")
    line.run(days=50)
    whole = told(line).holdout
    assert whole is not None
    assert (whole.held_out.contacts, whole.held_out.reached, whole.held_out.revenue) == (len(held), 1, 3000)
    assert (whole.emailed.contacts, whole.emailed.reached, whole.emailed.revenue) == (40 - len(held), 1, 1000)


def test_a_project_that_holds_nobody_out_compares_nothing(start: Start) -> None:
    line = start()
    line.add_contact()
    line.run(days=1)
    assert told(line).holdout is None


def test_a_larger_share_keeps_whom_the_project_held_out(start: Start) -> None:
    line = start(project=PROJECT + "holdout: 10%\n")
    course, project = line.program.courses["first"], line.program.project
    names = [f"contact{number}" for number in range(500)]

    def held(share: float) -> set[str]:
        kept = project.model_copy(update={"holdout": share})
        return {name for name in names if arm_in(course, kept, "salt", name) is Arm.PROJECT}

    assert 20 < len(held(0.1)) < 90
    assert held(0.1) < held(0.3)


def test_the_held_out_of_the_project_leave_campaigns_like_everybody(start: Start) -> None:
    line = start(campaign(STORY), project=PROJECT + "holdout: 99%\n")
    names = people(line)
    line.run(days=1)
    held = [name for name in names if line.enrollment(name)["arm"] == "project"]
    line.buy(held[0])
    line.run(days=40)
    assert line.reason(held[0]) == "goal"
    assert line.reason(held[1]) == "completed"
    assert line.rows(t.contact_tag, held[1]) == []


def test_a_story_says_that_the_project_holds_somebody_out(start: Start) -> None:
    line = start(project=PROJECT + "holdout: 100%\n")
    line.add_contact()
    line.run(days=1)
    told = why(line.database, line.releases, "ada@example.com", line.clock())
    assert "entered first, held out by the project" in [one.text for one in told.story]


# --- what webhooks are told ----------------------------------------------------------------------------

HOOK = "webhooks: {crm: {url: 'https://crm.acme.example/hook'}}\n"
TELLS = "- {id: hello, send: hello}\n- {id: tell, notify: {webhook: crm, about: x}}\n- {id: rest, wait: 30 days}"


@pytest.mark.parametrize("share", ["{share: 0%, from: tell}", "0%"])
def test_a_notice_about_somebody_held_out_is_found(start: Start, share: str) -> None:
    line = start(campaign(TELLS, holdout=share), project=PROJECT + HOOK)
    line.add_contact()
    line.run(days=1)
    sound(line)
    with line.database.write() as connection:
        connection.execute(t.message.delete())
        connection.execute(t.enrollment.update().values(arm="holdout"))
    broken = {one.name for one in invariants(line.database, line.program, None, line.clock()) if not one.ok}
    assert "not told of" in broken


def test_a_notice_from_before_the_step_is_right(start: Start) -> None:
    steps = TELLS + "\n- {id: second, send: second}"
    line = start(campaign(steps, holdout="{share: 100%, from: rest}"), project=PROJECT + HOOK)
    line.add_contact()
    line.run(days=40)
    assert len(line.rows(t.webhook_delivery)) == 1
    assert line.states() == [("hello", "accepted")]
    sound(line)


# --- files -------------------------------------------------------------------------------------------


def test_holding_out_of_mail_about_orders_is_refused(start: Start) -> None:
    line = start()
    files = {**line.files, "campaigns/first.yaml": campaign(topic="orders", holdout="10%")}
    (problem,) = load_files(files).problems
    assert problem.rule == "no-meaning"
    assert not load_files({**files, "campaigns/first.yaml": campaign(topic="orders", holdout="0%")}).problems
