"""Counts for pages: fresh while counting is cheap; never waited for long, nor made often, once it is not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock, Thread
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")
CHEAP = 0.2
"""Seconds; what took no longer is counted anew for every page."""
RATIO = 30.0
"""What took longer is kept for so many times as long as it took."""
PATIENCE = 1.5
"""Seconds a page waits for a first count."""


@dataclass(slots=True)
class _Count:
    answer: Any = None
    took: float = 0.0
    until: float = 0.0
    running: Future[Any] | None = None


class Counts:
    """Remembers counts by name. Safe to share between threads."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = Lock()
        self._known: dict[str, _Count] = {}

    def get(self, name: str, count: Callable[[], T]) -> T | None:
        """The count of that name: a fresh or a kept one; None while the first is still being made."""
        with self._lock:
            known = self._known.setdefault(name, _Count())
            if known.running is None and monotonic() >= known.until:
                known.running = self._begin(known, count)
            running = known.running
        if running is not None and known.took <= CHEAP:
            try:
                running.result(self._patience)
            except TimeoutError:
                return None
        answer: T | None = known.answer
        return answer

    def _begin(self, known: _Count, count: Callable[[], Any]) -> Future[Any]:
        running: Future[Any] = Future()
        Thread(target=self._count, args=(known, count, running), name="nurture-count", daemon=True).start()
        return running

    def _count(self, known: _Count, count: Callable[[], Any], running: Future[Any]) -> None:
        began = monotonic()
        try:
            answer = count()
        except Exception as error:
            with self._lock:
                known.running = None
            running.set_exception(error)
            return
        with self._lock:
            known.answer, known.took, known.running = answer, monotonic() - began, None
            known.until = monotonic() + known.took * RATIO if known.took > CHEAP else 0.0
        running.set_result(answer)
