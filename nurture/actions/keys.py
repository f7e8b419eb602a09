"""Keys of the API: made once, shown once, kept hashed, each with what it may do."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nurture.core.errors import InputError, NotFound
from nurture.store import keys
from nurture.store.database import Database

SCOPES = ("contacts", "purchases", "events", "suppressions")
"""What a key may bring in."""

SPELLING = re.compile(r"nurture_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
NOTED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Key:
    """A key that opens something: its id, its name and what it may bring in."""

    id: str
    name: str
    scopes: frozenset[str]


def make_key(database: Database, name: str, scopes: Sequence[str], now: datetime) -> str:
    """Make a key (without scopes: for everything) and return its text, which is kept nowhere.

    Raises InputError when the name is taken or cannot be used, or a scope is none.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a key; use letters, digits, '.', '_' and '-'")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise InputError(f"{unknown[0]!r} is no scope; there are: {', '.join(SCOPES)}")
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    chosen = [scope for scope in SCOPES if not scopes or scope in scopes]
    row = {"id": key_id, "name": name, "digest": _digest(secret), "scopes": " ".join(chosen), "created_at": now,
           "used_at": None, "revoked_at": None}  # fmt: skip
    with database.write() as connection:
        if not keys.add_key(connection, row):
            raise InputError(f"there is a key {name!r} already; a name is used once, for what it did stays told by it")
    return f"nurture_{key_id}_{secret}"


def _digest(secret: str) -> str:
    # The secret has 256 random bits: nothing slower than one hash is needed to keep it from being guessed.
    return hashlib.sha256(secret.encode()).hexdigest()


def read_key(database: Database, text: str, now: datetime) -> Key | None:
    """The key that text is; None for what is none, and for one that was revoked."""
    match = SPELLING.fullmatch(text)
    if match is None:
        return None
    with database.read() as connection:
        row = keys.find_key(connection, match[1])
    if row is None or not hmac.compare_digest(_digest(match[2]), row["digest"]) or row["revoked_at"] is not None:
        return None
    if row["used_at"] is None or row["used_at"] < now - NOTED_EVERY:
        with database.write() as connection:
            keys.note_use(connection, row["id"], now)
    return Key(row["id"], row["name"], frozenset(row["scopes"].split()))


def list_keys(database: Database) -> list[dict[str, Any]]:
    """Every key, revoked ones too: name, scopes, when it was made, last used (to the hour) and revoked."""
    with database.read() as connection:
        return [{**row, "scopes": row["scopes"].split()} for row in keys.list_keys(connection)]


def revoke_key(database: Database, name: str, now: datetime) -> None:
    """Let a key open nothing from now on. Raises NotFound."""
    with database.write() as connection:
        if not keys.revoke_key(connection, name, now):
            known = ", ".join(row["name"] for row in keys.list_keys(connection)) or "none"
            raise NotFound(f"there is no key {name!r}; there are: {known}")
