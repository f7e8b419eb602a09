"""An email as its reader sees it, made safe to look at: nothing in it is followed, opened or counted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

STILL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="
_OURS = re.compile(r"https?://[^\s\"'<>]*?/(?:(o)/[A-Za-z0-9_-]{60,}\.gif|[cvupra]/[A-Za-z0-9_-]{60,})")
"""Signed links, wherever the project was reached when the email was made."""
SHOWN_HEADERS = ("From", "To", "Reply-To", "Subject", "Date", "List-Unsubscribe", "List-Id", "Message-ID")
SOURCE_BYTES = 400_000


@dataclass(frozen=True, slots=True)
class Mail:
    """The parts of an email: its headers in reading order, both bodies, and the source as it travelled."""

    headers: tuple[tuple[str, str], ...]
    html: str
    text: str
    source: str


def parse(raw: bytes) -> Mail:
    """Take a message apart."""
    message = message_from_bytes(raw, policy=policy.default)
    headers = tuple((name, str(message[name])) for name in SHOWN_HEADERS if message[name])
    source = raw[:SOURCE_BYTES].decode("utf-8", "replace").replace("\r\n", "\n")
    return Mail(headers, _body(message, "html"), _body(message, "plain"), source)


def parse_headers(source: str) -> tuple[tuple[str, str], ...]:
    """Every header of a message in the order in which they travel, unfolded and decoded."""
    message = message_from_bytes(source.encode(), policy=policy.default)
    return tuple((name, str(value)) for name, value in message.items())


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    content = part.get_content() if part else ""
    return content if isinstance(content, str) else ""


def quiet(html: str) -> str:
    """HTML whose pixel is not fetched and whose signed links lead nowhere: looking is not opening."""
    return _OURS.sub(lambda found: STILL if found[1] else "#", html)
