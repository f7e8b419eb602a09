"""Signed tokens: what an email's links carry, and the only way back from a request to a message.

A token is base64url without padding of

    version (1 byte) | key id (1 byte) | contact (16) | message (16) | link (varint) | url (UTF-8) | mac (16)

where link and url are there only for links that were clicked, and the MAC is HMAC-SHA256 (RFC 2104), cut to
128 bits, under a key derived for one purpose. One meaning has exactly one text: anything else is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from nurture.core.errors import ConfigError


class Purpose(StrEnum):
    """What a token allows; a token of one purpose is nothing to another."""

    OPEN = "open"
    CLICK = "click"
    VIEW = "view"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    REFERRAL = "referral"
    CONFIRM = "confirm"


PATHS = {
    Purpose.OPEN: ("/o/", ".gif"),
    Purpose.CLICK: ("/c/", ""),
    Purpose.VIEW: ("/v/", ""),
    Purpose.UNSUBSCRIBE: ("/u/", ""),
    Purpose.PREFERENCES: ("/p/", ""),
    Purpose.REFERRAL: ("/r/", ""),
    Purpose.CONFIRM: ("/a/", ""),
}
"""What stands before and after the token in the path of each purpose."""

VERSION = 1
HEAD = 34
MAC = 16
MAX_URL = 2000
"""UTF-8 bytes of the longest destination."""
MAX_TOKEN = 3600
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\Z")
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ud800-\udfff\"<>`]")


@dataclass(frozen=True, slots=True)
class Ref:
    """What a token names: ids of 32 hex digits; for a click the link's number, and its url if that varies.

    For a consent that is asked for, `url` holds the topics, parted by commas.
    """

    contact_id: str
    message_id: str
    link: int | None = None
    url: str | None = None


def safe_url(url: str) -> bool:
    """Whether people may be sent to `url`: whole, http or https, no userinfo, backslash, space or control."""
    if not url or _UNSAFE.search(url) or len(url.encode()) > MAX_URL:
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


class Signer:
    """Writes and reads tokens. The first key signs, all of them verify, so keys can be rotated.

    Raises ConfigError for no key, or one under 32 bytes.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ConfigError("No signing key is set; give at least one of 32 bytes or more.")
        if any(len(key) < 32 for key in keys):
            raise ConfigError("A signing key is too short; each needs 32 bytes or more.")
        self._keys = [(_kid(key), _derive(key)) for key in keys]
        self._by_kid = dict(reversed(self._keys))
        self.kid: int = self._keys[0][0]

    def token(
        self,
        purpose: Purpose,
        contact_id: str,
        message_id: str,
        link: int | None = None,
        url: str | None = None,
        *,
        kid: int | None = None,
    ) -> str:
        """The token for `purpose`, signed with the key `kid`, or the first key if that is gone or None."""
        if kid is None or kid not in self._by_kid:
            kid = self.kid
        body = bytes((VERSION, kid)) + bytes.fromhex(contact_id + message_id)
        if link is not None:
            body += _varint(link) + (url.encode() if url else b"")
        return _text(body + self._by_kid[kid][purpose].mac(body))

    def read(self, purpose: Purpose, token: str) -> Ref | None:
        """What `token` names, or None if it is forged, damaged, for another purpose, or written another way."""
        raw = _decode(token)
        if raw is None:
            return None
        body, mac = raw[:-MAC], raw[-MAC:]
        for kid, derived in self._keys:
            if kid == body[1] and hmac.compare_digest(derived[purpose].mac(body), mac):
                return _parse(body)
        return None


class _Mac:
    """HMAC-SHA256 under a fixed key: the two padded blocks are hashed once (RFC 2104, section 4)."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def mac(self, body: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(body)
        outer.update(inner.digest())
        return outer.digest()[:MAC]


def _kid(key: bytes) -> int:
    return hashlib.sha256(b"nurture key id" + key).digest()[0]


def _derive(key: bytes) -> dict[Purpose, _Mac]:
    return {p: _Mac(hmac.digest(key, b"nurture link " + p.value.encode(), "sha256")) for p in Purpose}


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _text(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_URLSAFE, b"=").decode()


def _decode(token: str) -> bytes | None:
    """The bytes of a token written in the one canonical way (the last base64 character has spare bits)."""
    if len(token) > MAX_TOKEN or not _TOKEN.match(token):
        return None
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Base64Error, ValueError):
        return None
    return raw if _text(raw) == token and len(raw) >= HEAD + MAC and raw[0] == VERSION else None


def _parse(body: bytes) -> Ref | None:
    contact_id, message_id, rest = body[2:18].hex(), body[18:34].hex(), body[HEAD:]
    if not rest:
        return Ref(contact_id, message_id)
    end = next((i for i, byte in enumerate(rest[:4]) if byte < 0x80), None)
    if end is None:
        return None
    link = sum((byte & 0x7F) << (7 * i) for i, byte in enumerate(rest[: end + 1]))
    url = rest[end + 1 :].decode(errors="replace")
    return Ref(contact_id, message_id, link, url or None)
