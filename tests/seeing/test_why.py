"""The story of one person, from rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.line import Line, campaign

from nurture.actions.erase import erase
from nurture.actions.explain import Explained
from nurture.actions.story import Happened
from nurture.actions.why import Why, why
from nurture.core.campaign import Audience
from nurture.core.errors import InputError, NotFound
from nurture.core.event import Kind
from nurture.core.wording import said
from nurture.store.tables import decision

Start = Callable[..., Line]
STEPS = """
- {id: hello, send: hello}
- {id: pause, wait: 1 day}
- id: asks
  if: {clicked: hello}
  then: [{id: second, send: second}]
  else: [{id: third, send: third}]
- {id: rest, wait: 9 days}
"""


FAR = (
    "{purchased: {ever: yes, total: {at_least: 900 EUR}}, claimed_within: {click: 7 days, email: 3 days}, "
    "measured_over: 45 days}"
)


def of(line: Line, who: str = "ada", name: str | None = None) -> Why:
    return why(line.database, line.releases, f"{who}@example.com", line.clock(), name)


def outside(line: Line, name: str, who: str = "ada") -> Explained:
    return next(one for one in of(line, who).outside if one.campaign == name)


def answers(one: Explained) -> dict[str, tuple[str, bool]]:
    return {asked.text: (asked.found, asked.holds) for asked in one.reasons}


def test_a_story_is_told_in_order_with_every_decision_and_its_reason(start: Start) -> None:
    line = start(campaign(STEPS))
    line.add_contact("ada")
    line.pass_()
    line.clock.forward(hours=1)
    line.click("ada", "hello")
    line.run(days=2)
    line.buy("ada", "20", order="x")
    line.refund("x", "5")
    line.pass_()
    texts = [one.text for one in of(line).story]
    expected = [
        "entered first",
        'email first/hello "Hello": handed over',
        "email first/hello: accepted",
        "clicked first/hello",
        "lead → prospect: clicked",
        "first/asks: move, if: yes → second",
        "email first/second: accepted",
        "bought for 20.00 EUR (order x): converted, claimed by first (click at 2026-03-02 09:00 UTC)",
        "got 5.00 EUR back for order x",
        "left first: goal",
    ]
    assert [text for text in texts if text in expected] == expected
    assert [one.at for one in of(line).story] == sorted(one.at for one in of(line).story)


def test_what_is_next_says_where_they_stand_until_when_and_why(start: Start) -> None:
    line = start(campaign(STEPS))
    line.add_contact("ada")
    line.pass_()
    (one,) = of(line).next
    assert (one.campaign, one.step, one.why, one.held_out) == ("first", "pause", "waits 1 day", False)
    assert one.at == line.enrollment()["due_at"]


def test_the_held_out_are_told_so(start: Start) -> None:
    line = start(campaign(STEPS, holdout="100%"))
    line.add_contact("ada")
    line.pass_()
    assert of(line).next[0].held_out
    assert "entered first, held out" in [one.text for one in of(line).story]
    line.publish(other=campaign(holdout="100%"))
    assert outside(line, "other").held_out


def test_a_refusal_is_told_by_its_name(start: Start) -> None:
    line = start()
    line.add_contact("ada", consents=())
    line.pass_()
    assert "email first/hello: skipped (no-consent)" in [one.text for one in of(line).story]


def test_what_a_machine_did_is_told_as_such(start: Start) -> None:
    line = start()
    line.add_contact("ada")
    line.pass_()
    line.open("ada", "hello", machine="apple")
    assert "opened first/hello, by a machine (apple)" in [one.text for one in of(line).story]


def test_each_condition_of_a_campaign_they_are_not_in_is_answered(start: Start) -> None:
    where = "{stage: [lead, inactive], where: [{country: [DE, TR]}, {signed_up: {more_than: 60 days ago}}, {tag: vip}]}"
    line = start({"first": campaign(audience=where)})
    line.add_contact("ada")
    line.pass_()
    found = outside(line, "first")
    assert not found.enters
    assert answers(found) == {
        "status: live": ("is live", True),
        "stage: [lead, inactive]": ("is lead since 2026-03-02 08:00", True),
        "country: [DE, TR]": ("is DE", True),
        "signed_up: {more_than: 60 days ago}": ("signed up 0 minutes ago (2026-03-02 08:00)", False),
        "tag: vip": ("has no tag", False),
        "is in no other campaign": ("is in none", True),
    }
    line.tag("ada", "vip")
    line.clock.forward(days=61)
    assert outside(line, "first").enters


def test_being_busy_in_the_baseline_or_too_early_again_is_told(start: Start) -> None:
    line = start({"first": campaign(STEPS), "second": campaign(STEPS)})
    line.add_contact("ada")
    line.pass_()
    (other,) = of(line).outside
    inside = of(line).next[0].campaign
    assert answers(other)["is in no other campaign"] == (f"is in {inside}", False)
    line.buy("ada")
    line.pass_()
    again = outside(line, inside)
    assert answers(again)["re_enter: never"] == ("left 0 minutes ago (2026-03-02 08:00)", False)
    line.publish(third=campaign(audience="{stage: customer}", enter="{look: at once, backfill: no}"))
    line.pass_()
    matched = answers(outside(line, "third"))["backfill: no (matched only after it went live 2026-03-02 08:00)"]
    assert matched == ("matched already, and has matched ever since", False)


def test_a_draft_lets_nobody_in(start: Start) -> None:
    line = start(campaign(status="draft"))
    line.add_contact("ada")
    assert not outside(line, "first").enters
    assert answers(outside(line, "first"))["status: live"] == ("is draft", False)


def test_when_a_moment_or_a_day_comes_is_told(start: Start) -> None:
    line = start({
        "birthday": campaign(enter="{anniversary: birthday}", re_enter="300 days after leaving"),
        "letter": campaign(enter="{at: 2026-03-05 10:00, in: project time}", starts="2026-03-03", ends="2026-03-09"),
        "trial": campaign(enter="{date: trial_ends}"),
    })  # fmt: skip
    line.add_contact(attributes={"birthday": "04-17", "trial_ends": "soon"})
    line.pass_()
    birthday = answers(outside(line, "birthday"))["enter: {anniversary: birthday}"]
    assert birthday == ("birthday is 04-17; the day is 2026-04-17 00:00", False)
    trial = answers(outside(line, "trial"))["enter: {date: trial_ends}"]
    assert trial == ("trial_ends is soon; no day to come", False)
    letter = answers(outside(line, "letter"))
    assert letter["starts: 2026-03-03"] == ("starts 2026-03-03 00:00", False)
    assert letter["ends: 2026-03-09"] == ("ends 2026-03-10 00:00", True)
    moment = letter["enter: {at: 2026-03-05 10:00, in: project time}"]
    assert moment == ("comes 2026-03-05 10:00", False)
    assert not any(outside(line, name).enters for name in ("birthday", "letter", "trial"))
    line.clock.forward(days=3, hours=3)
    assert outside(line, "letter").enters


def test_one_campaign_can_be_asked_about_alone(start: Start) -> None:
    line = start({"first": campaign(STEPS), "second": campaign(STEPS, overlap="allow")})
    line.add_contact("ada")
    line.pass_()
    told = of(line, name="second")
    assert {one.campaign for one in told.story} == {None, "second"}
    assert told.outside == ()
    with pytest.raises(NotFound, match=r"'third'; there are: first, second"):
        of(line, name="third")
    with pytest.raises(NotFound, match=r"'secnd'; did you mean 'second'\?"):
        of(line, name="secnd")


def test_nobodys_address_is_told_as_such(start: Start) -> None:
    line = start()
    with pytest.raises(NotFound, match=r"ada@example\.com is no contact's"):
        of(line)
    line.add_contact("adam")
    with pytest.raises(NotFound, match=r"did you mean adam@example\.com\?"):
        of(line)
    with pytest.raises(InputError, match="not an email address"):
        why(line.database, line.releases, "ada", line.clock())


def test_a_condition_is_said_as_its_file_says_it() -> None:
    written = [
        {"not": {"received": {"within": "7 days"}}},
        {"purchased": {"ever": "yes", "total": {"at_least": "20 EUR"}}},
        {"attribute": {"seats": {"at_least": 5}}},
        {"clicked": ["hello", "second"]},
    ]
    found = [said(one) for one in Audience.model_validate({"where": written}).where]
    assert found == [
        "not: {received: {within: 7 days}}",
        "purchased: {ever: yes, total: {at_least: 20.00 EUR}}",
        "attribute: {seats: {at_least: 5}}",
        "clicked: [hello, second]",
    ]


def rested(line: Line, text: str, who: str = "ada") -> Happened:
    return next(one for one in of(line, who).story if one.text.startswith(text))


def written_at(line: Line, one: Happened) -> str:
    assert one.written
    return line.files[one.written.path].splitlines()[one.written.line - 1].strip()


def test_a_decision_is_told_with_the_values_it_rested_on_though_they_changed_since(start: Start) -> None:
    condition = "{all: [{attribute: {plan: pro}}, {not: {tag: gone}}, {clicked: {step: hello, since: entry}}]}"
    steps = f"""
    - {{id: hello, send: hello}}
    - {{id: pause, wait: 1 day}}
    - id: asks
      if: {condition}
      then: [{{id: rest, wait: 90 days}}]
    """
    line = start(campaign(steps))
    line.add_contact("ada", attributes={"plan": "pro", "seats": 5}, tags=("new",))
    line.pass_()
    line.clock.forward(hours=1)
    line.click("ada", "hello")
    line.run(days=1)
    line.change("ada", attributes={"plan": "free"})
    line.tag("ada", "gone")
    line.clock.forward(days=3)
    told = rested(line, "first/asks: move, if: yes → rest")
    (one,) = told.asked
    assert (one.name, one.holds, one.found) == ("if", True, "3 of 3 hold")
    assert [(part.found, part.holds) for part in one.parts] == [
        ('plan is "pro"', True), ("that does not hold", True),
        ("hello: clicked 23 hours ago (2026-03-02 09:00); entered 1 day ago (2026-03-02 08:00)", True),
    ]  # fmt: skip
    assert one.parts[1].parts[0].found == "has only new"
    assert written_at(line, told) == f"if: {condition}"
    assert "seats" not in str(line.rows(decision, "ada"))


@pytest.mark.parametrize(
    ("keys", "reason", "found", "holds", "rule"),
    [
        ({}, "goal", "bought 0 minutes ago (2026-03-02 08:00); entered 0 minutes ago (2026-03-02 08:00)", True,
         "goal: {purchased: {since: entry}, claimed_within"),
        ({"goal": FAR, "exit_when": "[{replied: {since: entry}}, {purchased: {times: {at_least: 1}}}]"},
         "exit_when 2", "bought 1 time in all", True, "exit_when: ["),
        ({"goal": FAR, "stay_while": "{stage: lead}"},
         "stay_while", "is customer since 2026-03-02 08:00", False, "stay_while: {stage: lead}"),
    ],
)  # fmt: skip
def test_leaving_is_told_with_the_values_of_its_rule(
    start: Start, keys: dict[str, str], reason: str, found: str, holds: bool, rule: str
) -> None:
    line = start(campaign("- {id: rest, wait: 9 days}", **keys))
    line.add_contact("ada")
    line.pass_()
    line.buy("ada")
    line.pass_()
    assert line.reason() == reason
    told = rested(line, f"first/rest: exit, {reason}")
    assert [(one.name, one.found, one.holds) for one in told.asked] == [(reason, found, holds)]
    assert written_at(line, told).startswith(rule)


def test_a_wait_that_ended_tells_whether_it_happened(start: Start) -> None:
    line = start(campaign("- {id: hopes, wait: {until: {replied: {since: entry}}, at_most: 2 days}}\n"
                          "- {id: rest, wait: 9 days}"))  # fmt: skip
    line.add_contact("ada")
    line.add_contact("bob")
    line.pass_()
    line.clock.forward(days=1)
    line.reply("bob")
    line.run(days=1)
    found = {who: rested(line, "first/hopes: move", who).asked[0] for who in ("ada", "bob")}
    assert (found["ada"].holds, found["bob"].holds) == (False, True)
    assert found["ada"].found.startswith("never replied; entered 2 days ago")
    assert found["bob"].found.startswith("replied 0 minutes ago (2026-03-03 08:00)")


def test_a_decision_names_the_version_whose_rule_decided(start: Start) -> None:
    steps = "- {id: pause, wait: 1 day}\n- {id: asks, if: {tag: vip}, then: [{id: rest, wait: 9 days}]}"
    line = start(campaign(steps))
    line.add_contact("ada", tags=("vip",))
    line.run(days=1)
    line.publish(first="# Another line.\n" + campaign(steps, title="Another title"))
    line.add_contact("bob", tags=("vip",))
    line.run(days=1)
    ada, bob = (rested(line, "first/asks: move", who).written for who in ("ada", "bob"))
    assert ada and bob
    assert (bob.version or 0) > (ada.version or 0)
    assert bob.line == ada.line + 1
    assert rested(line, "entered first").written != rested(line, "entered first", "bob").written


@pytest.mark.parametrize(
    "enter",
    ["{look: at once, backfill: yes}", "{at: 2026-03-02 08:00}", "{date: born}", "{on: demo_requested}"],
)
def test_entering_is_told_with_what_was_found_of_the_audience(start: Start, enter: str) -> None:
    where = "{stage: [lead, prospect], where: [{attribute: {plan: pro}}, {not: {tag: gone}}]}"
    line = start(campaign("- {id: rest, wait: 90 days}", audience=where, enter=enter))
    line.add_contact("ada", attributes={"plan": "pro", "born": "2026-03-02"})
    line.fact("ada", Kind.CUSTOM, name="demo_requested")
    line.pass_()
    assert line.enrollment()["campaign"] == "first"
    line.change("ada", attributes={"plan": "free"})
    line.tag("ada", "gone")
    line.clock.forward(days=3)
    told = rested(line, "entered first")
    assert [(one.name, one.text, one.found, one.holds) for one in told.asked] == [
        ("stage", "stage: [lead, prospect]", "is lead since 2026-03-02 08:00", True),
        ("where", "attribute: {plan: pro}", 'plan is "pro"', True),
        ("where", "not: {tag: gone}", "that does not hold", True),
    ]
    assert told.asked[2].parts[0].found == "has no tag"
    assert all(one.written for one in told.asked)


def test_what_an_erased_persons_decisions_rested_on_goes_with_them(start: Start) -> None:
    line = start(campaign("- {id: asks, if: {attribute: {plan: pro}}, then: [{id: rest, wait: 9 days}]}"))
    line.add_contact("ada", attributes={"plan": "pro"})
    line.pass_()
    assert any(row["rested_on"] for row in line.rows(decision, "ada"))
    assert line.enrollment()["rested_on"]
    erase(line.database, "ada@example.com", line.clock())
    assert not any(row["rested_on"] for row in line.rows(decision, "ada"))
    assert line.enrollment()["rested_on"] is None


def test_where_they_stand_is_told_with_what_would_let_them_leave_and_what_the_gate_says(start: Start) -> None:
    line = start(campaign(STEPS, send_window="{hours: 12:00-13:00}", exit_when="[{replied: {since: entry}}]"))
    line.add_contact("ada")
    line.pass_()
    (one,) = of(line).next
    assert [(found.name, found.holds, found.found) for found in one.asked] == [
        ("goal", False, "never bought; entered 0 minutes ago (2026-03-02 08:00)"),
        ("exit_when 1", False, "never replied; entered 0 minutes ago (2026-03-02 08:00)"),
    ]
    assert one.gate and (one.gate.name, one.gate.holds) == ("window", False)
    assert one.gate.flips_at and one.gate.flips_at.hour == 12
    assert one.written and "id: hello" in line.files[one.written.path].splitlines()[one.written.line - 1]
    line.clock.at = one.gate.flips_at
    gate = of(line).next[0].gate
    assert gate and gate.holds
    line.run(days=1)
    (asks,) = (found for found in of(line).next if found.step != "hello")
    assert asks.gate is None


def test_who_finishes_on_an_earlier_version_is_told_by_its_lines(start: Start) -> None:
    steps = "- {id: pause, wait: 1 day}\n- {id: hello, send: hello}\n- {id: rest, wait: 9 days}"
    line = start(campaign(steps, edits="finish", send_window="{hours: 12:00-13:00}"))
    line.add_contact("ada")
    line.pass_()
    before = line.files["campaigns/first.yaml"].splitlines()
    other = "- {id: pause, wait: 1 day}\n- {id: third, send: third}"
    after = campaign(other, edits="finish", exit_when="[{tag: gone}]")
    line.publish(first="# Another line.\n" + after)
    (one,) = of(line).next
    assert one.written and one.written.version == 1
    assert before[one.written.line - 1].strip() == "- {id: pause, wait: 1 day}"
    assert [found.name for found in one.asked] == ["goal"]
    line.run(days=1)
    (one,) = of(line).next
    assert (one.step, one.gate.name if one.gate else None) == ("hello", "window")
    line.run(days=1)
    assert rested(line, "first/hello: move, sent").written == rested(line, "first/hello: send").written


def test_whose_campaign_is_gone_or_paused_is_told_so(start: Start) -> None:
    line = start({"first": campaign(STEPS), "second": campaign(audience="{where: [{tag: vip}]}")})
    line.add_contact("ada")
    line.pass_()
    line.publish(first=campaign(STEPS, status="paused"))
    (one,) = of(line).next
    assert [(found.found, found.holds) for found in one.asked if found.name == "status"] == [
        ("is paused, so nobody moves", False)
    ]
    line.publish(first=None)
    (one,) = of(line).next
    assert (one.asked[0].name, one.asked[0].holds) == ("status", False)
