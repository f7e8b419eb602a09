"""Ids: random for contacts, derived for everything that belongs to them, so that doing a thing twice does it once."""

from __future__ import annotations

import hashlib
import secrets


def new_contact_id() -> str:
    """A random id; it says nothing about the person."""
    return secrets.token_hex(16)


def derived_id(*parts: object) -> str:
    """32 hex digits that the same parts always give."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def account_id(name: str) -> str:
    """The account of that name, however it is capitalised and spaced."""
    return derived_id("account", " ".join(name.casefold().split()))


def enrollment_id(contact_id: str, campaign: str, entry_key: str, ordinal: int) -> str:
    """One contact's passage: which campaign, on which occasion, and the how-manieth."""
    return derived_id("enrollment", contact_id, campaign, entry_key, ordinal)


def message_id(enrollment: str, step: str) -> str:
    """The one message an enrollment may be owed for a step."""
    return derived_id("message", enrollment, step)


def stable_share(salt: str, *names: str) -> float:
    """A number in [0, 1) that these names always get; even over many contacts, unlike for another salt."""
    text = "\x1f".join((salt, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / 2**64
