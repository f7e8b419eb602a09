"""Statements that are built once: what is asked through them is what SQLAlchemy itself would answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import bindparam, event, insert, select, update
from sqlalchemy.exc import IntegrityError

from nurture.store.database import Database
from nurture.store.prepared import IDS, MOST, NOW, ask, ask_column, change, change_each
from nurture.store.tables import baseline, campaign_state, contact, coupon, message

TODAY = datetime(2026, 3, 2, 9, 30, 0, 250_000, tzinfo=UTC)
_SOME = select(coupon.c.code_key, coupon.c.imported_at, coupon.c.expires_at).where(coupon.c.code_key.in_(IDS))
_SORTED = _SOME.order_by(coupon.c.code_key)
_NOT = select(coupon.c.code_key).where(coupon.c.code_key.not_in(IDS)).order_by(coupon.c.code_key)
_OLD = select(coupon.c.code_key).where(coupon.c.imported_at <= NOW).order_by(coupon.c.code_key).limit(MOST)
_ADD = insert(coupon)


def codes(count: int) -> list[dict[str, Any]]:
    return [
        {"code_key": f"c{number:05}", "code": f"C{number}", "pool": "spring", "imported_at": TODAY,
         "expires_at": TODAY + timedelta(days=number) if number % 2 else None}
        for number in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 64, 65, 3_000])
def test_a_list_of_any_length_finds_its_own_and_no_others(database: Database, count: int) -> None:
    rows = codes(3_005)
    wanted = [row["code_key"] for row in rows[5 : 5 + count]]
    with database.write() as connection:
        change_each(connection, _ADD, rows)
        found = ask(connection, _SORTED, {"ids": wanted})
        left = ask_column(connection, _NOT, {"ids": wanted})
    assert [row[0] for row in found] == wanted
    assert set(left) == {row["code_key"] for row in rows} - set(wanted)


def test_values_come_back_as_what_they_were(database: Database) -> None:
    rows = codes(4)
    with database.write() as connection:
        assert change_each(connection, _ADD, rows) in (4, -1)
        found = ask(connection, _SORTED, {"ids": [row["code_key"] for row in rows]})
    assert [tuple(row) for row in found] == [(row["code_key"], row["imported_at"], row["expires_at"]) for row in rows]


def test_a_time_is_compared_whatever_zone_it_is_told_in(database: Database) -> None:
    there = timezone(timedelta(hours=3))
    with database.write() as connection:
        change_each(connection, _ADD, codes(3))
        asked = {"now": TODAY.astimezone(there), "most": 2}
        assert ask_column(connection, _OLD, asked) == ["c00000", "c00001"]
        assert ask_column(connection, _OLD, {"now": TODAY - timedelta.resolution, "most": 2}) == []


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with database.write() as connection:
        change_each(connection, _ADD, codes(1))
        with pytest.raises(Exception, match="a time without a zone"):
            ask(connection, _OLD, {"now": datetime(2026, 3, 2), "most": 1})  # noqa: DTZ001


def test_a_value_that_a_statement_has_of_its_own_need_not_be_told(database: Database) -> None:
    others = select(coupon.c.code_key).where(coupon.c.pool.in_(["spring", "autumn"]), coupon.c.expires_at.is_(None))
    with database.write() as connection:
        change_each(connection, _ADD, codes(2))
        assert ask_column(connection, others, {}) == ["c00000"]


def test_how_many_rows_were_changed_is_told(database: Database) -> None:
    end = update(coupon).where(coupon.c.code_key.in_(IDS)).values(expires_at=NOW)
    with database.write() as connection:
        change_each(connection, _ADD, codes(5))
        assert change(connection, end, {"ids": ["c00001", "c00004", "c99999"], "now": TODAY}) == 2
        assert [row[2] for row in ask(connection, _SORTED, {"ids": ["c00001", "c00004"]})] == [TODAY, TODAY]


def test_columns_that_rows_do_not_name_have_their_defaults(database: Database) -> None:
    row = {
        "contact_id": "a" * 32, "id": "b" * 32, "enrollment_id": "c" * 32, "campaign": "welcome", "step": "hello",
        "state": "due", "planned_at": TODAY, "expires_at": TODAY,
    }  # fmt: skip
    told = select(message.c.attempts, message.c.fence, message.c.resent_by_policy, message.c.due_at)
    with database.write() as connection:
        change_each(connection, insert(message), [row])
        assert [tuple(one) for one in ask(connection, told, {})] == [(0, 0, False, None)]


def test_rows_may_call_what_is_asked_for_by_names_of_their_own(database: Database) -> None:
    statement = update(coupon).where(coupon.c.code_key == bindparam("key_code")).values(pool=bindparam("new_pool"))
    with database.write() as connection:
        change_each(connection, _ADD, codes(3))
        rows = [{"code_key": "c00001", "pool": "autumn"}, {"code_key": "c00002", "pool": "winter"}]
        change_each(connection, statement, rows, {"key_code": "code_key", "new_pool": "pool"})
        found = ask(connection, select(coupon.c.code_key, coupon.c.pool).order_by(coupon.c.code_key), {})
    assert [tuple(row) for row in found] == [("c00000", "spring"), ("c00001", "autumn"), ("c00002", "winter")]


def test_what_a_database_refuses_is_told_as_by_sqlalchemy(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as connection:
        change_each(connection, _ADD, [*codes(1), *codes(1)])
    with database.read() as connection:
        assert not ask(connection, _SORTED, {"ids": ["c00000"]})


def test_whoever_watches_statements_sees_these_and_their_answers_are_the_same(database: Database) -> None:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    with database.write() as connection:
        change_each(connection, _ADD, codes(3))
    asked = {"ids": ["c00000", "c00002"]}
    with database.read() as connection:
        unwatched = [tuple(row) for row in ask(connection, _SORTED, asked)]
    event.listen(database.engine, "before_cursor_execute", note)
    with database.read() as connection:
        watched = [tuple(row) for row in ask(connection, _SORTED, asked)]
    assert watched == unwatched
    assert any("FROM coupon" in statement for statement in seen)


def test_what_two_tables_hold_is_told_by_column(database: Database) -> None:
    joined = select(campaign_state.c.campaign, campaign_state.c.live_since, baseline.c.contact_id).outerjoin(
        baseline, baseline.c.campaign == campaign_state.c.campaign
    )
    with database.write() as connection:
        change_each(connection, insert(campaign_state), [{"campaign": "welcome", "live_since": TODAY}])
        assert [tuple(row) for row in ask(connection, joined, {})] == [("welcome", TODAY, None)]
        assert ask(connection, select(contact.c.id), {}) == []
