"""A story is as it is told, or the first line that is not is named with what happened instead."""

from __future__ import annotations

import pytest
from support.line import campaign

from .conftest import Play, stories

WAITS = campaign(
    """
    - {id: hello, send: hello}
    - {id: rest, wait: 3 days}
    - id: answered
      if: {clicked: hello}
      then: [{id: more, send: second}]
      else: [{id: again, send: third}]
    """,
    send_window="{days: mon-fri, hours: 10:00-18:00}",
    exit_when="[{replied: {since: entry}}]",
)


def instead(play: Play, story: str, campaigns: str = WAITS) -> tuple[int | None, str]:
    """Where a story deviates, and what happened instead."""
    (played,) = play(stories(story), campaigns)
    assert played.deviation
    return played.deviation.line, played.deviation.instead


def test_a_story_that_comes_as_it_is_told_passes(play: Play) -> None:
    (played,) = play(
        stories(
            """
            - {enters: first, on: mon 2026-03-02, at: 09:00}
            - {gets: hello, on: mon, at: 10:00-11:00, subject: Hello, text: Hi Ada}
            - {clicks: hello, after: 2 hours}
            - {stage: prospect}
            - {stands_at: rest}
            - {gets: more, on: thu 2026-03-05}
            - {exits: first, because: completed}
            """
        ),
        WAITS,
    )
    assert played.deviation is None


@pytest.mark.parametrize(
    ("story", "line", "words"),
    [
        ("- {gets: more}", 0, "the email of 'hello' came on mon 2026-03-02 10:"),
        ("- {gets: hello, on: tue}", 0, "the email of 'hello' came on mon 2026-03-02 10:"),
        ("- {gets: hello, at: 10:59}", 0, "the email of 'hello' came on mon 2026-03-02 10:"),
        ("- {gets: hello, subject: Goodbye}", 0, "its subject is: Hello"),
        ("- {gets: hello, text: Goodbye}", 0, "its text is: Hi"),
        ("- {gets: nothing, for: 1 day}", 0, "the email of 'hello' came on mon 2026-03-02 10:"),
        ("- {gets: hello}\n- {wait: 5 days}", None, "the email of 'again' came on thu 2026-03-05"),
        ("- {gets: hello}\n- {stage: prospect}", 1, "they are in the stage 'lead'"),
        ("- {gets: hello}\n- {exits: first, on: 2026-03-04}", 1, "they did not leave 'first' until"),
        ("- {gets: hello}\n- {gets: again}\n- {exits: first, because: goal}", 2, "because of: completed"),
        ("- {gets: hello}\n- {gets: again, on: 2026-02-01}", 1, "no email came until mon 2026-03-02 10:"),
        ("- {until: 2026-02-01}", 0, "is over by then"),
        ("- {opens: hello}", 0, "the email of 'hello' has not been sent to them"),
        ("- {stays_out: first}", 0, "they stand at 'hello'"),
        ("- {enters: first, held_out: yes}", 0, "they are not held out"),
        ("- {gets: hello}\n- {skips: again}", 1, "was not skipped"),
        ("- {gets: hello}\n- {has: {tags: [vip]}}", 1, "missing: vip"),
        ("- {gets: hello}\n- {suppressed: bounced}", 1, "it is suppressed: no"),
        ("- {gets: hello}\n- {stands_at: hello}", 1, "they stand at 'rest'"),
        ("- {permits: offers, who: nobody}", 0, "there is nobody called 'nobody'"),
        ("- {event: opend}", 0, "is not a kind of event"),
    ],
)
def test_what_does_not_come_so_is_told_with_what_came_instead(
    play: Play, story: str, line: int | None, words: str
) -> None:
    found, text = instead(play, story)
    assert (found, words in text) == (line, True), text


def test_all_that_happened_is_told_in_the_contacts_own_time_and_the_first_that_differs_is_marked(play: Play) -> None:
    (played,) = play(stories("- {gets: hello}\n- {gets: more}"), WAITS)
    wrong = played.first_wrong
    assert wrong is not None
    assert played.events[wrong].when.startswith("thu 2026-03-05 10:")
    assert any("entered first" in event.what for event in played.events[:wrong])
    assert all("UTC" not in event.what for event in played.events)


def test_stories_know_nothing_of_one_another(play: Play) -> None:
    story = "- {gets: hello}\n- {buys: 20 EUR}\n- {exits: first, because: goal}"
    assert [one.passed for one in play(stories(story, story, story), WAITS)] == [True, True, True]
