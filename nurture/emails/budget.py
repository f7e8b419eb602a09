"""What one rendering may spend: rounds of loops, calls, characters, seconds."""

from __future__ import annotations

import time

from jinja2.exceptions import SecurityError

MAX_OUTPUT = 500_000
MAX_ROUNDS = 10_000
MAX_CALLS = 2_000
MAX_SECONDS = 2.0


class Budget:
    """What one rendering may still spend, and whose it is: the contact's `locale` and `timezone` (IANA name).

    Every method raises SecurityError when its share is spent.
    """

    __slots__ = ("calls", "chars", "deadline", "locale", "rounds", "timezone")

    def __init__(self, locale: str, timezone: str | None) -> None:
        self.locale, self.timezone = locale, timezone
        self.rounds, self.calls, self.chars = MAX_ROUNDS, MAX_CALLS, MAX_OUTPUT
        self.deadline: float | None = None

    def loop(self, rounds: int) -> None:
        """Pay for a loop of that many rounds."""
        self.rounds -= rounds
        if self.rounds < 0:
            raise SecurityError(f"the loops of this template go round more than {MAX_ROUNDS} times")
        self._tick()

    def call(self) -> None:
        """Pay for a call of a macro, method or function."""
        self.calls -= 1
        if self.calls < 0:
            raise SecurityError(f"this template makes more than {MAX_CALLS} calls")
        self._tick()

    def print(self, text: str) -> None:
        """Pay for text that is printed, also into a block that is kept for later."""
        self.chars -= len(text)
        if self.chars < 0:
            raise SecurityError(f"this template prints more than {MAX_OUTPUT} characters")

    def _tick(self) -> None:
        if self.deadline is None:
            self.deadline = time.monotonic() + MAX_SECONDS
        elif time.monotonic() > self.deadline:
            raise SecurityError(f"this template ran for more than {MAX_SECONDS:g} seconds")
