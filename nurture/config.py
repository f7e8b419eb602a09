"""What the environment tells: keys, passwords, where to listen. Read once; secrets never print."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr

from nurture.core.errors import ConfigError
from nurture.providers.config import SendGridSettings, SmtpSettings, Tls

SECRET_HINT = "set NURTURE_SECRET_KEY to 64 random hex digits (`nurture init` writes one into .env)"
DEFAULT_SENDGRID = "https://api.sendgrid.com"


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment, read and checked. `.env` in the project folder counts where the environment is silent."""

    keys: tuple[SecretStr, ...]
    database: str | None
    outbox_dir: Path
    smtp: SmtpSettings | None
    sendgrid: SendGridSettings | None
    webhook_keys: tuple[str, ...]
    imap_password: SecretStr | None
    password: SecretStr | None
    host: str
    port: int
    user: str
    raw: Mapping[str, str] = field(repr=False)

    def signing_keys(self) -> list[bytes]:
        """The keys that sign links, the current one first. Raises ConfigError when none is set."""
        if not self.keys:
            raise ConfigError(f"links cannot be signed without a key; {SECRET_HINT}")
        return [_key(secret.get_secret_value()) for secret in self.keys]


def _user() -> str:
    """Who runs this program, and where; for the history of what ran."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return socket.gethostname()


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < 32 or len(set(key)) < 8:
        raise ConfigError(f"a signing key is too short, not hexadecimal or not random; {SECRET_HINT}")
    return key


def read_settings(directory: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of the project in `directory`. Raises ConfigError naming the variable that is wrong."""
    env = {**_dotenv(directory / ".env"), **(os.environ if environment is None else environment)}
    said = {name: value.strip() for name, value in env.items() if name.startswith("NURTURE_") and value.strip()}
    return Settings(
        keys=tuple(SecretStr(key.strip()) for key in said.get("NURTURE_SECRET_KEY", "").split(",") if key.strip()),
        database=said.get("NURTURE_DATABASE"),
        outbox_dir=directory / said.get("NURTURE_OUTBOX", "outbox"),
        smtp=_smtp(said),
        sendgrid=_sendgrid(said),
        webhook_keys=tuple(said.get("NURTURE_SENDGRID_WEBHOOK_KEY", "").replace(",", " ").split()),
        imap_password=SecretStr(said["NURTURE_IMAP_PASSWORD"]) if "NURTURE_IMAP_PASSWORD" in said else None,
        password=SecretStr(said["NURTURE_PASSWORD"]) if "NURTURE_PASSWORD" in said else None,
        host=said.get("NURTURE_HOST", "127.0.0.1"),
        port=_number(said, "NURTURE_PORT", 8025),
        user=said.get("NURTURE_USER") or _user(),
        raw=said,
    )


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(path).items() if value is not None}


def _number(said: Mapping[str, str], name: str, default: int) -> int:
    text = said.get(name, str(default))
    if not text.isdecimal():
        raise ConfigError(f"{name} is {text!r}; it must be a whole number, like {default}")
    return int(text)


def _switch(said: Mapping[str, str], name: str) -> bool:
    text = said.get(name, "no").lower()
    if text not in ("yes", "no"):
        raise ConfigError(f"{name} is {text!r}; write yes or no")
    return text == "yes"


def _smtp(said: Mapping[str, str]) -> SmtpSettings | None:
    if "NURTURE_SMTP_HOST" not in said:
        return None
    tls = said.get("NURTURE_SMTP_TLS", "starttls")
    if tls not in ("none", "starttls", "implicit"):
        raise ConfigError(f"NURTURE_SMTP_TLS is {tls!r}; write starttls, implicit or none")
    password = said.get("NURTURE_SMTP_PASSWORD")
    optional: dict[str, Any] = {
        "helo": said.get("NURTURE_SMTP_HELO"),
        "bounce_address": said.get("NURTURE_SMTP_BOUNCE_ADDRESS"),
    }
    if "NURTURE_SMTP_CA_FILE" in said:
        optional["ca_file"] = Path(said["NURTURE_SMTP_CA_FILE"])
    return SmtpSettings(
        host=said["NURTURE_SMTP_HOST"],
        port=_number(said, "NURTURE_SMTP_PORT", 465 if tls == "implicit" else 587),
        tls=cast("Tls", tls),
        user=said.get("NURTURE_SMTP_USER"),
        password=SecretStr(password) if password else None,
        **optional,
    )


def _sendgrid(said: Mapping[str, str]) -> SendGridSettings | None:
    if "NURTURE_SENDGRID_API_KEY" not in said:
        return None
    return SendGridSettings(
        api_key=SecretStr(said["NURTURE_SENDGRID_API_KEY"]),
        base_url=said.get("NURTURE_SENDGRID_URL", DEFAULT_SENDGRID),
        sandbox=_switch(said, "NURTURE_SENDGRID_SANDBOX"),
    )
