"""The project's files as they stand, as if they were a release; nothing of it is in the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from nurture.actions.check import Checked
from nurture.actions.queries import Queries
from nurture.actions.release import Emails, Release
from nurture.core.errors import NotFound, ProjectError
from nurture.core.persona import Persona
from nurture.core.program import Program
from nurture.emails.compile import CompiledEmail
from nurture.emails.fill import Filler
from nurture.emails.links import Signer
from nurture.files.countries import PublicCalendars
from nurture.files.nearest import did_you_mean
from nurture.store import releases
from nurture.store.database import Database


@dataclass(frozen=True)
class Draft:
    """The checked files, laid out as what runs is."""

    checked: Checked
    program: Program
    release: Release
    queries: Queries
    emails: Drafted

    def persona(self, name: str) -> Persona:
        """Somebody made up in personas.yaml. Raises NotFound."""
        personas = self.checked.loaded.personas
        if name not in personas:
            hint = did_you_mean(name, personas, "there are") or "write the first one there"
            raise NotFound(f"personas.yaml has nobody named {name!r}; {hint}")
        return personas[name]


class Drafted(Emails):
    """Compiled emails that no database holds."""

    def __init__(self, database: Database, signer: Signer, compiled: Mapping[str, CompiledEmail]) -> None:
        super().__init__(database, signer)
        self._compiled = compiled

    def changed(self, change: Callable[[CompiledEmail], CompiledEmail]) -> Drafted:
        """The same emails, each changed when it is used."""
        return _Changed(self, change)

    def _load(self, digest: str) -> tuple[CompiledEmail, Filler]:
        if digest not in self._ready:
            compiled = self._read(digest)
            self._ready[digest] = (compiled, Filler(compiled, self.signer))
        return self._ready[digest]

    def _read(self, digest: str) -> CompiledEmail:
        return self._compiled[digest]


class _Changed(Drafted):
    def __init__(self, drafted: Drafted, change: Callable[[CompiledEmail], CompiledEmail]) -> None:
        super().__init__(drafted._database, drafted.signer, drafted._compiled)
        self._change = change

    def _read(self, digest: str) -> CompiledEmail:
        return self._change(super()._read(digest))


def draft(database: Database, checked: Checked, signer: Signer, now: datetime) -> Draft:
    """Lay the checked files out. Raises ProjectError when the project file itself is wrong."""
    if checked.project is None:
        raise ProjectError(checked.problems)
    program = Program.of(checked.project, checked.campaigns, PublicCalendars())
    with database.read() as connection:
        salt = releases.get_meta(connection, "salt") or ""
    digests = {key: email.digest for key, email in checked.emails.items()}
    release = Release(0, "draft", now, program, digests, salt)
    compiled = {digests[key]: email for key, email in checked.emails.items()}
    return Draft(checked, program, release, Queries(release), Drafted(database, signer, compiled))
