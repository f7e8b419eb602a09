"""One email as it leaves: addresses, parts and headers, whatever provider carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name (may be empty, any script) and an address (IDNA-encoded domain)."""

    name: str
    address: str


class Email(Protocol):
    """What a provider needs of an email. API providers read the parts; SMTP takes `as_bytes()`."""

    @property
    def sender(self) -> Mailbox: ...
    @property
    def recipient(self) -> Mailbox: ...
    @property
    def reply_to(self) -> str | None: ...
    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Headers beyond From, To, Reply-To, Subject, Date and MIME-*: Message-ID, List-*, Feedback-ID."""
        ...

    def as_bytes(self) -> bytes:
        """The whole message: 7-bit MIME, CRLF line ends, no line of its body beginning with a dot."""
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A claimed message on its way to a provider. `message_id` is nurture's own, 32 hex digits."""

    message_id: str
    contact_id: str
    campaign: str
    step: str
    email: Email
