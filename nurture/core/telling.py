"""Telling other programs: which webhooks there are, what they hear, and what one call says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from nurture.core.condition import Closed
from nurture.core.ids import derived_id
from nurture.core.values import Switch

SECRET = "NURTURE_WEBHOOK_NAME_SECRET"


class Told(StrEnum):
    """What a webhook is told of: the first five by subscription, the last by a step."""

    SENT = "sent"
    CLICKED = "clicked"
    CONVERTED = "converted"
    STAGE_CHANGED = "stage_changed"
    UNSUBSCRIBED = "unsubscribed"
    NOTIFY = "notify"


class Webhook(Closed):
    """An address of another program that is told things; its secret stands in NURTURE_WEBHOOK_NAME_SECRET."""

    url: str = Field(
        pattern=r"^https?://[^/\s@]+(/[^\s]*)?$",
        description="Where it is told, by POST.",
        examples=["https://crm.acme.example/hooks/nurture"],
    )
    events: tuple[Literal["sent", "clicked", "converted", "stage_changed", "unsubscribed"], ...] = Field(
        (), description="What it hears of unasked; steps that notify it need none.", examples=[["converted"]]
    )
    include: tuple[Literal["address"], ...] = Field(
        (), description="What is said beside ids and names.", examples=[["address"]]
    )
    allow_private: Switch = Field(False, description="Whether it may be a machine of your own network.")


class Notify(Closed):
    """Whom to tell, and what about."""

    webhook: str = Field(min_length=1, description="The webhook of nurture.yaml.", examples=["crm"])
    about: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="A word the other side knows.", examples=["warm-prospect"]
    )


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell a webhook. `source_id` is equal for two tellings of the same; `data` holds no address."""

    webhook: str
    kind: Told
    contact_id: str
    source_id: str
    occurred_at: datetime
    data: Mapping[str, Any]
    enrollment_id: str | None = None

    @property
    def id(self) -> str:
        """The notice's own id, by which the other side knows a repeat."""
        return derived_id("webhook", self.webhook, self.kind, self.contact_id, self.source_id)


def secret_name(webhook: str) -> str:
    """The variable a webhook's secret stands in."""
    return SECRET.replace("NAME", webhook.upper().replace("-", "_"))
