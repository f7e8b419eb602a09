"""Addresses as people write them, read into the key they are known by; the everyday ones quickly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nurture.core.address import address_key
from nurture.core.errors import InputError

_RESERVED = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})
_ROLES = frozenset(
    ("info", "marketing", "sales", "support", "abuse", "noc", "security", "postmaster", "hostmaster", "usenet", "news",
     "webmaster", "www", "uucp", "ftp")
)  # fmt: skip
"""Local parts whose case the validator folds (RFC 2142)."""


def _plain() -> Callable[[str], Any]:
    import re

    local = r"[A-Za-z0-9_+-]{1,32}(?:\.[A-Za-z0-9_+-]{1,15}){0,2}"
    return re.compile(local + r"@((?:[a-z0-9]{1,30}(?:-[a-z0-9]{1,30})?\.){1,3})([a-z]{2,20})").fullmatch


_PLAIN = _plain()


def plain_address(text: str) -> tuple[str, str] | None:
    """Address and key of an everyday ASCII address; None where only the validator can tell (a tenth of its cost)."""
    match = _PLAIN(text)
    if match is None or match[2] in _RESERVED:
        return None
    key = text.lower()
    if key != text and key.partition("@")[0] in _ROLES:
        return None
    return text, key


def read_address(text: str) -> tuple[str, str]:
    """An address as it is written and the key it is known by. Raises ValueError for what is none (email-validator).

    International domains and addresses are fine, and so is a quoted local part; nothing is asked of the network.
    """
    return plain_address(text) or validated_address(text)


def validated_address(text: str) -> tuple[str, str]:
    """The same, by the validator."""
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text, check_deliverability=False, allow_quoted_local=True, strict=True)
    except EmailNotValidError as error:
        raise ValueError(f"{text!r} is not an email address: {error}") from None
    return found.normalized, address_key(found.normalized)


def wanted_address(text: str) -> str:
    """The key of an address that somebody asks for. Raises InputError for what is none."""
    try:
        return address_key(text)
    except ValueError as error:
        raise InputError(str(error)) from None
