"""A winner is told only where there is one: the tests against known values, and simulated trials."""

from __future__ import annotations

from random import Random

import pytest

from nurture.core.choice import Judged
from nurture.core.winner import (
    Look,
    Outcome,
    Tried,
    all_differ,
    chi_square_tail,
    look,
    rates_differ,
    sample_ratio,
    sums_differ,
    t_tail,
)


def arm(variant: str, people: int, reached: int, share: float = 0.5) -> Tried:
    return Tried(variant, share, people, reached)


def buyers(variant: str, people: int, spent: list[int], share: float = 0.5) -> Tried:
    return Tried(variant, share, people, len(spent), sum(spent), float(sum(one * one for one in spent)))


@pytest.mark.parametrize(
    ("value", "freedom", "tail"),
    [(3.841459, 1, 0.05), (5.991465, 2, 0.05), (7.814728, 3, 0.05), (9.487729, 4, 0.05), (11.070498, 5, 0.05),
     (10.827566, 1, 0.001), (0.0, 3, 1.0)],
)  # fmt: skip
def test_chi_square_is_that_of_the_tables(value: float, freedom: int, tail: float) -> None:
    assert chi_square_tail(value, freedom) == pytest.approx(tail, abs=1e-6)


@pytest.mark.parametrize(
    ("t", "freedom", "tail"),
    [(12.7062, 1, 0.05), (2.228139, 10, 0.05), (2.0, 10, 0.073388), (1.983972, 100, 0.05), (1.959964, 1e8, 0.05),
     (0.0, 5, 1.0), (-2.228139, 10, 0.05)],
)  # fmt: skip
def test_students_t_is_that_of_the_tables(t: float, freedom: float, tail: float) -> None:
    assert t_tail(t, freedom) == pytest.approx(tail, abs=1e-5)


def test_rates_are_compared_by_the_z_test() -> None:
    assert rates_differ(arm("a", 1000, 120), arm("b", 1000, 90)) == pytest.approx(0.028650, abs=1e-5)


def test_too_few_to_tell_are_no_difference() -> None:
    assert rates_differ(arm("a", 40, 4), arm("b", 40, 0)) == 1.0
    assert sums_differ(buyers("a", 500, [900] * 6), buyers("b", 500, [])) == 1.0


def test_holm_asks_more_of_the_first_than_of_the_last() -> None:
    assert all_differ([0.04, 0.02], 0.05) and all_differ([0.05], 0.05)
    assert not all_differ([0.03, 0.04], 0.05)
    assert not all_differ([0.001, 0.06], 0.05)


def test_the_clearly_better_wins() -> None:
    found = look(Judged.CLICKED, [arm("a", 1000, 50), arm("b", 1000, 100)], 0.95)
    assert (found.outcome, found.winner, found.best) == (Outcome.WON, "b", "b")
    assert found.against["a"] < 0.001


def test_a_difference_that_chance_makes_is_unproven() -> None:
    found = look(Judged.CLICKED, [arm("a", 1000, 50), arm("b", 1000, 60)], 0.95)
    assert (found.outcome, found.winner, found.best) == (Outcome.UNPROVEN, None, "b")


def test_the_best_must_differ_from_every_other() -> None:
    thirds = [arm("a", 1000, 20, 1 / 3), arm("b", 1000, 100, 1 / 3), arm("c", 1000, 104, 1 / 3)]
    assert look(Judged.CLICKED, thirds, 0.95).outcome is Outcome.UNPROVEN


def test_people_lost_on_the_way_forbid_a_winner() -> None:
    found = look(Judged.CLICKED, [arm("a", 1000, 50), arm("b", 800, 120)], 0.95)
    assert (found.outcome, found.winner) == (Outcome.SAMPLE_RATIO, None)
    assert found.ratio_p < 0.001


def test_unequal_shares_are_what_is_expected() -> None:
    assert sample_ratio([arm("a", 300, 0, 0.3), arm("b", 700, 0, 0.7)]) == 1.0
    assert sample_ratio([arm("a", 500, 0, 0.3), arm("b", 500, 0, 0.7)]) < 1e-9
    assert sample_ratio([arm("a", 0, 0), arm("b", 0, 0)]) == 1.0


def test_money_is_judged_by_what_people_spend_and_not_by_how_many_buy() -> None:
    many, dear = buyers("many", 1000, [500] * 60), buyers("dear", 1000, [5000] * 40)
    assert look(Judged.REVENUE, [many, dear], 0.95).winner == "dear"
    assert look(Judged.CONVERSIONS, [many, dear], 0.9).winner == "many"


def test_one_great_order_does_not_win() -> None:
    usual = [1000 + 10 * number for number in range(30)]
    found = look(Judged.REVENUE, [buyers("a", 1000, usual), buyers("b", 1000, [*usual, 900_000])], 0.95)
    assert found.outcome is Outcome.UNPROVEN


def _simulated(random: Random, rates: list[float], people: int) -> Look:
    shares = [1 / len(rates)] * len(rates)
    tried = []
    for number, (rate, share) in enumerate(zip(rates, shares, strict=True)):
        reached = sum(random.random() < rate for _ in range(people))
        tried.append(arm(f"v{number}", people, reached, share))
    return look(Judged.CLICKED, tried, 0.95)


@pytest.mark.parametrize(("variants", "rate"), [(2, 0.05), (2, 0.3), (3, 0.1), (4, 0.1)])
def test_of_variants_that_are_alike_at_most_one_in_twenty_trials_finds_a_winner(variants: int, rate: float) -> None:
    random, trials = Random(f"alike {variants} {rate}"), 1_000
    false = sum(_simulated(random, [rate] * variants, 400).outcome is Outcome.WON for _ in range(trials))
    # 5 % of them, and three deviations of the count above it.
    assert false <= trials * 0.05 + 3 * (trials * 0.05 * 0.95) ** 0.5


def test_a_difference_worth_having_is_mostly_found() -> None:
    random = Random("unlike")
    found = [_simulated(random, [0.05, 0.11], 500) for _ in range(200)]
    assert sum(one.winner == "v1" for one in found) > 170
    assert not any(one.winner == "v0" for one in found)


def test_sums_that_are_alike_rarely_have_a_winner() -> None:
    random, trials = Random("sums"), 600
    false = 0
    for _ in range(trials):
        arms = [
            buyers(name, 500, [int(random.lognormvariate(8, 1)) for _ in range(500) if random.random() < 0.06])
            for name in ("a", "b")
        ]
        false += look(Judged.REVENUE, arms, 0.95).outcome is Outcome.WON
    assert false <= trials * 0.05 + 3 * (trials * 0.05 * 0.95) ** 0.5
