"""The boundary to whoever carries the email: a batch goes out, one outcome comes back for each message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from nurture.core.email import Outgoing
from nurture.core.event import BounceClass


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took responsibility. `provider_id` is its own id for the message, if it gave one."""

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A definite and final refusal of this message; `bounce` says whose fault it is."""

    detail: str
    bounce: BounceClass


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A definite refusal for now: nothing was taken. Try again, but not before `retry_at` (aware UTC)."""

    detail: str
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost after bytes were on their way: perhaps it was taken. Never resent by guess."""

    detail: str


Outcome = Accepted | Rejected | Unavailable | Unknown


class Provider(Protocol):
    """Carries emails. One instance is used by one thread at a time; `close` may be called more than once."""

    name: str
    max_batch: int

    def send(self, batch: Sequence[Outgoing], deadline: float) -> list[Outcome]:
        """Hand over `batch` and return as many outcomes, in the same order.

        `deadline` is a `time.monotonic()` instant (seconds): a message whose first byte cannot be written
        before it is not begun and comes back as `Unavailable`. Never raises for what the far side does.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
