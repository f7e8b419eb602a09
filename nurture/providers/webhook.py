"""Calls to other programs after the Standard Webhooks convention (standardwebhooks.com), never into the own network.

A name is resolved once, its addresses are judged, and the connection goes to the address that was judged: a name
that answers differently the next moment gains nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
import ssl
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from nurture.core.errors import ConfigError

PREFIX = "whsec_"
SECONDS = 10.0
"""For each of connecting, writing and each piece read; and twice that for all of a call."""
LARGEST_ANSWER = 64 * 1024
AT_ONCE = 8
LONGEST_WAIT = timedelta(days=1)
AGENT = "nurture-webhook"
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a call: taken; or not, for good (`gone`) or until another try."""

    taken: bool
    detail: str
    gone: bool = False
    retry_at: datetime | None = None


class Forbidden(Exception):
    """The name leads to an address that must not be called."""


def new_secret() -> str:
    """A secret as the convention writes it: 32 random bytes."""
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def read_secrets(text: str, name: str) -> list[bytes]:
    """The secrets of a variable, parted by spaces; the first is the current one. Raises ConfigError naming it."""
    keys = []
    for word in text.split():
        try:
            key = b64decode(word.removeprefix(PREFIX), validate=True)
        except ValueError:
            key = b""
        if not 24 <= len(key) <= 64:
            raise ConfigError(f"{name} is not 24 to 64 bytes in base64; `nurture webhooks secret` makes one")
        keys.append(key)
    return keys


def sign(keys: Sequence[bytes], call_id: str, timestamp: int, body: bytes) -> str:
    """The signature header: one version 1 signature for each key."""
    signed = f"{call_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}" for key in keys)


def is_public(text: str) -> bool:
    """Whether an address is one of the open internet, whatever it is wrapped in."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner and not is_public(str(inner)):
            return False
    return address.is_global and not address.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, by the system's resolver."""
    return list(dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class WebhookCaller:
    """Calls one webhook through its own pool of connections. Follows no redirect, uses no proxy of the environment."""

    def __init__(
        self,
        url: str,
        keys: Sequence[bytes],
        *,
        allow_private: bool = False,
        resolver: Callable[[str, int], list[str]] = resolve,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._url = httpx.URL(url)
        self._keys, self._allow_private, self._resolve = keys, allow_private, resolver
        self._client = httpx.Client(
            verify=context or ssl.create_default_context(), timeout=SECONDS, follow_redirects=False, trust_env=False,
            limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE),
        )  # fmt: skip
        self._pool = ThreadPoolExecutor(AT_ONCE, "nurture-webhook")

    def call(self, calls: Sequence[tuple[str, bytes]], now: datetime) -> list[Answer]:
        """Make calls (id and body) side by side; never raises for what the far side does. `now` is aware UTC."""
        return list(self._pool.map(lambda one: self._call(one[0], one[1], now), calls))

    def close(self) -> None:
        """Finish the calls in the air and let go of every connection."""
        self._pool.shutdown()
        self._client.close()

    def _call(self, call_id: str, body: bytes, now: datetime) -> Answer:
        try:
            address = self._address()
            with self._client.stream("POST", self._url.copy_with(host=address), content=body, headers=self._headers(
                call_id, body, now), extensions={"sni_hostname": self._url.host}) as response:  # fmt: skip
                _read(response)
                return _answer(response, now)
        except Forbidden as refused:
            return Answer(False, str(refused))
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            return Answer(False, f"not reached: {type(error).__name__}")

    def _headers(self, call_id: str, body: bytes, now: datetime) -> dict[str, str]:
        timestamp = int(now.timestamp())
        return {
            "Host": self._url.netloc.decode("ascii"), "Content-Type": "application/json", "User-Agent": AGENT,
            "webhook-id": call_id, "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._keys, call_id, timestamp, body),
        }  # fmt: skip

    def _address(self) -> str:
        """The address to connect to. Raises Forbidden when any of the name's addresses is not public."""
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        addresses = self._resolve(self._url.host, port)
        if not addresses:
            raise OSError("no address")
        if not self._allow_private and not all(map(is_public, addresses)):
            raise Forbidden(f"{self._url.host} is an address of a private network; allow_private: yes permits it")
        return addresses[0]


def _read(response: httpx.Response) -> None:
    """Read a short answer to its end, so that the connection serves again; a long or slow one is cut off."""
    until, size = time.monotonic() + SECONDS, 0
    for piece in response.iter_raw():
        size += len(piece)
        if size > LARGEST_ANSWER or time.monotonic() > until:
            return


def _answer(response: httpx.Response, now: datetime) -> Answer:
    status = response.status_code
    if response.is_success:
        return Answer(True, str(status))
    after = response.headers.get("retry-after", "")
    retry_at = now + min(timedelta(seconds=int(after)), LONGEST_WAIT) if after.isdecimal() and len(after) < 9 else None
    where = "; redirects are not followed" if response.is_redirect else ""
    return Answer(False, f"{status}{where}", status == GONE, retry_at)
