"""Who spent most: a rank among all who bought, reckoned once a day."""

from __future__ import annotations

from support.line import Line, campaign

from engine.conftest import Start

TOP = campaign(audience="{where: [{spend: {top: 20%}}]}", enter="{look: at once, backfill: yes}")


def inside(line: Line) -> list[str]:
    entered = {row["contact_id"] for row in line.enrollments()}
    return sorted(who for who, contact_id in line.names.items() if contact_id in entered)


def bought(line: Line, **amounts: int) -> None:
    for who, amount in amounts.items():
        if who not in line.names:
            line.add_contact(who)
        if amount:
            line.buy(who, str(amount))


def test_the_top_are_a_share_of_those_who_bought(start: Start) -> None:
    line = start(TOP)
    bought(line, a=10, b=20, c=30, d=40, e=50, f=0)
    line.pass_()
    assert inside(line) == ["e"]


def test_the_sum_is_kept_for_the_day_and_reckoned_on_the_next(start: Start) -> None:
    line = start(TOP)
    bought(line, a=10, b=20, c=30, d=40, e=50)
    line.pass_()
    bought(line, g=1, h=60)
    line.pass_()
    assert inside(line) == ["e", "h"]
    line.clock.forward(hours=1)
    bought(line, i=2, j=3, k=4, l=45)
    line.pass_()
    assert inside(line) == ["e", "h"]
    line.clock.forward(days=1)
    line.pass_()
    assert inside(line) == ["e", "h", "l"]


def test_nobody_is_at_the_top_before_anybody_bought(start: Start) -> None:
    line = start(TOP)
    line.add_contact("a")
    line.pass_()
    assert inside(line) == []
    line.clock.forward(days=1)
    line.buy("a")
    line.pass_()
    assert inside(line) == ["a"]
