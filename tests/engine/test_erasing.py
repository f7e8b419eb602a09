"""Whoever asks to be erased cannot be told any more from what is kept, and what happened still adds up."""

from __future__ import annotations

import pytest
from support.line import Line, campaign

from nurture.actions.doctor import invariants
from nurture.actions.erase import erase
from nurture.core.errors import InputError, NotFound
from nurture.core.event import Kind
from nurture.store import tables

from .conftest import Start

STEPS = """
    - {id: hello, send: hello}
    - {id: pause, wait: 2 days}
    - {id: second, send: second}
    """
ADDRESS = "ada@example.com"


def known(start: Start) -> Line:
    """Ada Quill has been mailed, clicked, bought something, and waits for another email."""
    goal = "{purchased: {times: {at_least: 9}}, claimed_within: {click: 7 days, email: 3 days}, measured_over: 45 days}"
    line = start(campaign(STEPS, goal=goal))
    line.add_contact(
        address=ADDRESS, first_name="Ada", last_name="Quillfeather", tags=("quillfeather-fan",),
        attributes={"shoe": "quillfeather"},
    )  # fmt: skip
    line.pass_()
    line.clock.forward(hours=1)
    line.click("ada", "hello", key="click")
    line.fact("ada", Kind.OTHER, key="form", detail={"from": ADDRESS, "said": "quillfeather"})
    line.buy("ada", order="order-1", items=[{"name": "quillfeather"}])
    return line


def kept(line: Line) -> str:
    with line.database.read() as connection:
        every = [row for one in tables.metadata.sorted_tables for row in connection.execute(one.select())]
    releases = [row for row in every if "hello" in str(row) and "campaigns/" in str(row)]
    return "\n".join(str(row).lower() for row in every if row not in releases)


def test_nothing_that_is_kept_says_who_they_were(start: Start) -> None:
    line = known(start)
    assert ADDRESS in kept(line) and "quillfeather" in kept(line)
    erase(line.database, ADDRESS.upper(), line.clock())
    assert ADDRESS not in kept(line) and "quillfeather" not in kept(line)


def test_facts_and_sums_stay_under_the_random_id_and_every_guarantee_holds(start: Start) -> None:
    line = known(start)
    before = {name: line.contact()[name] for name in ("stage", "received_count", "purchase_count", "revenue")}
    facts = [row["kind"] for row in line.rows(tables.event, "ada")]
    assert erase(line.database, ADDRESS, line.clock()) == line.names["ada"]
    assert {name: line.contact()[name] for name in before} == before
    assert [row["kind"] for row in line.rows(tables.event, "ada")] == facts
    assert line.conversions() and line.message()["state"] == "accepted"
    line.run(days=5)
    assert [one.name for one in invariants(line.database, line.program, None, line.clock()) if not one.ok] == []


def test_nobody_erased_is_mailed_again(start: Start) -> None:
    line = known(start)
    erase(line.database, ADDRESS, line.clock())
    line.run(days=5)
    assert ("second", "accepted") not in line.states()
    assert line.enrollment()["state"] != "live"


def test_a_suppression_of_the_address_outlives_them(start: Start) -> None:
    line = known(start)
    line.suppress(ADDRESS)
    erase(line.database, ADDRESS, line.clock())
    (row,) = line.rows(tables.suppression, address_key=ADDRESS)
    assert (row["reason"], row["contact_id"]) == ("manual", None)


def test_who_is_not_there_cannot_be_erased(start: Start) -> None:
    line = known(start)
    with pytest.raises(NotFound, match="no contact's"):
        erase(line.database, "nobody@example.com", line.clock())
    with pytest.raises(InputError):
        erase(line.database, "no address", line.clock())
    erase(line.database, ADDRESS, line.clock())
    with pytest.raises(NotFound):
        erase(line.database, ADDRESS, line.clock())
