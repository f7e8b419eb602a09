"""Choices as they are seen: previews, reports, the page's picture, and the guarantees about them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from support.line import PROJECT, Line, campaign, project_files

from nurture.actions.check import check_files
from nurture.actions.doctor import invariants
from nurture.actions.picture import pictures
from nurture.actions.preview import Draft, draft, preview
from nurture.actions.report import StepReport, report
from nurture.cli.report import show_report
from nurture.core.errors import NotFound
from nurture.core.event import Kind
from nurture.files.loader import load_files
from nurture.store import pages, trials
from nurture.store.tables import event, message, trial

from .conftest import Start
from .test_choosing import clicks, crowd, trying, variants


def drafted(line: Line) -> Draft:
    return draft(line.database, check_files(line.files), line.emails.signer, line.clock())


def step_of(line: Line) -> StepReport:
    return report(line.database, line.program, line.clock(), "first").campaigns[0].steps[0]


def broken(line: Line) -> set[str]:
    found = invariants(line.database, line.program, None, line.clock(), slack=timedelta())
    return {one.name for one in found if not one.ok}


@pytest.fixture
def won(start: Start) -> Line:
    """A trial that b won by clicks, and the emails of some who came after."""
    line = start(trying("by: clicked, after_time: 4 hours", re_enter="never"))
    names = crowd(line, 80)
    line.pass_()
    clicks(line, names, "a", 8)
    clicks(line, names, "b", 2)
    line.run(hours=5)
    crowd(line, 10, 1_000)
    line.pass_()
    return line


def test_a_preview_shows_the_variant_that_the_contact_gets(start: Start) -> None:
    line = start(trying("by: clicked, after_time: 4 hours", re_enter="never"))
    crowd(line, 12)
    now = line.clock()
    before = {
        name: preview(line.database, drafted(line), "first", "hello", f"{name}@example.com", now) for name in line.names
    }
    line.pass_()
    assert {name: one.variant for name, one in before.items()} == variants(line)
    assert {one.subject for one in before.values()} == {"First", "Second"}


def test_a_preview_shows_the_variant_that_is_named(start: Start) -> None:
    line = start(trying("by: clicked, after_time: 4 hours"))
    shown = {
        wanted: preview(line.database, drafted(line), "first", "hello", None, line.clock(), variant=wanted)
        for wanted in (None, "a", "b")
    }
    assert [one.subject for one in shown.values()] == ["First", "First", "Second"]
    assert [one.variant for one in shown.values()] == ["a", "a", "b"]
    with pytest.raises(NotFound, match="no variant 'c'; it has a, b"):
        preview(line.database, drafted(line), "first", "hello", None, line.clock(), variant="c")


def test_a_preview_shows_the_winner_once_there_is_one(won: Line) -> None:
    won.add_contact("new")
    assert preview(won.database, drafted(won), "first", "hello", "new@example.com", won.clock()).variant == "b"


def test_a_report_counts_each_variant_and_tells_who_won(won: Line, capsys: pytest.CaptureFixture[str]) -> None:
    won.buy("c1000")
    step = step_of(won)
    rows = won.messages()
    for one in step.variants:
        mine = [row for row in rows if row["variant"] == one.step]
        assert (one.sent, one.clicked) == (len(mine), sum(row["clicked_at"] is not None for row in mine))
    assert [one.step for one in step.variants] == ["a", "b"]
    assert sum(one.due for one in step.variants) == step.due == 90
    assert (step.variants[1].purchases, step.purchases, step.variants[1].revenue) == (1, 1, 2000)
    assert step.trial and (step.trial.outcome, step.trial.winner) == ("won", "b")
    show_report(report(won.database, won.program, won.clock()))
    assert "'b' won, sure to 95%" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("unproven", "unproven, so the shares stay"), ("sample-ratio", "NO WINNER: people did not fall")],
)
def test_a_report_calls_what_is_not_proven_by_its_name(
    won: Line, outcome: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with won.database.write() as connection:
        connection.execute(update(trial).values(outcome=outcome, winner=None))
    show_report(report(won.database, won.program, won.clock()))
    assert words in " ".join(capsys.readouterr().out.split())


def test_a_running_trial_has_no_winner_yet(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    line = start(trying("by: clicked, after_time: 4 hours"))
    crowd(line, 4)
    line.pass_()
    found = step_of(line).trial
    assert found and (found.outcome, found.winner) == ("running", None)
    show_report(report(line.database, line.program, line.clock()))
    assert "no winner yet" in " ".join(capsys.readouterr().out.split())


def test_the_page_draws_variants_trials_and_the_ways_of_a_split(start: Start) -> None:
    steps = """
        - id: hello
          send: hello
          variants: [{id: a, subject: A}, {id: b, subject: B}]
          winner: {by: clicked, after_time: 4 hours}
        - id: format
          split: [{id: reader, share: 50%, steps: [{id: guide, send: second}]}, {id: doer, share: 50%}]
        """
    line = start(campaign(steps))
    crowd(line, 40)
    line.pass_()
    with line.database.read() as connection:
        found = (pages.standings(connection), pages.sent(connection), {}, trials.every(connection))
    hello, split = pictures(line.program, *found)[0].nodes
    assert hello.fared and hello.fared.accepted == sum(one.accepted for _, one in hello.variants) == 40
    assert [name for name, _ in hello.variants] == ["a", "b"] and all(one.accepted for _, one in hello.variants)
    assert hello.trial == "no winner yet; its time has not come"
    assert (split.kind, split.words) == ("split", "50% reader, 50% doer")
    assert [(title, [node.id for node in nodes]) for title, nodes in split.ways] == [
        ("50% reader", ["guide"]),
        ("50% doer", []),
    ]


def test_the_guarantees_hold_after_a_trial(won: Line) -> None:
    assert broken(won) == set()


def test_a_winner_that_no_human_clicked_is_found(won: Line) -> None:
    with won.database.write() as connection:
        connection.execute(update(event).where(event.c.kind == Kind.CLICKED.value).values(machine="burst"))
    assert "winners" in broken(won)


def test_a_winner_by_purchases_that_nobody_made_is_found(won: Line) -> None:
    with won.database.write() as connection:
        connection.execute(update(trial).values(judged="revenue"))
    assert "winners" in broken(won)


def test_a_choice_by_chance_after_the_decision_is_found(won: Line) -> None:
    digest = won.rows(trial)[0]["digest"]
    with won.database.write() as connection:
        connection.execute(update(message).where(message.c.trial.is_(None)).values(trial=digest))
    assert "decided" in broken(won)


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"winner": "by: conversions, after_time: 2 days", "audience": "{stage: customer}"}, "no-conversions"),
        ({"winner": "by: clicked, sample: 20%, after_time: 3 days"}, "late-winner"),
    ],
)
def test_a_winner_that_cannot_be_found_is_warned_about(keys: dict[str, str], rule: str) -> None:
    text = trying(keys.pop("winner"), **keys)
    assert rule in {one.rule for one in load_files(project_files(PROJECT, {"first": text})).problems}
