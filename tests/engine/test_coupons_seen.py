"""Coupons as they are looked at: pools, status, doctor, reports, and the guarantees that hold about them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update
from support.line import MONDAY, Ledger, Line

from nurture.actions.contacts import show_contact
from nurture.actions.doctor import Level, invariants
from nurture.actions.pools import check_pools, list_pools
from nurture.actions.report import report
from nurture.actions.status import status
from nurture.core.event import BounceClass
from nurture.providers.base import Accepted, Outcome, Rejected, Unavailable, Unknown
from nurture.store.pools import PoolCounts, StepCoupons
from nurture.store.tables import coupon

from .conftest import Start
from .test_coupons import GIVES, POOLS, bring, buy_with, shop


def broken(line: Line) -> set[str]:
    asked = invariants(line.database, line.program, None, line.clock(), slack=timedelta())
    return {one.name for one in asked if not one.ok}


def pools(line: Line) -> dict[str, PoolCounts]:
    found = list_pools(line.database, line.program.project, line.program, line.clock())
    return {one.pool: one.codes for one in found}


def change(line: Line, name: str, **values: object) -> None:
    with line.database.write() as connection:
        connection.execute(update(coupon).where(coupon.c.code == name).values(**values))


def test_every_code_of_a_pool_is_counted_once(start: Start) -> None:
    answers: list[Outcome] = [Accepted(), Accepted(), Unavailable("busy", MONDAY + timedelta(days=9))]
    line = shop(start, provider=Ledger(answer=lambda _: answers.pop(0)), expires="20 days")
    for who in ("ada", "ben", "cem"):
        line.add_contact(who)
    bring(line, "code,expires\nA1,2026-05-01\nB2,2026-05-02\nC3,2026-05-03\nD4,2026-03-03\nE5,\n")
    line.pass_()
    buy_with(line, "ada", str(next(row["code"] for row in line.rows(coupon) if row["spent_at"])))
    assert pools(line)["spring"] == PoolCounts(free=2, reserved=1, spent=1, redeemed=1)
    line.clock.forward(days=8)
    assert pools(line) == {"spring": PoolCounts(free=1, reserved=1, redeemed=1, expired=2), "five": PoolCounts()}


def test_a_report_tells_what_the_codes_of_a_step_brought(start: Start) -> None:
    line = shop(start, "A1\nB2\n")
    line.add_contact("ada")
    line.add_contact("ben")
    line.pass_()
    buy_with(line, "ada", "a1")
    found = report(line.database, line.program, line.clock()).campaigns[0].steps[0].coupons
    assert found == (StepCoupons("first", "hello", "spring", 2, 1, 2000),)
    line.refund("o1")
    assert report(line.database, line.program, line.clock()).campaigns[0].steps[0].coupons[0].revenue == 0


def test_a_contact_is_shown_with_the_codes_they_were_given(start: Start) -> None:
    line = shop(start, "A1\n")
    line.add_contact("ada")
    line.pass_()
    buy_with(line, "ada", "a1")
    (shown,) = show_contact(line.database, "ada@example.com")["coupons"]
    assert (shown["code"], shown["step"], shown["order_id"]) == ("A1", "hello", "o1")


def test_a_pool_that_runs_dry_is_said_loudly(start: Start) -> None:
    line = shop(start, "A1\n")
    line.add_contact("ada")
    line.pass_()
    assert not any("coupon" in need for need in status(line.database, line.program, line.clock()).needs)
    line.add_contact("ben")
    line.pass_()
    needs = status(line.database, line.program, line.clock()).needs
    assert [need for need in needs if "1 email waits for a code of the coupon pool spring" in need]
    checks = {one.what: one for one in check_pools(line.database, line.program.project, line.clock())}
    assert checks["coupon pool spring"].level is Level.WARN
    bring(line, "B2\nC3\n")
    checks = {one.what: one for one in check_pools(line.database, line.program.project, line.clock())}
    assert checks["coupon pool spring"].level is Level.OK


def test_the_guarantees_hold_whatever_the_provider_answers(start: Start) -> None:
    kinds: list[Outcome] = [
        Accepted(), Unknown("lost"), Rejected("no", BounceClass.CONTENT), Unavailable("busy"), Accepted(),
        Rejected("no", BounceClass.HARD),
    ]  # fmt: skip
    turn = iter(range(10_000))
    line = shop(start, provider=Ledger(answer=lambda _: kinds[next(turn) % len(kinds)]), expires="5 days")
    line.publish(POOLS + "sending: {unknown: {after: 1 day, then: resend}}\nlimits: {per_hour: 5}\n")
    bring(line, "".join(f"C{number}\n" for number in range(8)))
    for number in range(20):
        line.add_contact(f"c{number}")
    line.run(days=6, step=timedelta(hours=1))
    buy_with(line, "c1", "C1")
    assert broken(line) == set()
    settled = [row["state"] for row in line.messages()]
    assert {"accepted", "rejected", "skipped"} <= set(settled)


def test_a_code_kept_by_an_email_that_never_left_is_found(start: Start) -> None:
    line = shop(start, "A1\nB2\n", provider=Ledger(answer=lambda _: Rejected("no", BounceClass.CONTENT)))
    contact_id = line.add_contact()
    line.pass_()
    assert broken(line) == set()
    change(line, "B2", contact_id=contact_id, message_id=line.message()["id"], reserved_at=MONDAY)
    assert broken(line) == {"codes return"}


def test_an_email_without_its_code_and_a_code_without_its_email_are_found(start: Start) -> None:
    line = shop(start, "A1\n")
    line.add_contact()
    line.pass_()
    assert broken(line) == set()
    change(line, "A1", contact_id=None, message_id=None)
    assert broken(line) == {"codes with their claims"}


def test_a_redemption_without_an_order_is_found(start: Start) -> None:
    line = shop(start, "A1\n")
    change(line, "A1", redeemed_at=MONDAY)
    assert broken(line) == {"redemptions"}


def test_a_step_that_gives_no_coupon_takes_none(start: Start) -> None:
    line = shop(start, "A1\n", steps=GIVES.replace("send: gift", "send: second") + "- {id: more, send: third}\n")
    line.add_contact()
    line.pass_()
    assert line.states() == [("hello", "accepted"), ("more", "accepted")]
    assert pools(line)["spring"] == PoolCounts(spent=1)
    assert broken(line) == set()
