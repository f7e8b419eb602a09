"""Facts from the public pages, written in batches by one thread.

An open is queued and answered at once; when the queue is full it is shed, and counted. A click or an unsubscribe
is answered when the transaction that holds it is committed, together with whatever came in meanwhile.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition, Event, Thread
from time import monotonic

from nurture.core.event import Fact

logger = logging.getLogger("nurture.web")

BATCH = 500
"""Facts in one transaction."""

LINGER = 0.25
"""Seconds an open may wait for others to share its transaction with."""

TRIES = (0.05, 0.5, 2.0)
"""Seconds to pause before a fact that failed alone is tried again; after them it is given up."""


@dataclass(frozen=True, slots=True)
class _Item:
    fact: Fact | None
    done: Future[None] | None


class Recorder:
    """Writes facts through `record`, which commits what it is given. `ready` raises while the database is away.

    `room` is how many opens may be queued; `shed` counts those that found no room. Safe to share between threads.
    """

    def __init__(
        self, record: Callable[[Sequence[Fact]], object], ready: Callable[[], object], *, room: int = 20_000
    ) -> None:
        self._record = record
        self._ready = ready
        self._room = room
        self._queue: deque[_Item] = deque()
        self._opens = 0
        self._waited_for = 0
        self._oldest = 0.0
        self._changed = Condition()
        self._closing = Event()
        self.shed = 0
        self._thread = Thread(target=self._run, name="nurture-recorder", daemon=True)
        self._thread.start()

    def offer(self, fact: Fact) -> bool:
        """Queue a fact nobody waits for. False when there was no room and it is lost."""
        with self._changed:
            if self._opens >= self._room or self._closing.is_set():
                self.shed += 1
                return False
            self._opens += 1
            self._put(_Item(fact, None))
        return True

    def submit(self, fact: Fact) -> Future[None]:
        """Queue a fact that must not be lost; the future is done once it is committed, or carries why not."""
        return self._wait_for(fact)

    def flush(self, timeout: float = 60.0) -> None:
        """Return when all that was queued before is written. Raises TimeoutError after `timeout` seconds."""
        self._wait_for(None).result(timeout)

    def close(self) -> None:
        """Write what is queued and end the thread; what comes later is refused."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(timeout=30)

    def _wait_for(self, fact: Fact | None) -> Future[None]:
        done: Future[None] = Future()
        with self._changed:
            if self._closing.is_set():
                done.set_exception(RuntimeError("the recorder is closed"))
                return done
            self._waited_for += 1
            self._put(_Item(fact, done))
        return done

    def _put(self, item: _Item) -> None:
        if not self._queue:
            self._oldest = monotonic()
        self._queue.append(item)
        if item.done is not None or len(self._queue) == 1 or len(self._queue) >= BATCH:
            self._changed.notify_all()

    def _run(self) -> None:
        while batch := self._next():
            self._write(batch)

    def _next(self) -> list[_Item]:
        """The next batch; empty when the recorder is closed and everything is written."""
        with self._changed:
            while not self._due():
                left = self._oldest + LINGER - monotonic() if self._queue else None
                self._changed.wait(left)
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._opens -= sum(item.done is None for item in batch)
            self._waited_for -= sum(item.done is not None for item in batch)
            self._oldest = monotonic()
            return batch

    def _due(self) -> bool:
        if self._waited_for or len(self._queue) >= BATCH or self._closing.is_set():
            return True
        return bool(self._queue) and monotonic() - self._oldest >= LINGER

    def _write(self, batch: Sequence[_Item]) -> None:
        try:
            self._commit(batch)
        except Exception as error:
            logger.warning("action=record.retry facts=%d error=%s", len(batch), type(error).__name__)
            self._await_database()
            self._again(batch)

    def _commit(self, batch: Sequence[_Item]) -> None:
        facts = [item.fact for item in batch if item.fact is not None]
        if facts:
            self._record(facts)
        for item in batch:
            if item.done is not None and not item.done.cancelled():
                item.done.set_result(None)

    def _again(self, batch: Sequence[_Item]) -> None:
        """One bad fact must not cost the others: halve the batch until it stands alone."""
        if len(batch) > 1:
            middle = len(batch) // 2
            self._write(batch[:middle])
            self._write(batch[middle:])
        else:
            self._insist(batch)

    def _insist(self, alone: Sequence[_Item]) -> None:
        failure: Exception | None = None
        for pause in TRIES:
            self._closing.wait(pause)
            try:
                self._commit(alone)
                return
            except Exception as error:
                failure = error
        self._give_up(alone[0], failure)

    def _give_up(self, item: _Item, error: Exception | None) -> None:
        message = item.fact.message_id if item.fact else None
        logger.error("action=record.failed message=%s error=%s", message, type(error).__name__)
        if item.done is not None and not item.done.cancelled():
            item.done.set_exception(error or RuntimeError("not recorded"))

    def _await_database(self) -> None:
        while not self._closing.is_set():
            try:
                self._ready()
                return
            except Exception as error:
                logger.warning("action=record.waiting error=%s", type(error).__name__)
                self._closing.wait(0.5)
