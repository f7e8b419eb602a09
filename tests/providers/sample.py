"""Emails for the provider tests, small and whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nurture.core.email import Mailbox, Outgoing

SHOP = Mailbox("Acme Shop", "hello@mail.acme.example")
ADA = Mailbox("Ada", "ada@example.com")


@dataclass(frozen=True)
class SampleEmail:
    """An Email whose bytes are written out by hand."""

    sender: Mailbox = SHOP
    recipient: Mailbox = ADA
    reply_to: str | None = "care@acme.example"
    subject: str = "Hello"
    text: str = "Hello Ada"
    html: str = "<p>Hello Ada</p>"
    headers: tuple[tuple[str, str], ...] = ()

    def as_bytes(self) -> bytes:
        lines = [f"From: <{self.sender.address}>", f"To: <{self.recipient.address}>"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, f"Subject: {self.subject}", "", self.text, ""]).encode()


def message_id(number: int) -> str:
    """The id of the sample message of that number."""
    return f"{number:032x}"


def outgoing(number: int = 1, to: str = "ada@example.com", **changes: object) -> Outgoing:
    """Message `number`; `changes` are fields of its email."""
    headers = (("Message-ID", f"<{message_id(number)}@mail.acme.example>"),)
    email = SampleEmail(recipient=Mailbox("Ada", to), headers=headers)
    return Outgoing(message_id(number), f"c{number}", "welcome", "first", replace(email, **changes))


def batch(count: int) -> list[Outgoing]:
    """Messages 1 to `count`."""
    return [outgoing(number) for number in range(1, count + 1)]
