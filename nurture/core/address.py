"""The one way addresses are compared: two spellings of the same mailbox have the same key."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import idna

_FOLD = {ordered: ordered + 32 for ordered in range(ord("A"), ord("Z") + 1)}


def fold(text: str) -> str:
    """Lower-case ASCII letters only: 'İ'.lower() is two characters, and 'ı', 'K' (Kelvin) must not meet i and k."""
    return unicodedata.normalize("NFC", text).translate(_FOLD)


@lru_cache(maxsize=65536)
def ascii_domain(domain: str) -> str:
    """The domain as it is sent: IDNA 2008 (UTS 46), lower case. Raises ValueError for one that cannot exist."""
    if domain.isascii():
        return fold(domain)
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise ValueError(f"{domain!r} is not a domain: {error}") from None


def address_key(address: str) -> str:
    """What a contact and a suppression are known by. Raises ValueError for what has no @ or no domain."""
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or not domain:
        raise ValueError(f"{address!r} is not an email address")
    return f"{fold(local)}@{ascii_domain(domain)}"
