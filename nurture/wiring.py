"""The one place that chooses the parts: which database, which provider, which clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING

from nurture.config import Settings, read_settings
from nurture.core.errors import ProjectError
from nurture.core.program import Program
from nurture.core.project import Project
from nurture.files.countries import PublicCalendars
from nurture.files.loader import Loaded, load
from nurture.store.database import Database
from nurture.store.migrate import current, migrate

if TYPE_CHECKING:
    from nurture.actions.release import Emails, Releases
    from nurture.core.replies import Replies
    from nurture.emails.links import Signer
    from nurture.providers.base import Provider
    from nurture.providers.letterbox import Letterbox


def wall_clock() -> datetime:
    """The time it is, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Opened:
    """A project folder with its parts at hand; each is made when it is first asked for.

    Only a made-up one, that nobody would miss, is not `durable`.
    """

    directory: Path
    settings: Settings
    clock: Callable[[], datetime] = wall_clock
    durable: bool = True

    def now(self) -> datetime:
        """The time on this project's clock, aware UTC."""
        return self.clock()

    @cached_property
    def loaded(self) -> Loaded:
        """The folder's files as they stand now."""
        return load(self.directory)

    @cached_property
    def project(self) -> Project:
        """The project file. Raises ProjectError when it is wrong."""
        if self.loaded.project is None:
            raise ProjectError(self.loaded.problems)
        return self.loaded.project

    @cached_property
    def program(self) -> Program:
        """The folder's project and those of its campaigns that are right."""
        return Program.of(self.project, self.loaded.campaigns, PublicCalendars())

    @cached_property
    def database(self) -> Database:
        """The database, with this version's tables."""
        database = Database(self.settings.database or self.project.database, self.directory, durable=self.durable)
        database.ping()
        migrate(database)
        return database

    @cached_property
    def original(self) -> Database | None:
        """The database as it is, only to be read from: not made, and not brought to this version. None without one."""
        database = Database(self.settings.database or self.project.database, self.directory)
        file = database.url.database
        if database.is_sqlite and not (file and Path(file).is_file()):
            return None
        database.ping()
        return database if current(database) else None

    @cached_property
    def signer(self) -> Signer:
        """What signs links. Raises ConfigError when no key is set."""
        from nurture.emails.links import Signer

        return Signer(self.settings.signing_keys())

    @property
    def stand_in(self) -> Signer:
        """What signs links in emails that go nowhere: as `signer`, or by a key made up where none is set."""
        from nurture.emails.links import Signer

        return self.signer if self.settings.keys else Signer([token_bytes(32)])

    @cached_property
    def releases(self) -> Releases:
        """What was published."""
        from nurture.actions.release import Releases

        return Releases(self.database, self.settings.user)

    @cached_property
    def emails(self) -> Emails:
        """The compiled emails of every release."""
        from nurture.actions.release import Emails

        return Emails(self.database, self.signer)

    def provider(self, name: str | None = None) -> Provider:
        """A new provider, for one thread: the named one, else the project's.

        Raises ConfigError when its settings are missing.
        """
        from nurture.providers import make
        from nurture.providers.config import ProviderConfig

        config = ProviderConfig(self.clock, self.settings.outbox_dir, self.settings.smtp, self.settings.sendgrid)
        return make(name or self.project.provider, config)

    def letterbox(self, replies: Replies) -> Letterbox:
        """The mailbox in which answers arrive. Raises ConfigError when it cannot be used as the settings are."""
        if replies.imap:
            from nurture.providers.imap import ImapBox

            return ImapBox(replies.imap, self.settings.imap_password)
        from nurture.providers.maildir import Maildir

        return Maildir(self.directory / Path(replies.maildir or "").expanduser())


def open_project(directory: Path, clock: Callable[[], datetime] = wall_clock) -> Opened:
    """Open the project in `directory`. Raises ConfigError when the environment says something unusable."""
    return Opened(directory, read_settings(directory), clock)
