"""Publish what `check` accepts; read what runs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from nurture import __version__
from nurture.actions.check import Checked
from nurture.core.errors import NotFound, ProjectError
from nurture.core.problem import Problem
from nurture.core.program import Program
from nurture.emails.compile import CompiledEmail
from nurture.emails.fill import Filler
from nurture.emails.links import Signer
from nurture.files.countries import PublicCalendars
from nurture.files.folder import PERSONAS, SCENARIOS, is_campaign
from nurture.files.loader import load_published
from nurture.store import releases
from nurture.store.database import Connection, Database

RESTAGE = "restage_after"
"""The setting under which `sweep` folds every life again, after other rules: the last contact id that is done."""


@dataclass(frozen=True)
class Release:
    """What runs: an id, the program, and the digest of each compiled email."""

    id: int
    digest: str
    published_at: datetime
    program: Program
    emails: Mapping[releases.EmailKey, str]
    salt: str

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
    """What was published; each release is read once and kept in memory. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, Release] = {}

    def current(self) -> Release:
        """The release that runs. Raises NotFound when nothing was published yet."""
        with self._database.read() as connection:
            row = releases.latest_release(connection)
            if row is None:
                raise NotFound("nothing is published yet; `nurture run` publishes the project's files")
            return self._release(connection, row)

    def of(self, connection: Connection, release_id: int) -> Release | None:
        """The release of that id; None where there is none, or this version can no longer read it."""
        row = releases.release_row(connection, release_id)
        try:
            return self._release(connection, row) if row else None
        except (ValueError, KeyError, ProjectError):
            return None

    def _release(self, connection: Connection, row: releases.ReleaseRow) -> Release:
        if row.id not in self._known:
            self._known[row.id] = _read(connection, row)
        return self._known[row.id]

    def publish(self, checked: Checked, now: datetime) -> Release:
        """Make what was checked the release that runs.

        Campaigns with errors are left out; the others run. Raises ProjectError when the project file itself
        is wrong, or when people stand at a step that the new files no longer have.
        """
        project = checked.loaded.project
        if project is None:
            raise ProjectError(checked.problems)
        files = {path: text for path, text in checked.loaded.files.items() if _runs(path, checked.broken)}
        program = Program.of(
            project, [c for c in checked.loaded.campaigns if c.name not in checked.broken], PublicCalendars()
        )
        emails = {key: compiled.to_bytes() for key, compiled in checked.emails.items() if key[0] in program.courses}
        with self._database.write() as connection:
            lost = _left_standing(program, releases.standing_at(connection))
            if lost:
                raise ProjectError(lost)
            before = releases.latest_release(connection)
            if before and self._release(connection, before).program.rules != program.rules:
                releases.set_meta(connection, RESTAGE, "")
            row = releases.save_release(connection, files, emails, __version__, now)
            releases.set_meta(connection, "running_release", str(row.id))
            if releases.get_meta(connection, "salt") is None:
                releases.set_meta(connection, "salt", secrets.token_hex(16))
        return self.current()


def _read(connection: Connection, row: releases.ReleaseRow) -> Release:
    program = Program.of(*load_published(releases.release_files(connection, row.id)), PublicCalendars())
    salt = releases.get_meta(connection, "salt") or ""
    return Release(row.id, row.digest, row.published_at, program, releases.release_emails(connection, row.id), salt)


def _runs(path: str, broken: frozenset[str]) -> bool:
    """Whether a file is part of what runs: people made up and their stories are not, nor are campaigns with errors."""
    if path == PERSONAS or path.startswith(f"{SCENARIOS}/"):
        return False
    return not is_campaign(path) or path.removeprefix("campaigns/").removesuffix(".yaml") not in broken


def _left_standing(program: Program, standing: Mapping[tuple[str, str], int]) -> list[Problem]:
    return [
        Problem(
            f"campaigns/{campaign}.yaml", 1, 1, "step-removed",
            f"{count} people stand at the step {step!r}, which the file no longer has",
            "keep the step until they have left it, or set the campaign's status to ended",
        )
        for (campaign, step), count in sorted(standing.items())
        if campaign in program.courses and step not in program.courses[campaign].places
    ]  # fmt: skip
