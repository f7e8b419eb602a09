"""Work grows with what is due: the questions every tick asks are answered from indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from support.line import MONDAY, PROJECT, Line, campaign, open_line

from nurture.actions.tick import tick
from nurture.store.events import load_messages

STEPS = """
    - {id: hello, send: hello}
    - {id: pause, wait: {until: {clicked: hello}, at_most: 2 days}}
    - id: branch
      if: {all: [{opened: {within: 30 days, times: {at_least: 2}}}, {purchased: {ever: yes, total: {at_most: 90 EUR}}}]}
      then: [{id: second, send: second}]
    - {id: third, send: third, coupon: {pool: spring, valid_for: 7 days}}
    """
WHERE = "[{signed_up: {more_than: 5 days ago}}, {not: {clicked: {within: 90 days}}}, {not: {tag: gone}}]"
CAMPAIGNS = {
    "first": campaign(
        STEPS, audience=f"{{stage: [lead, inactive], where: {WHERE}}}", exit_when="[{replied: {since: entry}}]",
        re_enter="30 days after leaving",
    ),
    "second": campaign(STEPS, overlap="allow", enter="{look: daily at 10:00, backfill: yes}"),
}  # fmt: skip
LARGE = ("contact", "enrollment", "message", "event", "purchase", "decision", "kept_email", "consent", "suppression",
         "contact_tag", "contact_address", "stage_change", "conversion", "coupon", "asked")  # fmt: skip
LIMITED = "limits: {per_contact: [1 per 24 hours], per_hour: 100}\nsending: {unknown: {then: resend, after: 2 days}}\n"
SCORED = "score: {half_life: 30 days, points: {clicked: 5, purchased: 25}}\n"
POOL = "coupons: {spring: {worth: 10%}}\n"


@pytest.fixture
def line(migrated_url: str) -> Iterator[Line]:
    opened = open_line(migrated_url, CAMPAIGNS, project=PROJECT + LIMITED + POOL)
    yield opened
    opened.database.close()


Asked = dict[str, Any]


def asked_by(line: Line, work: Any) -> Asked:
    """Every statement `work` runs, with parameters of one run."""
    seen: Asked = {}

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if re.match(r"SELECT|UPDATE|DELETE|WITH", statement):
            seen.setdefault(statement, parameters[0] if many else parameters)

    event.listen(line.database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(line.database.engine, "before_cursor_execute", note)
    return seen


def scanned(line: Line, statement: str, parameters: Any) -> list[str]:
    """The large tables that a statement reads from end to end."""
    with line.database.engine.connect().execution_options(nurture_mode="DEFERRED") as connection:
        if line.database.is_sqlite:
            plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            found = [re.match(r"SCAN (\w+)(?!.*USING (COVERING )?INDEX)", step) for step in plan]
        else:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)]
            found = [re.search(r"Seq Scan on (\w+)", step) for step in plan]
        return sorted({match[1] for match in found if match} & set(LARGE))


def test_what_is_due_is_found_by_index_and_nobody_is_scanned(line: Line) -> None:
    """All that a busy tick asks, but for the one look at everybody when a campaign opens or its hour has come."""
    line.pass_()
    for number in range(3):
        line.add_contact(f"p{number}", signed_up_at=MONDAY - timedelta(days=10))
    line.bring("A1", "B2", "C3")
    seen = asked_by(line, line.pass_)

    def busy() -> None:
        line.clock.forward(minutes=30)
        line.click("p0", "hello")
        line.buy("p1", order="o1", coupon="A1")
        line.refund("o1")
        line.unsubscribe("p2")
        line.tick()
        line.clock.forward(days=3)
        tick(line.database, line.queries, line.emails, line.provider, line.clock)

    seen |= asked_by(line, busy)
    assert len(seen) > 40
    whole = {statement: found for statement, asked in seen.items() if (found := scanned(line, statement, asked))}
    everybody = {one for one in whole if "FROM contact" in one and "campaign_look" not in one and " IN (" not in one}
    daily = {one for one in everybody if "LIMIT" in one}
    forget = {one for one in whole if one.startswith("DELETE FROM baseline")}
    assert {one: found for one, found in whole.items() if one not in daily | forget} == {}
    assert len(daily) <= 1


def test_an_idle_tick_asks_few_questions_and_none_of_them_reads_a_table(line: Line) -> None:
    line.pass_()
    line.add_contact("ada", signed_up_at=MONDAY - timedelta(days=10))
    line.pass_()
    seen = asked_by(line, line.tick)
    assert {statement: scanned(line, statement, asked) for statement, asked in seen.items() if asked} == {
        statement: [] for statement, asked in seen.items() if asked
    }
    assert len(seen) <= 16


@pytest.mark.parametrize(
    "where",
    [
        "{stage: inactive, where: [{signed_up: {more_than: 60 days ago}}]}",
        "{stage: customer, where: [{first_purchase: {within: 3 days}}]}",
        "{where: [{signed_up: {within: 3 days}}]}",
        "{where: [{first_purchase: {within: 3 days}}]}",
        "{where: [{purchased: {within: 3 days}}]}",
        "{where: [{source: guide}]}",
        "{where: [{country: [TR, DE]}]}",
        "{where: [{score: {at_least: 10}}]}",
        "{where: [{spend: {top: 5%}}]}",
    ],
)
def test_an_audience_is_looked_for_by_an_index_where_one_serves(migrated_sqlite_url: str, where: str) -> None:
    text_ = campaign(audience=where, enter="{look: daily at 10:00, backfill: yes}")
    line = open_line(migrated_sqlite_url, {"first": text_}, project=PROJECT + SCORED)
    line.pass_()
    line.clock.forward(hours=3)
    looked = [
        (s, p)
        for s, p in asked_by(line, line.pass_).items()
        if "LIMIT" in s and "FROM contact" in s and "mark" not in s
    ]
    assert looked and all("contact" not in scanned(line, statement, asked) for statement, asked in looked)
    line.database.close()


def test_what_comes_back_about_emails_is_told_to_those_alone(line: Line) -> None:
    """Not even an index over all of them is read from end to end."""

    def load() -> None:
        with line.database.read() as connection:
            load_messages(connection, [(f"{number:032}", "0" * 32) for number in range(400)])

    asked = asked_by(line, load)
    assert len(asked) == 1
    for statement, parameters in asked.items() if line.database.is_sqlite else ():
        with line.database.engine.connect().execution_options(nurture_mode="DEFERRED") as connection:
            plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        assert any(step.startswith("SEARCH message") for step in plan), plan
        assert not any(step.startswith("SCAN message") for step in plan), plan


def test_a_question_without_an_index_is_noticed(line: Line) -> None:
    assert scanned(line, "SELECT id FROM contact WHERE first_name = 'Ada'", ()) == ["contact"]


def test_what_is_longest_due_comes_first_without_sorting_all_that_is_due(line: Line) -> None:
    """A claim of a few must not read the thousands that are due with them."""
    if not line.database.is_sqlite:
        pytest.skip("PostgreSQL picks by the index first, in a question of its own")
    line.add_contact("ada", signed_up_at=MONDAY - timedelta(days=10))
    seen = asked_by(line, line.pass_)
    claims = {one: asked for one, asked in seen.items() if re.search(r"ORDER BY (message|enrollment)\.due_at", one)}
    assert len(claims) >= 2
    with line.database.engine.connect().execution_options(nurture_mode="DEFERRED") as connection:
        for statement, asked in claims.items():
            plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", asked)]
            assert not any("TEMP B-TREE" in step for step in plan), (statement, plan)
