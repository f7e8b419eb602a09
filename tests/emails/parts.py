"""Builders for the tests of emails: a project's branding, one contact, one envelope."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from nurture.core.email import Mailbox
from nurture.core.money import Money
from nurture.emails.compile import Branding, CompiledEmail, compile_email
from nurture.emails.fill import Envelope, FilledEmail, Filler
from nurture.emails.links import Signer

SIGNER = Signer([b"k" * 32])
BRANDING = Branding(
    project="Acme Shop",
    sender=Mailbox("Acme Shop", "hello@mail.acme.example"),
    reply_to="care@acme.example",
    postal_address="Acme Ltd, 1 Example Street, 34000 Istanbul",
    base_url="https://n.acme.example",
    campaign="wake-up",
    campaign_title="Wake up",
    step="miss-you",
    currency="EUR",
    default_locale="en",
)
ENVELOPE = Envelope(
    contact_id="0a" * 16,
    message_id="1b" * 16,
    recipient=Mailbox("Ada Lovelace", "ada@example.com"),
    date=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    tracked=True,
)
CONTACT: dict[str, Any] = {
    "address": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "locale": "en",
    "country": "DE",
    "timezone": "Europe/Istanbul",
    "stage": "inactive",
    "signed_up_at": datetime(2026, 1, 2, 22, 30, tzinfo=UTC),
    "plan": None,
}
PURCHASE = {
    "order_id": "A-1",
    "at": datetime(2026, 1, 2, 22, 30, tzinfo=UTC),
    "total": Money(125000, "EUR"),
    "items": [
        {"name": "Beans <dark>", "quantity": 2, "price": Money(625, "EUR")},
        {"name": "Çay", "quantity": 1, "price": Money(420, "EUR")},
    ],
}
EVENT = {"item": "Beans <dark>", "url": "https://shop.example/basket/1", "items": PURCHASE["items"]}
COUPON = {"code": "ABC", "worth": "10%", "expires_at": datetime(2026, 12, 5, tzinfo=UTC)}
LINKS = '<a href="{{ links.view }}">v</a><a href="{{ links.unsubscribe }}">Unsubscribe</a>'
FOOT = "{{ project.postal_address }} " + LINKS


def email_file(body: str, subject: str = "Hello", **front: str) -> str:
    """A template with a subject, its body in a small document that has all the law asks for."""
    keys = "".join(f"{name}: {json.dumps(value)}\n" for name, value in {"subject": subject, **front}.items())
    return f"---\n{keys}---\n<html><body>{body}\n<p>{FOOT}</p></body></html>\n"


def compiled(body: str, subject: str = "Hello", branding: Branding = BRANDING, **front: str) -> CompiledEmail:
    return compile_email({"a.html": email_file(body, subject, **front)}, "a", "", branding)


def values(**contact: Any) -> dict[str, Any]:
    return {"contact": {**CONTACT, **contact}, "last_purchase": PURCHASE}


def render(body: str, subject: str = "Hello", **contact: Any) -> str:
    """The stream of a one-off template."""
    return Filler(compiled(body, subject), SIGNER).render(values(**contact))


def made(
    body: str,
    subject: str = "Hello",
    envelope: Envelope = ENVELOPE,
    given: Mapping[str, Any] | None = None,
    **front: str,
) -> FilledEmail:
    """The email of a one-off template for Ada."""
    filler = Filler(compiled(body, subject, **front), SIGNER)
    return filler.email(filler.render(given or values()), envelope)
