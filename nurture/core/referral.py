"""Referrals: the link a contact shares, and where it leads."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

from pydantic import Field

from nurture.core.condition import Closed

PARAMETER = "ref"
"""The parameter that carries the referral code; the shop hands it back under the same name."""


class Referral(Closed):
    """People who bring others: `links.referral` in an email is a link of the contact's own, to share."""

    url: str = Field(
        pattern=r"^https?://[^/\s@]+(/[^\s]*)?$",
        description="Where the link leads; `ref=CODE` is added, and comes back with sign-ups and purchases as `ref`.",
        examples=["https://acme.example/welcome"],
    )


def landing(url: str, code: str) -> str:
    """The address a shared link leads to: `url` with the code in its query."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode({PARAMETER: code}))))
    return urlunsplit(parts._replace(query=query))
