"""What may differ between an email that was sent and its preview: four things, and nothing beside them."""

from __future__ import annotations

import re

from nurture.actions.sample import SAMPLE_CODE

FIELDS = re.compile(rb"^(Message-ID|Date): [^\r\n]*", re.MULTILINE)
TOKEN = re.compile(rb"(/[covupra]/)[A-Za-z0-9_-]{60,}(?:=2E|\.)?")


def masked(raw: bytes, code: str | None = None) -> bytes:
    """A message without its Message-ID, Date, the tokens of its links and its coupon's code, on unbroken lines."""
    whole = raw.replace(b"=\r\n", b"")
    whole = TOKEN.sub(rb"\1TOKEN", FIELDS.sub(rb"\1:", whole))
    return whole.replace(code.encode(), SAMPLE_CODE.encode()) if code else whole


def lengths(raw: bytes) -> list[int]:
    """How long each line of a message is."""
    return [len(line) for line in raw.split(b"\r\n")]
