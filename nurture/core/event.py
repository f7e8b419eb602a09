"""What comes back: facts about a contact or one of its messages, in the words of nurture.

Every source (pixel, click, webhook, mailbox, import) is turned into `Fact`s here; nothing beyond
this point knows a provider's vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The kinds of fact. CUSTOM is an event of the project's own, by its name; providers' other words are kept under
    OTHER with the raw payload.
    """

    PROCESSED = "processed"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    FORM = "form"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    CUSTOM = "custom"
    OTHER = "other"


ENGAGEMENT = frozenset({Kind.OPENED, Kind.CLICKED, Kind.REPLIED, Kind.FORM})
"""Kinds that are engagement when a human did them; a purchase is one too, and has its own table."""

EVIDENCE_OF_ACCEPTANCE = frozenset(
    {Kind.PROCESSED, Kind.DEFERRED, Kind.DELIVERED, Kind.BOUNCED, Kind.OPENED, Kind.CLICKED, Kind.COMPLAINED}
)
"""Kinds that prove the provider had taken a message whose answer was lost."""


class BounceClass(StrEnum):
    """What a refusal or bounce says about whom (RFC 3463; see providers)."""

    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"
    CONTENT = "content"


class SuppressionReason(StrEnum):
    """Why an address must not be mailed; outlives and precedes the contact."""

    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    BOUNCED = "bounced"
    SUNSET = "sunset"
    MANUAL = "manual"
    IMPORTED = "imported"

    @property
    def weight(self) -> int:
        """How much a reason weighs: of several for one address the weightiest stands, whichever was told first."""
        return _WEIGHTS.index(self)


_WEIGHTS = (
    SuppressionReason.SUNSET, SuppressionReason.UNSUBSCRIBED, SuppressionReason.IMPORTED, SuppressionReason.MANUAL,
    SuppressionReason.BOUNCED, SuppressionReason.COMPLAINED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened, as a source tells it.

    `occurred_at` is aware UTC. A fact names its message (`contact_id` + `message_id`) or, failing that,
    the `address`. `identity` is the provider's unique event id where there is one; `natural_key` is equal
    for two tellings of the same occurrence. `machine` holds the rule that judged it not human, else None.
    `suppresses` is the reason to suppress the address, if the fact is one. `topic` narrows an unsubscribe.
    """

    kind: Kind
    occurred_at: datetime
    source: str
    natural_key: str
    identity: str | None = None
    contact_id: str | None = None
    message_id: str | None = None
    address: str | None = None
    machine: str | None = None
    link: int | None = None
    url: str | None = None
    topic: str | None = None
    name: str | None = None
    bounce: BounceClass | None = None
    suppresses: SuppressionReason | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suppress:
    """An address that must not be mailed from now on; `occurred_at` is aware UTC."""

    address: str
    reason: SuppressionReason
    source: str
    occurred_at: datetime
