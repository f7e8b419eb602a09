"""The ways through a campaign that no story has gone are named."""

from __future__ import annotations

from support.line import campaign

from nurture.actions.ground import grounds
from nurture.actions.scenarios import Wanted, covered, play_all

from .conftest import checked, stories

FORKS = campaign(
    """
    - {id: hello, send: hello, variants: [{id: a}, {id: b, subject: Other}]}
    - {id: patience, wait: {until: {clicked: hello}, at_most: 2 days}}
    - id: way
      split: [{id: left, share: 50%, steps: [{id: more, send: second}]}, {id: right, share: 50%}]
    - {id: mark, set: {tags: {add: [done]}}}
    """,
    audience="{stage: [lead, prospect], where: [{country: [TR, DE]}]}",
    holdout="10%",
    stay_while="{stage: [lead, prospect]}",
    exit_when="[{replied: {since: entry}}]",
)
GIVEN = """\
campaign: first
given:
  now: 2026-03-02 09:00
  contact: {first_name: Ada, country: TR, consents: offers}
  chance: {hello: a, way: left}
"""


def missing(*told: str, given: str = GIVEN) -> set[str]:
    found = checked(stories(*told, given=given), FORKS)
    assert not found.errors, "\n".join(map(str, found.errors))
    with grounds(found) as ready:
        played = list(play_all(found, ready, Wanted()))
    assert [one.deviation for one in played if not one.passed] == []
    (one,) = covered(found, played)
    assert one.branches == 18
    return {str(way) for way in one.missing}


def test_one_story_leaves_the_other_ways_untold() -> None:
    story = "- {gets: hello, variant: a}\n- {clicks: hello}\n- {gets: more}\n- {has: {tags: done}}"
    assert missing(story) == {
        "is held out", "stays out: stage", "stays out: country: [TR, DE]", "hello: is sent, b",
        "patience: it did not happen", "way: split: right", "no email: suppressed", "no email: no-consent",
        "leaves: goal", "leaves: exit_when 1", "leaves: stay_while",
    }  # fmt: skip


def test_what_is_expected_to_keep_somebody_out_counts_only_where_it_does() -> None:
    told = "- {stays_out: first, because: country}"
    ways = missing(told, given=GIVEN.replace("TR", "FR"))
    assert "stays out: country: [TR, DE]" not in ways
    assert "stays out: stage" in ways


def test_chance_falls_as_it_is_given() -> None:
    given = GIVEN.replace("{hello: a, way: left}", "{hello: b, way: right}")
    story = "- {gets: hello, variant: b, subject: Other}\n- {gets: nothing, for: 5 days}\n- {has: {tags: done}}"
    ways = missing(story, given=given)
    assert {"hello: is sent, a", "way: split: left", "patience: it happened"} <= ways
    assert not {"hello: is sent, b", "way: split: right", "patience: it did not happen"} & ways


def test_who_is_held_out_walks_the_same_way_without_emails() -> None:
    given = GIVEN.replace("  chance:", "  held_out: yes\n  chance:")
    ways = missing("- {enters: first, held_out: yes}\n- {gets: nothing, for: 5 days}", given=given)
    assert {"hello: is sent, a", "leaves: goal"} <= ways
    assert not {"is held out", "patience: it did not happen"} & ways
