"""What the web needs of an opened project, and nothing more."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pydantic import SecretStr

    from nurture.actions.release import Emails, Releases
    from nurture.emails.links import Signer
    from nurture.providers.base import Provider
    from nurture.store.database import Database


class Settings(Protocol):
    """The part of the environment the web reads."""

    @property
    def webhook_keys(self) -> tuple[str, ...]: ...
    @property
    def password(self) -> SecretStr | None: ...
    @property
    def outbox_dir(self) -> Path: ...
    def signing_keys(self) -> list[bytes]: ...


class Parts(Protocol):
    """An opened project: its database, what was published, and its clock (aware UTC)."""

    @property
    def settings(self) -> Settings: ...
    @property
    def database(self) -> Database: ...
    @property
    def signer(self) -> Signer: ...
    @property
    def releases(self) -> Releases: ...
    @property
    def emails(self) -> Emails: ...
    def now(self) -> datetime: ...


class Workshop(Parts, Protocol):
    """An opened project whose files somebody is at work on, and what carries a test of theirs."""

    @property
    def directory(self) -> Path: ...
    def provider(self, name: str | None = None) -> Provider: ...
