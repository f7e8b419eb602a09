"""What was published: what runs, with its emails ready to be filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from threading import Lock

from nurture.core.errors import NotFound, ProjectError
from nurture.core.program import Program, course
from nurture.core.version import Version
from nurture.emails.compile import CompiledEmail
from nurture.emails.fill import Filler
from nurture.emails.links import Signer
from nurture.files.countries import PublicCalendars
from nurture.files.loader import load_published
from nurture.store import edits, releases, runs
from nurture.store.database import Connection, Database

RESTAGE = "restage_after"
"""The setting under which `sweep` folds every life again, after other rules: the last contact id that is done."""


@dataclass(frozen=True)
class Release:
    """What runs: an id, the program, and the digest of each compiled email.

    `run` is the number of the change by which it came to run; `earlier` are the releases on whose versions people
    finish, by id.
    """

    id: int
    digest: str
    published_at: datetime
    program: Program
    emails: Mapping[releases.EmailKey, str]
    salt: str
    run: int = 0
    earlier: Mapping[int, Release] = field(default_factory=dict)

    def version(self, campaign: str) -> Version:
        """What a campaign of this release means."""
        emails = {key[1:]: digest for key, digest in self.emails.items() if key[0] == campaign}
        return Version(self.program.courses[campaign], emails)

    @cached_property
    def versions(self) -> Mapping[str, Version]:
        """What its campaigns mean, by name."""
        return {name: self.version(name) for name in self.program.courses}

    def email(self, campaign: str, step: str, locale: str | None, variant: str = "") -> str:
        """The digest of the email for a contact of that locale: the exact one, its language's, else the default.

        Raises NotFound where the step has no such email.
        """
        wanted = (locale or "").replace("_", "-")
        for candidate in (wanted, wanted.partition("-")[0], self.program.project.locale, ""):
            digest = self.emails.get((campaign, step, candidate, variant))
            if digest:
                return digest
        which = f"variant {variant!r} of step {step!r}" if variant else f"step {step!r}"
        raise NotFound(f"no email was published for {which} of campaign {campaign!r}")


class Emails:
    """Compiled emails by digest, ready to be filled; kept in memory once used. Safe to share between threads."""

    def __init__(self, database: Database, signer: Signer) -> None:
        self._database = database
        self.signer = signer
        self._ready: dict[str, tuple[CompiledEmail, Filler]] = {}
        self._lock = Lock()

    def compiled(self, digest: str) -> CompiledEmail:
        """The compiled email. Raises NotFound when the database has none of that digest."""
        return self._load(digest)[0]

    def filler(self, digest: str) -> Filler:
        """What fills that email. Raises NotFound when the database has none of that digest."""
        return self._load(digest)[1]

    def _load(self, digest: str) -> tuple[CompiledEmail, Filler]:
        ready = self._ready.get(digest)
        if ready is None:
            with self._database.read() as connection:
                content = releases.email_content(connection, digest)
            if content is None:
                raise NotFound(f"the compiled email {digest[:12]} is not in the database")
            compiled = CompiledEmail.from_bytes(content)
            ready = (compiled, Filler(compiled, self.signer))
            with self._lock:
                self._ready[digest] = ready
        return ready


class Releases:
    """What was published; each release is read once and kept in memory. Safe to share between threads.

    `by` is who publishes: it stands in the history.
    """

    def __init__(self, database: Database, by: str = "") -> None:
        self._database, self.by = database, by
        self._known: dict[int, Release] = {}
        self._current: Release | None = None

    def current(self) -> Release:
        """The release that runs. Raises NotFound when nothing was published yet."""
        with self._database.read() as connection:
            row, run = releases.latest_release(connection), runs.current_run(connection)
            if row is None:
                raise NotFound("nothing is published yet; `nurture run` publishes the project's files")
            now = self._current
            if now is None or (now.id, now.run) != (row.id, run):
                now = self._current = self._with_earlier(connection, self.read(connection, row), run)
            return now

    def of(self, connection: Connection, release_id: int) -> Release | None:
        """The release of that id; None where there is none, or this version can no longer read it."""
        row = releases.release_row(connection, release_id)
        try:
            return self.read(connection, row) if row else None
        except (ValueError, KeyError, ProjectError):
            return None

    def _with_earlier(self, connection: Connection, release: Release, run: int) -> Release:
        """The release, with the versions on which people finish laid out in the project as it is now."""
        earlier, finishing = {}, {}
        for campaign, id_ in edits.pinned_versions(connection):
            earlier[id_] = self.by_id(connection, id_)
            before = earlier[id_].program.courses[campaign].campaign
            finishing[campaign, id_] = course(before, release.program.project, PublicCalendars())
        program = replace(release.program, finishing=finishing)
        return replace(release, program=program, run=run, earlier=earlier)

    def read(self, connection: Connection, row: releases.ReleaseRow) -> Release:
        """A release by its row; read once."""
        if row.id not in self._known:
            self._known[row.id] = _read(connection, row)
        return self._known[row.id]

    def by_id(self, connection: Connection, release_id: int) -> Release:
        """A release by its id."""
        known = self._known.get(release_id)
        return known or self.read(connection, releases.one_release(connection, release_id))

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """A transaction that may make releases; where it fails, they are forgotten with it."""
        before = dict(self._known)
        try:
            with self._database.write() as connection:
                yield connection
        except BaseException:
            self._known = before
            raise

    @contextmanager
    def trying(self) -> Iterator[None]:
        """While this lasts releases may be made that are undone; they are forgotten at its end."""
        before = dict(self._known)
        try:
            yield
        finally:
            self._known = before


def _read(connection: Connection, row: releases.ReleaseRow) -> Release:
    program = Program.of(*load_published(releases.release_files(connection, row.id)), PublicCalendars())
    salt = releases.get_meta(connection, "salt") or ""
    return Release(row.id, row.digest, row.published_at, program, releases.release_emails(connection, row.id), salt)
