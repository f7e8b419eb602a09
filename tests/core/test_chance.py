"""Stable chance: shares hold, and what fell to somebody stays theirs when others come."""

from __future__ import annotations

from collections import Counter
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nurture.core.chance import choose
from nurture.core.ids import stable_share

PEOPLE = [f"contact-{number}" for number in range(4_000)]
SALTS = st.text("0123456789abcdef", min_size=4, max_size=8)
WEIGHTS = st.lists(st.integers(1, 20), min_size=2, max_size=6)


def named(weights: list[int]) -> dict[str, float]:
    return {f"v{number}": weight / sum(weights) for number, weight in enumerate(weights)}


@settings(deadline=None, max_examples=25)
@given(SALTS, WEIGHTS)
def test_shares_hold_within_what_chance_allows(salt: str, weights: list[int]) -> None:
    shares = named(weights)
    counted = Counter(choose(shares, salt, "campaign", "step", one) for one in PEOPLE)
    for name, share in shares.items():
        # Five deviations: once in two million.
        assert abs(counted[name] - len(PEOPLE) * share) <= 5 * sqrt(len(PEOPLE) * share * (1 - share)) + 1


@settings(deadline=None, max_examples=25)
@given(SALTS, WEIGHTS, st.integers(1, 20))
def test_a_new_variant_moves_only_those_who_get_it(salt: str, weights: list[int], weight: int) -> None:
    before, after = named(weights), named([*weights, weight])
    new = f"v{len(weights)}"
    for one in PEOPLE[:500]:
        mine = choose(after, salt, one)
        assert mine in (new, choose(before, salt, one))


@settings(deadline=None, max_examples=25)
@given(SALTS, WEIGHTS)
def test_a_variant_that_goes_moves_only_its_own_people(salt: str, weights: list[int]) -> None:
    before = named([*weights, 3])
    gone = f"v{len(weights)}"
    after = {name: share for name, share in before.items() if name != gone}
    for one in PEOPLE[:500]:
        mine = choose(before, salt, one)
        assert mine == gone or choose(after, salt, one) == mine


def test_the_order_in_a_file_changes_nothing() -> None:
    assert all(choose({"a": 0.3, "b": 0.7}, "s", one) == choose({"b": 0.7, "a": 0.3}, "s", one) for one in PEOPLE[:200])


def test_one_choice_says_nothing_of_another() -> None:
    both = Counter(
        (choose({"a": 0.5, "b": 0.5}, "s", "one", who), choose({"a": 0.5, "b": 0.5}, "s", "two", who)) for who in PEOPLE
    )
    assert all(850 < count < 1150 for count in both.values())


def test_whoever_has_no_share_gets_nothing() -> None:
    assert {choose({"a": 0.0, "b": 1.0}, "s", one) for one in PEOPLE} == {"b"}
    with pytest.raises(ValueError, match="nothing to choose"):
        choose({"a": 0.0}, "s", "ada")


def test_lots_lie_evenly_between_nought_and_one() -> None:
    tenths = Counter(int(stable_share("s", one) * 10) for one in PEOPLE)
    assert sorted(tenths) == list(range(10)) and all(300 < count < 500 for count in tenths.values())
