"""What happens in a story is told to the engine as other programs tell it, and does what it does there."""

from __future__ import annotations

import pytest
from support.line import PROJECT, campaign

from .conftest import GIVEN, Play, stories

WAITS = campaign(
    """
    - {id: hello, send: hello}
    - {id: rest, wait: 3 days}
    - {id: again, send: second}
    """,
    exit_when="[{replied: {since: entry}}]",
)
COUPONS = PROJECT + "coupons:\n  spring: {worth: 10%}\n"


def told(play: Play, story: str, campaigns: str = WAITS, given: str = GIVEN, project: str = PROJECT) -> None:
    """The story comes as it is told."""
    (played,) = play(stories(story, given=given), campaigns, project)
    assert played.deviation is None, f"{played.line}: {played.deviation.instead}"


@pytest.mark.parametrize(
    "story",
    [
        "- {gets: hello}\n- {opens: hello}\n- {stage: prospect}\n- {gets: again}",
        "- {gets: hello}\n- {opens: hello, by_machine: yes}\n- {stage: lead}\n- {gets: again}",
        "- {gets: hello}\n- {clicks: hello, by_machine: yes}\n- {stage: lead}\n- {gets: again}",
        "- {gets: hello}\n- {replies: hello}\n- {exits: first, because: exit_when}",
        "- {gets: hello}\n- {bounces: hello}\n- {suppressed: bounced}\n- {skips: again, because: suppressed}",
        "- {gets: hello}\n- {bounces: hello, class: soft}\n- {suppressed: no}\n- {gets: again}",
        "- {gets: hello}\n- {complains: hello}\n- {suppressed: complained}",
        "- {gets: hello}\n- {unsubscribes: offers}\n- {suppressed: no}\n- {skips: again, because: no-consent}",
        "- {gets: hello}\n- {unsubscribes: everything}\n- {suppressed: unsubscribed}",
        "- {gets: hello}\n- {unsubscribes: offers}\n- {permits: offers, after: 1 hour}\n- {gets: again}",
        "- {gets: hello}\n- {fills_in: guide}\n- {stage: prospect}\n- {gets: again}",
        "- {gets: hello}\n- {buys: 20 EUR, order: A-1}\n- {exits: first, because: goal}\n- {gets_back: A-1}",
        "- {gets: hello}\n- {changes: {tags: vip, attributes: {plan: pro}}}\n"
        "- {has: {tags: vip, attributes: {plan: pro}}}\n- {lacks: {tags: a, attributes: {plan: b}}}\n- {gets: again}",
        "- {gets: hello}\n- {clicks: hello, on: wed, at: 14:30}\n- {gets: again, on: thu 2026-03-05, at: 09:00}",
        "- {gets: hello}\n- {until: wed, at: 10:00}\n- {stands_at: rest}\n- {wait: 1 day}\n- {gets: again}",
    ],
)
def test_what_somebody_does_has_its_consequences(play: Play, story: str) -> None:
    told(play, story)


def test_what_happened_before_is_known_when_the_story_begins(play: Play) -> None:
    given = GIVEN + "  before:\n    - {buys: 30 EUR, when: 400 days ago}\n    - {clicks: an email, when: 10 days ago}\n"
    steps = "[{id: hello, send: hello}, {id: rest, wait: 1 day}, {id: again, send: second}]"
    story = "- {stage: former}\n- {gets: hello}\n- {gets: again}"
    told(play, story, campaign(steps, audience="{stage: former}"), given)


def test_other_people_do_things_too(play: Play) -> None:
    given = GIVEN + "  others: {friend: {first_name: Bo, consents: offers, timezone: Europe/Istanbul}}\n"
    story = "- {gets: hello, who: friend}\n- {replies: hello, who: friend}\n- {exits: first, who: friend}\n"
    told(play, story + "- {gets: hello}\n- {gets: again}", WAITS, given)


def test_a_code_is_spent_by_an_order_and_an_empty_pool_is_told(play: Play) -> None:
    steps = "[{id: hello, send: hello, coupon: {pool: spring, valid_for: 10 days}}]"
    template = {"hello": "---\nsubject: Hi\n---\n<p>{{ coupon.code }}</p>{{ project.postal_address }}\n"
                         '<a href="{{ links.unsubscribe }}">stop</a>\n'}  # fmt: skip
    (spent, empty) = play(
        stories(
            "- {gets: hello, text: SPRING-0}\n- {exits: first}\n- {buys: 20 EUR, coupon: hello}",
            "- {skips: hello, because: no-coupon}",
        ).replace("story 1\n", "story 1\n    given: {coupons: {spring: 0}}\n"),
        campaign(steps), COUPONS, templates=template,
    )  # fmt: skip
    assert (spent.deviation, empty.deviation) == (None, None)


def test_a_changed_file_is_followed_by_who_is_under_way(play: Play) -> None:
    longer = "{steps: [{id: hello, send: hello}, {id: rest, wait: 6 days}, {id: again, send: third}]}"
    told(
        play,
        f"""
        - {{gets: hello}}
        - {{wait: 1 day}}
        - {{file: {longer}}}
        - {{gets: again, on: sun 2026-03-08, at: 09:00}}
        """,
    )


def test_an_edit_that_would_lose_people_is_refused_as_the_service_refuses_it(play: Play) -> None:
    shorter = "{steps: [{id: hello, send: hello}, {id: again, send: second}]}"
    told(play, f"- {{gets: hello}}\n- {{file: {shorter}, refused: rest}}\n- {{gets: again}}")


def test_a_campaign_that_ends_lets_nobody_in_and_those_inside_finish(play: Play) -> None:
    told(play, "- {gets: hello}\n- {file: {status: ended}}\n- {gets: again}\n- {exits: first}")
    ended = "- {file: {status: ended}}\n- {changes: {tags: vip}}\n- {stays_out: first, because: status}"
    told(play, ended, WAITS.replace("{stage: [lead, prospect]}", "{where: [{tag: vip}]}"))


def test_a_change_that_is_not_right_is_told_with_its_mistake(play: Play) -> None:
    (played,) = play(stories("- {gets: hello}\n- {file: {stattus: ended}}"), WAITS)
    assert played.deviation
    assert "the change is refused" in played.deviation.instead
    assert "stattus" in played.deviation.instead


def test_a_draft_is_tried_as_if_it_were_live(play: Play) -> None:
    told(play, "- {gets: hello}\n- {gets: again}", WAITS.replace("status: live", "status: draft   # soon"))
