"""Rates are shrunk as far as the history is thin, and weeks fall into their intervals as often as is said."""

from __future__ import annotations

from random import Random

import pytest

from nurture.core.forecast import backtest, expected
from nurture.core.responses import BENCHMARKS, Buyer, Delays, Response, Tally, fit

PEOPLE = (("lead", 0.20, 0.02, 0.010), ("customer", 0.35, 0.05, 0.030), ("inactive", 0.08, 0.01, 0.004))


def history(seed: int, weeks: int, emails: int = 800, later: float = 1.0) -> list[Tally]:
    """Weeks of people who respond at known rates; in the second half, `later` times as often."""
    rng, found = Random(seed), []
    for number in range(weeks):
        week, factor = Tally(), later if number >= weeks // 2 else 1.0
        for stage, opens, clicks, buys in PEOPLE:
            week.emails[stage] = rng.randint(emails // 2, emails)
            for response, rate in ((Response.OPEN, opens), (Response.CLICK, clicks), (Response.PURCHASE, buys)):
                hits = sum(rng.random() < rate * factor for _ in range(week.emails[stage]))
                week.followed[stage, response] = hits
        week.days = {Buyer.LEAD: 7000.0, Buyer.LATELY: 3000.0}
        week.bought = {Buyer.LATELY: sum(rng.random() < 0.01 for _ in range(3000))}
        found.append(week)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_intervals_hold_about_four_weeks_of_five_where_people_stay_as_they_are(seed: int) -> None:
    tried = backtest(history(seed, 56))
    assert tried.calibrated, tried
    assert tried.weeks == 52


@pytest.mark.parametrize("later", [0.3, 0.5])
def test_people_who_change_make_the_intervals_uncalibrated(later: float) -> None:
    assert not backtest(history(1, 56, later=later)).calibrated


def test_a_few_weeks_prove_nothing() -> None:
    tried = backtest(history(1, 10))
    assert tried.weeks == 6
    assert not tried.calibrated


def test_without_a_history_the_rates_are_the_benchmarks() -> None:
    for (_, response), rate in fit(Tally()).responses.items():
        assert rate.value == pytest.approx(BENCHMARKS[response].rate)
        assert rate.own == rate.others == 0
        assert rate.source


def test_a_long_history_outweighs_the_benchmark() -> None:
    seen = Tally({"lead": 100_000}, {("lead", Response.OPEN): 50_000})
    rate = fit(seen).responses["lead", Response.OPEN]
    assert rate.value == pytest.approx(0.5, abs=0.001)
    assert rate.own > 0.99


def test_a_stage_with_few_emails_is_lent_what_the_others_tell() -> None:
    seen = Tally({"lead": 50_000, "former": 10}, {("lead", Response.OPEN): 10_000, ("former", Response.OPEN): 0})
    rate = fit(seen).responses["former", Response.OPEN]
    assert 0.05 < rate.value < 0.2
    assert rate.others > rate.own > 0


def test_purchases_without_email_are_shrunk_towards_what_is_published() -> None:
    thin, thick = Tally(days={Buyer.LATELY: 100.0}, bought={Buyer.LATELY: 50}), Tally(
        days={Buyer.LATELY: 1e6}, bought={Buyer.LATELY: 500_000}
    )
    assert fit(thin).purchases[Buyer.LATELY].value == pytest.approx(0.0147, abs=0.0003)
    assert fit(thick).purchases[Buyer.LATELY].value == pytest.approx(0.49, abs=0.01)


def test_an_email_adds_only_what_would_not_have_been_bought_anyway() -> None:
    seen = Tally({"customer": 100_000}, {("customer", Response.PURCHASE): 4_000}, {Buyer.LATELY: 1e6},
                 {Buyer.LATELY: 10_000})  # fmt: skip
    model = fit(seen)
    assert model.excess("customer", Buyer.LATELY) == pytest.approx(0.04 - 3 * 0.01, abs=0.002)


@pytest.mark.parametrize(("mean", "variance"), [(3.0, 3.0), (12.0, 40.0), (150.0, 120.0), (5000.0, 9000.0)])
def test_an_interval_holds_as_much_as_it_says(mean: float, variance: float) -> None:
    told = expected(mean, variance)
    assert told.low <= mean <= told.high
    assert 0.7 <= told.holds <= 0.9


def test_days_after_an_email_tell_nothing_of_buying_unasked() -> None:
    week = Tally({"lead": 10}, days={Buyer.LEAD: 100.0, Buyer.FORMER: 100.0})
    assert week.unmailed().days == {Buyer.LEAD: 70.0, Buyer.FORMER: 100.0}
    assert week.days[Buyer.LEAD] == 100.0


def test_delays_are_those_that_were_seen_where_they_are_many() -> None:
    seen = Delays.of([number / 100 for number in range(1000)])
    assert seen.history == 1000
    assert seen.at(0.5).total_seconds() / 3600 == pytest.approx(5.0, abs=0.1)
    assert Delays.of([1.0] * 10) == Delays()
