"""The boundary to where mail arrives: letters come out in batches, and are put away once they are committed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

LARGEST = 256 * 1024
"""Bytes that are read of a letter; what tells us something stands at its beginning, attachments behind it."""

BATCH = 50
"""Letters that are read, recorded and put away together."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail: its first LARGEST bytes, under the key it has in its box. `received_at` (aware UTC) is the box's word."""

    key: str
    raw: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Letters, and what to remember with them so that they do not come again; None where the box itself knows."""

    letters: tuple[Letter, ...]
    mark: str | None = None


class Letterbox(Protocol):
    """Where mail arrives. `place` names it, without secrets. Raises ConfigError where it cannot be reached."""

    place: str

    def knock(self) -> None:
        """See whether the box can be read; reads nothing."""
        ...

    def batches(self, mark: str | None) -> Iterator[Batch]:
        """What has come since `mark`, the oldest first, each batch read when it is asked for."""
        ...

    def done(self, batch: Batch, aside: Collection[str]) -> None:
        """Put away letters that are recorded; those whose keys are `aside` so that a person finds them."""
        ...

    def close(self) -> None:
        """Let go of the box; may be called more than once."""
        ...
