"""Scores: points for what people do, fading by half every so often."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from support.line import MONDAY, PROJECT, Line, campaign

from engine.conftest import Start
from nurture.actions.record import restage
from nurture.core.event import Kind
from nurture.core.score import Scoring, same
from nurture.store.recompute import differences

SCORE = PROJECT + "score: {half_life: 10 days, points: {clicked: 4, replied: 16, purchased: 8}}\n"
WARM = campaign(audience="{where: [{score: {at_least: 8}}]}")
COLD = campaign(audience="{where: [{score: {at_most: 8}}]}", overlap="allow")


def differs(line: Line) -> list[str]:
    with line.database.read() as connection:
        found, _ = differences(connection, list(line.names.values()), line.program.rules, line.clock())
    return [one.what for one in found]


def test_points_add_up_to_entry_and_machines_give_none(start: Start) -> None:
    line = start(WARM, project=SCORE)
    line.add_contact()
    line.click("ada")
    line.click("ada", machine="burst")
    line.open("ada")
    line.pass_()
    assert line.enrollments() == []
    line.click("ada")
    line.pass_()
    assert len(line.enrollments()) == 1
    assert differs(line) == []


@pytest.mark.parametrize(("days", "inside"), [(9, True), (11, False)])
def test_a_score_is_halved_in_its_half_life(start: Start, days: int, inside: bool) -> None:
    line = start(WARM, project=SCORE)
    line.add_contact()
    line.reply("ada", at=line.clock() - timedelta(days=days))
    line.pass_()
    assert bool(line.enrollments()) is inside


def test_a_purchase_gives_points_and_a_score_fades_by_itself(start: Start) -> None:
    line = start({"cold": COLD}, project=SCORE)
    line.add_contact("ada")
    line.reply("ada")
    line.buy("ada")
    line.run(days=15)
    assert line.enrollments() == []
    line.run(days=2)
    assert [row["entered_at"] - MONDAY for row in line.enrollments()] == [
        pytest.approx(timedelta(days=10 * 1.584962500721156), abs=timedelta(minutes=1))
    ]


def test_other_points_score_everybody_anew(start: Start) -> None:
    line = start(WARM, project=PROJECT + "score: {half_life: 10 days, points: {clicked: 1}}\n")
    line.add_contact()
    line.click("ada")
    line.pass_()
    assert line.enrollments() == []
    line.publish(SCORE.replace("clicked: 4", "clicked: 9"))
    line.pass_()
    assert differs(line) == []
    assert len(line.enrollments()) == 1


def test_a_score_that_is_stored_otherwise_than_its_facts_say_is_found(start: Start) -> None:
    line = start(WARM, project=SCORE)
    line.add_contact()
    line.reply("ada")
    with line.database.write() as connection:
        connection.exec_driver_sql("UPDATE contact SET score_until = NULL")
    assert differs(line) == ["score_until"]
    with line.database.write() as connection:
        restage(connection, line.program, list(line.names.values()), line.clock())
    assert differs(line) == []


def test_the_order_of_facts_does_not_matter() -> None:
    scoring = Scoring(timedelta(days=10), {Kind.CLICKED: 4, Kind.REPLIED: 16})
    facts = [(Kind.CLICKED, 0), (Kind.REPLIED, 300), (Kind.CLICKED, 17), (Kind.REPLIED, 17)]
    told = []
    for order in permutations(facts):
        until = None
        for kind, days in order:
            until = scoring.added(until, kind, MONDAY + timedelta(days=days))
        told.append(until)
    assert all(same(one, told[0]) for one in told)
