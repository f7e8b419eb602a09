"""Token buckets: how often somebody may try."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from time import monotonic


class Buckets:
    """For each key `size` tries at once and one more every `refill` seconds; remembers the `keys` seen last.

    `clock` counts seconds and never goes back. Safe to share between threads.
    """

    def __init__(self, size: int, refill: float, *, keys: int = 10_000, clock: Callable[[], float] = monotonic) -> None:
        self._size = size
        self._refill = refill
        self._keys = keys
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, key: str) -> bool:
        """Use up one try of `key`. False when none is left."""
        with self._lock:
            now = self._clock()
            left, at = self._left.pop(key, (float(self._size), now))
            left = min(float(self._size), left + (now - at) / self._refill)
            allowed = left >= 1
            self._left[key] = (left - 1 if allowed else left, now)
            if len(self._left) > self._keys:
                self._left.popitem(last=False)
            return allowed
