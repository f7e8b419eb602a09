"""What each provider needs to be told. Filled by whoever reads the configuration; nothing here reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from nurture.core.errors import ConfigError

Tls = Literal["none", "starttls", "implicit"]


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """A relay that takes mail by SMTP. Times in seconds.

    `timeout` bounds connecting and each reply but the one to the final dot, for which `dot_timeout` waits:
    ten minutes by RFC 5321 §4.5.3.2.6, since a shorter wait makes duplicates. `bounce_address` is the
    envelope sender; `{id}` in it becomes the message id (VERP); without it the From address stands there.
    `helo` is the name we greet with (the host's own if None); `ca_file` holds the authorities to trust
    instead of the system's. `max_batch` messages are claimed at a time: what a crash leaves in doubt.
    """

    host: str = "localhost"
    port: int = 587
    tls: Tls = "starttls"
    user: str | None = None
    password: SecretStr | None = None
    timeout: float = 30.0
    dot_timeout: float = 600.0
    max_per_connection: int = 500
    max_batch: int = 100
    helo: str | None = None
    bounce_address: str | None = None
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what would fail at every message. Raises ConfigError."""
        if (self.user is None) != (self.password is None):
            raise ConfigError("smtp: user and password go together; give both, or neither")
        if self.user is not None and self.tls == "none" and not _is_loopback(self.host):
            raise ConfigError(
                f"smtp: the password would travel unencrypted to {self.host}; set tls to starttls or implicit"
            )


@dataclass(frozen=True, slots=True)
class SendGridSettings:
    """A Twilio SendGrid account. Times in seconds.

    `base_url` is https://api.eu.sendgrid.com for accounts in the EU. `sandbox` has requests checked and
    nothing delivered. `in_flight` requests run at once; a crash leaves as many messages in doubt.
    """

    api_key: SecretStr
    base_url: str = "https://api.sendgrid.com"
    sandbox: bool = False
    in_flight: int = 16
    connect_timeout: float = 10.0
    timeout: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what would fail at every message. Raises ConfigError."""
        key = self.api_key.get_secret_value()
        if not key or not key.isascii() or not key.isprintable() or key != key.strip():
            raise ConfigError("sendgrid: NURTURE_SENDGRID_API_KEY is empty or holds characters no key has")
        url = urlsplit(self.base_url)
        if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.hostname or "")):
            raise ConfigError(f"sendgrid: base_url is {self.base_url}; write https://api.sendgrid.com")


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """Everything any provider may need; `clock` tells the time (aware UTC) for those that write it down."""

    clock: Callable[[], datetime]
    outbox_dir: Path = Path("outbox")
    smtp: SmtpSettings | None = None
    sendgrid: SendGridSettings | None = None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
