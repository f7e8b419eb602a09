"""When a message that was refused for now is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST = timedelta(minutes=5)
LONGEST = timedelta(hours=4)


def next_attempt(attempts: int, message_id: str, retry_at: datetime | None, now: datetime) -> datetime:
    """The next try after `attempts` of them: twice as long each time, spread by a tenth, not before the far side asks.

    The spread is stable (it comes of the message's id), so that a crowd refused together does not return together.
    """
    wait: timedelta = min(FIRST * (1 << min(attempts - 1, 10)), LONGEST)
    spread = wait * (int(message_id[:4], 16) / 0xFFFF) * 0.1
    return max(now + wait + spread, retry_at or now)
