"""Coupons: a code for each email, once, as long as there are any; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.line import MONDAY, PROJECT, Ledger, Line, campaign

from nurture.actions.check import check_files
from nurture.actions.claim import claim
from nurture.actions.import_coupons import import_coupons
from nurture.actions.importing import Job, Summary
from nurture.actions.preview import draft, preview
from nurture.actions.record_orders import record_purchases
from nurture.core.event import BounceClass
from nurture.core.money import Money
from nurture.core.purchase import Purchase
from nurture.files.tabular import open_table
from nurture.providers.base import Accepted, Outcome, Rejected, Unavailable, Unknown
from nurture.store.tables import coupon

from .conftest import Start

POOLS = PROJECT + "coupons: {spring: {worth: 10%}, five: {worth: 5.00 EUR}}\n"
GIVES = "- {id: hello, send: gift, otherwise: continue, coupon: {pool: spring, valid_for: 7 days}}\n"
GIFT = """---
subject: "{{ coupon.worth }} off"
---
<p>{{ coupon.code }} until {{ coupon.expires_at|day }}</p>
{{ project.postal_address }} <a href="{{ links.unsubscribe }}">stop</a>
"""


def shop(start: Start, codes: str = "", steps: str = GIVES, provider: Ledger | None = None, **keys: str) -> Line:
    keys.setdefault("re_enter", "never")
    line = start(campaign(steps, **keys), project=POOLS, templates={"gift": GIFT}, provider=provider)
    if codes:
        bring(line, codes)
    return line


def bring(line: Line, codes: str, pool: str = "spring") -> Summary:
    """Import codes as if they had come in a file."""
    path = Path(line.database.url.database or "").parent / "codes.csv" if line.database.is_sqlite else None
    path = path or Path("/tmp") / f"codes-{id(line)}.csv"
    path.write_text(codes, encoding="utf-8")
    try:
        return import_coupons(pool, line.database, line.program, Job(open_table(path)), line.clock())
    finally:
        path.unlink()


def code(line: Line, name: str) -> dict[str, object]:
    return line.rows(coupon, code=name)[0]


def given(line: Line) -> dict[str, str]:
    """Who holds which code."""
    names = {contact_id: who for who, contact_id in line.names.items()}
    return {names[row["contact_id"]]: row["code"] for row in line.rows(coupon) if row["contact_id"]}


def buy_with(line: Line, who: str, name: str, order: str = "o1", at: datetime | None = None) -> None:
    bought = Purchase(order, line.names[who], at or line.clock(), Money(2000, "EUR"), coupon=name)
    record_purchases(line.database, line.program, [bought], line.clock())


def test_an_email_gives_a_code_with_its_worth_and_its_end(start: Start) -> None:
    line = shop(start, "SPRING-1\n")
    line.add_contact()
    line.pass_()
    email = line.provider.handed[0][1].email
    assert email.subject == "10% off" and "SPRING-1 until March 9, 2026" in email.html
    row = code(line, "SPRING-1")
    assert row["message_id"] == line.message()["id"] and row["spent_at"] == MONDAY
    assert row["valid_until"] == MONDAY + timedelta(days=7)


def test_everybody_gets_a_code_of_their_own(start: Start) -> None:
    line = shop(start, "A1\nB2\nC3\n")
    for who in ("ada", "ben", "cem"):
        line.add_contact(who)
    line.pass_()
    assert sorted(given(line).values()) == ["A1", "B2", "C3"]


def test_worth_is_told_in_the_contacts_own_language(start: Start) -> None:
    line = shop(start, "A1\nB2\n")
    line.add_contact("ada", locale="tr")
    line.pass_()
    line.publish(first=campaign(GIVES.replace("spring", "five"), re_enter="1 day after leaving"))
    bring(line, "F1\n", "five")
    line.add_contact("ben", locale="de")
    line.pass_()
    assert [one.email.subject for _, one in line.provider.handed] == ["%10 off", "5,00\N{NO-BREAK SPACE}€ off"]


def test_a_code_is_reserved_with_its_message_and_spent_by_the_claim(start: Start) -> None:
    line = shop(start, "A1\n", send_window="{hours: 12:00-18:00}")
    line.add_contact()
    line.pass_()
    row = code(line, "A1")
    assert (row["message_id"], row["reserved_at"], row["spent_at"]) == (line.message()["id"], MONDAY, None)
    line.run(hours=5)
    assert line.states() == [("hello", "accepted")] and code(line, "A1")["spent_at"] == line.message()["claimed_at"]


def test_a_claim_that_dies_keeps_its_code(start: Start) -> None:
    line = shop(start, "A1\nB2\n", send_window="{hours: 12:00-18:00}")
    line.add_contact()
    line.pass_()
    line.clock.forward(hours=5)
    assert claim(line.database, line.queries, line.emails, "ledger", 32, line.clock()).claims
    assert code(line, "A1")["spent_at"] == line.clock()
    line.run(days=1)
    assert line.states() == [("hello", "unknown")] and given(line) == {"ada": "A1"}


def test_a_retry_has_the_same_code(start: Start) -> None:
    answers: list[Outcome] = [Unavailable("busy"), Accepted()]
    line = shop(start, "A1\nB2\n", provider=Ledger(answer=lambda _: answers.pop(0)))
    line.add_contact()
    line.pass_()
    assert line.states() == [("hello", "retry")] and code(line, "A1")["spent_at"] is None
    line.run(days=1)
    assert line.states() == [("hello", "accepted")]
    assert ["A1" in one.email.html for _, one in line.provider.handed] == [True, True]


@pytest.mark.parametrize("answer", [Rejected("no", BounceClass.HARD), Rejected("no", BounceClass.CONTENT)])
def test_a_code_that_definitely_did_not_leave_is_given_to_the_next(start: Start, answer: Outcome) -> None:
    answers: list[Outcome] = [answer, Accepted()]
    line = shop(start, "A1\n", provider=Ledger(answer=lambda _: answers.pop(0)))
    line.add_contact("ada")
    line.pass_()
    assert line.states("ada") == [("hello", "rejected")] and given(line) == {}
    line.add_contact("ben")
    line.pass_()
    assert given(line) == {"ben": "A1"}


def test_the_code_of_a_skipped_email_returns(start: Start) -> None:
    line = shop(start, "A1\n", send_window="{hours: 12:00-18:00}")
    line.add_contact()
    line.pass_()
    line.suppress("ada@example.com")
    line.run(hours=5)
    assert line.states() == [("hello", "skipped")] and given(line) == {}


def test_a_lost_answer_keeps_its_code(start: Start) -> None:
    line = shop(start, "A1\n", provider=Ledger(answer=lambda _: Unknown("lost")))
    line.add_contact()
    line.run(days=10)
    assert line.states() == [("hello", "unknown")] and given(line) == {"ada": "A1"}


def test_what_is_resent_by_policy_has_the_same_code_and_keeps_it_when_refused(start: Start) -> None:
    answers: list[Outcome] = [Unknown("lost"), Rejected("no", BounceClass.CONTENT)]
    line = shop(start, "A1\nB2\n", provider=Ledger(answer=lambda _: answers.pop(0)))
    line.publish(POOLS + "sending: {unknown: {after: 1 day, then: resend}}\n")
    line.add_contact()
    line.run(days=3, step=timedelta(hours=6))
    assert ["A1" in one.email.html for _, one in line.provider.handed] == [True, True]
    assert given(line) == {"ada": "A1"}


def test_an_empty_pool_waits_as_long_as_a_cap_does_and_then_skips(start: Start) -> None:
    line = shop(start, "A1\n", expires="10 days")
    line.add_contact("ada")
    line.add_contact("ben")
    line.run(days=2)
    waiting = next(row for row in line.messages() if row["state"] == "due")
    assert waiting["reason"] == "no-coupon: the pool spring has no free code"
    line.run(days=2)
    skipped = next(row for row in line.messages() if row["state"] == "skipped")
    assert skipped["settled_at"] - MONDAY <= timedelta(days=3)
    assert str(skipped["reason"]).startswith("no-coupon") and len(line.provider.handed) == 1


def test_an_email_that_waited_for_a_code_in_vain_says_so_however_late_it_is_looked_at(start: Start) -> None:
    line = shop(start)
    line.add_contact()
    line.pass_()
    line.clock.forward(days=9)
    line.pass_()
    assert (line.message()["state"], line.message()["reason"]) == ("skipped", "no-coupon")


def test_codes_that_come_in_wake_the_emails_that_wait_for_them(start: Start) -> None:
    line = shop(start)
    line.add_contact()
    line.pass_()
    line.clock.forward(minutes=5)
    assert bring(line, "F1\n", "five").counts["woken"] == 0
    assert bring(line, "A1\n").counts["woken"] == 1
    line.pass_()
    assert line.states() == [("hello", "accepted")]


def test_a_code_that_ends_before_it_should_hold_is_never_given(start: Start) -> None:
    line = shop(start, "code,expires\nSOON,2026-03-08\nLATER,2026-03-09\n")
    line.add_contact("ada")
    line.add_contact("ben")
    line.run(hours=3)
    assert sorted(given(line).values()) == ["LATER"]


def test_a_reserved_code_that_ends_too_soon_when_the_email_leaves_is_changed_for_another(start: Start) -> None:
    codes = "code,expires\nSHORT,2026-03-11\nLONG,2026-12-31\n"
    line = shop(start, codes, send_window="{days: tue}", expires="9 days")
    line.add_contact()
    line.pass_()
    assert given(line) == {"ada": "SHORT"}
    line.clock.forward(days=8)
    line.run(hours=1)
    assert line.states() == [("hello", "accepted")] and given(line) == {"ada": "LONG"}


def test_those_that_end_first_go_first(start: Start) -> None:
    line = shop(start, "code,expires\nNEVER,\nSECOND,2026-12-31\nFIRST,2026-11-30\n")
    line.add_contact()
    line.pass_()
    assert given(line) == {"ada": "FIRST"}


def test_an_order_with_the_code_redeems_it_once(start: Start) -> None:
    line = shop(start, "A1\n")
    line.add_contact("ada")
    line.add_contact("ben")
    line.run(hours=1)
    buy_with(line, "ben", " a1 ", "late", MONDAY + timedelta(hours=1))
    buy_with(line, "ada", "A1", "early", MONDAY + timedelta(minutes=30))
    row = code(line, "A1")
    assert (row["order_id"], row["redeemed_by"]) == ("early", line.names["ada"])
    assert row["redeemed_at"] == MONDAY + timedelta(minutes=30)


def test_a_code_somebody_used_already_is_given_to_nobody(start: Start) -> None:
    line = shop(start)
    line.add_contact("ada")
    line.add_contact("ben", consents=())
    buy_with(line, "ben", "B2")
    bring(line, "A1\nB2\nC3\n")
    buy_with(line, "ben", "A1", "o2")
    line.pass_()
    assert given(line) == {"ada": "C3"}


def test_a_code_counts_once_in_the_whole_project(start: Start) -> None:
    line = shop(start)
    assert bring(line, "A1\na1 \nB2\n").counts["new"] == 2
    again = bring(line, "A1\nF1\n", "five")
    assert again.counts["new"] == 1 and again.first_rejects[0].reason == "code: A1 is in the pool spring already"
    assert bring(line, "A1\nB2\n").counts["known"] == 2 and len(line.rows(coupon)) == 3


def test_workers_at_once_never_give_a_code_twice(start: Start) -> None:
    line = shop(start, "".join(f"C{number:02}\n" for number in range(30)), send_window="{hours: 12:00-18:00}")
    for number in range(40):
        line.add_contact(f"c{number}")
    line.pass_()
    line.clock.forward(hours=5)

    def one(_: int) -> int:
        found = claim(line.database, line.queries, line.emails, "ledger", 5, line.clock())
        return len(found.claims)

    with ThreadPoolExecutor(4) as workers:
        claimed = sum(workers.map(one, range(12)))
    # Workers pass over contacts that others hold at the moment.
    claimed += sum(map(one, range(10)))
    held = [row for row in line.rows(coupon) if row["spent_at"]]
    assert claimed == len(held) == len({row["message_id"] for row in held}) == 30


def test_the_held_out_take_no_code(start: Start) -> None:
    line = shop(start, "A1\n", holdout="100%")
    line.add_contact()
    line.run(days=1)
    assert given(line) == {}


def test_an_email_asks_for_a_coupon_only_where_its_step_gives_one() -> None:
    files = {
        "nurture.yaml": POOLS,
        "campaigns/first.yaml": campaign("- {id: hello, send: gift}\n"),
        "templates/emails/gift.html": GIFT,
    }
    problems = check_files(files).errors
    assert problems and all("'coupon' is known only to emails of steps that give one" in str(one) for one in problems)


def test_an_email_that_gives_a_code_and_does_not_show_it_is_warned_about() -> None:
    files = {
        "nurture.yaml": POOLS,
        "campaigns/first.yaml": campaign(GIVES),
        "templates/emails/gift.html": GIFT.replace("coupon.code", "coupon.worth"),
    }
    assert [one.message for one in check_files(files).problems if one.rule == "coupon"] == [
        "this email gives a coupon, and its code is shown nowhere"
    ]
    shown = check_files({**files, "templates/emails/gift.html": GIFT}).problems
    assert "coupon" not in {one.rule for one in shown}


def test_a_preview_shows_a_code_of_nobodys_and_takes_none(start: Start) -> None:
    line = shop(start, "A1\n", send_window="{hours: 12:00-18:00}")
    line.add_contact()
    laid = draft(line.database, check_files(line.files), line.emails.signer, line.clock())
    noon = line.clock.forward(hours=5)
    seen = preview(line.database, laid, "first", "hello", "ada@example.com", line.clock(), at=noon)
    assert "SAMPLE-CODE" in seen.text and seen.gate and seen.gate.goes
    assert given(line) == {}


def test_the_end_of_a_code_is_the_end_of_its_day(start: Start) -> None:
    line = shop(start, "A1;2026-12-31\nB2;2026-12-31T10:00:00+03:00\n")
    assert code(line, "A1")["expires_at"] == datetime(2027, 1, 1, tzinfo=UTC)
    assert code(line, "B2")["expires_at"] == datetime(2026, 12, 31, 7, tzinfo=UTC)
    assert bring(line, "code,expires\nOLD,2026-01-01\n").rejected == 1
