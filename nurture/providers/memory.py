"""The outbox in memory: every email is accepted, shown to whoever listens, and forgotten."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nurture.core.email import Outgoing
from nurture.providers.base import Accepted, Outcome


class Memory:
    """Carries nothing anywhere; `hear` is given each batch as it leaves. Not to be named in nurture.yaml."""

    name = "memory"

    def __init__(self, hear: Callable[[Sequence[Outgoing]], object] = len, max_batch: int = 500) -> None:
        self._hear = hear
        self.max_batch = max_batch

    def send(self, batch: Sequence[Outgoing], deadline: float) -> list[Outcome]:
        """See Provider. Nothing is refused, however late it is."""
        self._hear(batch)
        return [Accepted()] * len(batch)

    def close(self) -> None:
        """There is nothing to let go of."""
