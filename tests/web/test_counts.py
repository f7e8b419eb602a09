from __future__ import annotations

from threading import Event

import pytest

from nurture.web.counts import CHEAP, Counts


def test_what_is_cheap_is_counted_anew_each_time() -> None:
    numbers = iter(range(10))
    counts = Counts()
    assert [counts.get("people", lambda: next(numbers)) for _ in range(3)] == [0, 1, 2]


def test_what_is_costly_is_kept_and_nobody_waits_for_it_again() -> None:
    begun: list[int] = []
    pause = Event()

    def count() -> int:
        begun.append(1)
        pause.wait(CHEAP * 1.5)
        return len(begun)

    counts = Counts(patience=30)
    assert counts.get("people", count) == 1
    assert [counts.get("people", count) for _ in range(5)] == [1] * 5
    assert len(begun) == 1


def test_a_first_count_that_takes_too_long_is_not_waited_for() -> None:
    go = Event()
    done = Event()

    def count() -> int:
        assert go.wait(30)
        done.set()
        return 7

    counts = Counts(patience=0.01)
    assert counts.get("people", count) is None
    assert counts.get("people", count) is None
    go.set()
    assert done.wait(30)
    assert Counts(patience=30).get("people", count) == 7


def test_a_count_that_fails_tells_and_is_tried_again() -> None:
    answers = iter([ValueError("no"), 3])

    def count() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    counts = Counts(patience=30)
    with pytest.raises(ValueError, match="no"):
        counts.get("people", count)
    assert counts.get("people", count) == 3
