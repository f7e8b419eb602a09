"""Caps of one contact, counters of a campaign and the project, and who goes first."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from support.line import MONDAY, PROJECT, Ledger, campaign

from nurture.providers.base import Accepted, Outcome, Unavailable, Unknown
from nurture.store.tables import counter

from .conftest import Start

QUICK = """
    - {id: hello, send: hello}
    - {id: pause, wait: 1 hour}
    - {id: second, send: second}
    - {id: pause-2, wait: 1 hour}
    - {id: third, send: third}
    """


def limited(limits: str) -> str:
    return PROJECT + f"limits: {limits}\n"


def test_a_rolling_cap_lets_the_next_out_exactly_when_there_is_room(start: Start) -> None:
    line = start(campaign(QUICK), project=limited("{per_contact: [1 per 24 hours]}"))
    line.add_contact()
    line.run(days=4)
    assert [at for _, at in line.sent_at()] == [MONDAY, MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)]


def test_several_rates_hold_together_and_across_campaigns(start: Start) -> None:
    rates = "{per_contact: [2 per 24 hours, 3 per 7 days], capped: {wait: 14 days}}"
    keys = {"overlap": "allow", "expires": "20 days"}
    line = start({"alpha": campaign(QUICK, **keys), "beta": campaign(QUICK, **keys)}, project=limited(rates))
    line.add_contact()
    line.run(days=14)
    times = [at for _, at in line.sent_at()]
    assert len(times) == 6
    assert all(later - first >= timedelta(hours=24) for first, later in zip(times, times[2:], strict=False))
    assert all(later - first >= timedelta(days=7) for first, later in zip(times, times[3:], strict=False))


def test_a_campaigns_own_cap_counts_its_own_emails_only(start: Start) -> None:
    keys = {"overlap": "allow"}
    line = start({"alpha": campaign(QUICK, limits="{per_contact: [1 per 24 hours]}", **keys), "beta": campaign(**keys)})
    line.add_contact()
    line.run(hours=1)
    assert Counter(row["campaign"] for row in line.messages(state="accepted")) == {"alpha": 1, "beta": 1}


def test_a_capped_email_waits_only_so_long_and_is_then_skipped_by_name(start: Start) -> None:
    line = start(campaign(QUICK), project=limited("{per_contact: [1 per 7 days], capped: {wait: 2 days}}"))
    line.add_contact()
    line.run(days=10)
    assert line.states() == [("hello", "accepted"), ("second", "skipped")] and line.reason() == "capped"


def test_mail_about_orders_neither_waits_for_caps_nor_fills_them(start: Start) -> None:
    keys = {"overlap": "allow"}
    line = start(
        {"alpha": campaign(QUICK, topic="orders", **keys), "beta": campaign(**keys)},
        project=limited("{per_contact: [1 per 7 days]}"),
    )
    line.add_contact()
    line.run(hours=3)
    assert Counter(row["campaign"] for row in line.messages(state="accepted")) == {"alpha": 3, "beta": 1}


def test_what_may_have_left_counts_against_caps_and_what_did_not_does_not(start: Start) -> None:
    answers: list[Outcome] = [Unavailable("busy"), Unknown("lost")]
    line = start(
        campaign(QUICK), project=limited("{per_contact: [1 per 24 hours]}"),
        provider=Ledger(answer=lambda _: answers.pop(0) if answers else Accepted()),
    )  # fmt: skip
    line.add_contact()
    line.run(hours=1)
    assert [step for step, _ in line.sent_at()] == ["hello", "hello"]
    line.run(days=5)
    claimed = [at for _, at in line.sent_at()][1:]
    assert all(later - first >= timedelta(hours=24) for first, later in pairwise(claimed))


def test_no_hour_and_no_day_has_more_than_its_limit_and_everybody_is_served_in_time(start: Start) -> None:
    line = start(
        campaign(expires="10 days"),
        project=limited("{per_hour: 5, per_day: 12, capped: {wait: 9 days}}").replace("UTC", "Europe/Istanbul"),
    )
    for number in range(30):
        line.add_contact(f"p{number}")
    line.run(days=4)
    times = [at for at, _ in line.provider.handed]
    assert len(times) == 30
    assert max(Counter(at.replace(minute=0, second=0) for at in times).values()) == 5
    assert max(Counter((at + timedelta(hours=3)).date() for at in times).values()) == 12


def test_places_that_were_not_used_are_given_back(start: Start) -> None:
    answers: list[Outcome] = [Unavailable("busy")] * 3
    line = start(
        campaign(), project=limited("{per_day: 3}"),
        provider=Ledger(answer=lambda _: answers.pop() if answers else Accepted()),
    )  # fmt: skip
    for number in range(3):
        line.add_contact(f"p{number}")
    line.pass_()
    assert [row["used"] for row in line.rows(counter)] == [0]
    line.run(hours=1)
    assert [row["used"] for row in line.rows(counter)] == [3] and len(line.provider.taken) == 3


def test_the_projects_order_says_who_goes_first_among_those_due_together(start: Start) -> None:
    keys = {"overlap": "allow"}
    project = limited("{per_contact: [1 per 24 hours]}") + "order: [zeta, alpha]\n"
    line = start({"alpha": campaign(**keys), "zeta": campaign(**keys)}, project=project)
    line.add_contact()
    line.run(days=2)
    assert [one.campaign for _, one in line.provider.handed] == ["zeta", "alpha"]


def test_a_limit_and_a_window_hold_together(start: Start) -> None:
    line = start(
        campaign(QUICK, send_window="{days: mon-fri, hours: 09:00-11:00}"),
        project=limited("{per_contact: [1 per 24 hours], capped: {wait: 5 days}}"), 
        at=datetime(2026, 3, 5, 9, 30, tzinfo=UTC),
    )  # fmt: skip
    line.add_contact()
    line.run(days=7)
    *days, monday = [at for _, at in line.sent_at()]
    assert days == [datetime(2026, 3, 5, 9, 30, tzinfo=UTC), datetime(2026, 3, 6, 9, 30, tzinfo=UTC)]
    opening = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
    assert opening <= monday <= opening + timedelta(hours=1)


def test_a_crowd_that_is_refused_does_not_hold_up_the_rest(start: Start) -> None:
    line = start(campaign(), project=PROJECT + "sending: {in_flight: 2}\n")
    for number in range(40):
        line.add_contact(f"a{number}", consents=[])
    line.add_contact("zoe")
    line.pass_()
    assert line.states("zoe") == [("hello", "accepted")]
