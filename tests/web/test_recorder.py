from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event
from time import monotonic, sleep

import pytest

from nurture.core.event import Fact, Kind
from nurture.web.recorder import BATCH, Recorder

AT = datetime(2026, 3, 2, tzinfo=UTC)


def fact(number: int, kind: Kind = Kind.OPENED) -> Fact:
    return Fact(kind, AT, "test", f"{kind}-{number}", contact_id="c", message_id=f"m{number}")


@contextmanager
def recorder(record: Callable[[Sequence[Fact]], object], room: int = 20_000) -> Iterator[Recorder]:
    made = Recorder(record, lambda: None, room=room)
    try:
        yield made
    finally:
        made.close()


def until(true: Callable[[], bool]) -> None:
    deadline = monotonic() + 20
    while not true():
        assert monotonic() < deadline
        sleep(0.002)


class Slow:
    """A database that commits when it is told to."""

    def __init__(self) -> None:
        self.go = Event()
        self.batches: list[list[Fact]] = []
        self.entered = Event()

    def __call__(self, facts: Sequence[Fact]) -> None:
        self.entered.set()
        assert self.go.wait(20)
        self.batches.append(list(facts))


def test_an_open_is_written_soon_though_nobody_waits_for_it() -> None:
    seen: list[Fact] = []
    with recorder(seen.extend) as one:
        assert one.offer(fact(1))
        until(lambda: seen == [fact(1)])


def test_a_click_is_done_only_when_its_batch_is_committed() -> None:
    slow = Slow()
    with recorder(slow) as one:
        done = one.submit(fact(1, Kind.CLICKED))
        assert slow.entered.wait(20)
        assert not done.done()
        slow.go.set()
        assert done.result(20) is None
        assert slow.batches == [[fact(1, Kind.CLICKED)]]


def test_what_comes_in_during_a_commit_shares_the_next_one() -> None:
    slow = Slow()
    with recorder(slow) as one:
        first = one.submit(fact(0, Kind.CLICKED))
        assert slow.entered.wait(20)
        others = [one.submit(fact(n, Kind.CLICKED)) for n in range(1, 51)]
        slow.go.set()
        for done in (first, *others):
            done.result(20)
    assert [len(batch) for batch in slow.batches] == [1, 50]


def test_a_flood_of_opens_is_shed_and_counted_and_no_click_with_it() -> None:
    slow = Slow()
    with recorder(slow, room=10) as one:
        click = one.submit(fact(0, Kind.CLICKED))
        assert slow.entered.wait(20)
        taken = [one.offer(fact(n)) for n in range(1, 101)]
        late = one.submit(fact(101, Kind.CLICKED))
        assert (sum(taken), one.shed) == (10, 90)
        slow.go.set()
        click.result(20)
        late.result(20)
    assert sum(map(len, slow.batches)) == 12


def test_flush_returns_when_everything_before_it_is_written() -> None:
    seen: list[Fact] = []
    with recorder(seen.extend) as one:
        for number in range(3 * BATCH):
            one.offer(fact(number))
        one.flush()
        assert len(seen) == 3 * BATCH


def test_closing_writes_what_is_queued_and_refuses_what_comes_later() -> None:
    seen: list[Fact] = []
    with recorder(seen.extend) as one:
        for number in range(1200):
            one.offer(fact(number))
        one.close()
        assert len(seen) == 1200
        assert not one.offer(fact(1))
        with pytest.raises(RuntimeError):
            one.submit(fact(2)).result(1)


def test_one_fact_that_cannot_be_written_does_not_cost_the_others() -> None:
    seen: list[Fact] = []
    hold = Event()

    def record(facts: Sequence[Fact]) -> None:
        assert hold.wait(20)
        if any(one.message_id == "m7" for one in facts):
            raise ValueError("poison")
        seen.extend(facts)

    with recorder(record) as one:
        done: list[Future[None]] = [one.submit(fact(n, Kind.CLICKED)) for n in range(20)]
        hold.set()
        failed = [n for n, future in enumerate(done) if future.exception(30)]
    assert failed == [7]
    assert sorted(one.message_id or "" for one in seen) == sorted(f"m{n}" for n in range(20) if n != 7)


def test_a_database_that_is_away_is_waited_for() -> None:
    seen: list[Fact] = []
    away = Event()
    asked = Event()
    away.set()

    def record(facts: Sequence[Fact]) -> None:
        if away.is_set():
            raise ConnectionError("away")
        seen.extend(facts)

    def ready() -> None:
        asked.set()
        if away.is_set():
            raise ConnectionError("away")

    one = Recorder(record, ready)
    done = one.submit(fact(1, Kind.CLICKED))
    assert asked.wait(20)
    assert not done.done()
    away.clear()
    done.result(20)
    assert seen == [fact(1, Kind.CLICKED)]
    one.close()
