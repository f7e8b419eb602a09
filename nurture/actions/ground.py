"""What stories are played on: campaigns published on a throw-away database that is as new for each story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from nurture.actions.ahead import SERVICE_TICK, Ahead
from nurture.actions.check import Checked, check_files
from nurture.actions.publish import publish
from nurture.actions.release import Emails, Release, Releases
from nurture.core.campaign import Status
from nurture.core.clock import VirtualClock
from nurture.core.email import Outgoing
from nurture.core.errors import ProjectError
from nurture.emails.links import Signer
from nurture.files.folder import CAMPAIGNS
from nurture.files.tree import read
from nurture.providers.memory import Memory
from nurture.store.database import Database
from nurture.store.lone import Lone
from nurture.store.migrate import migrate
from nurture.store.releases import set_meta
from nurture.store.scratch import copy_into, scratch_database

SALT = "scenarios"
"""What falls to whom by chance is the same in every run."""

SIGNER = Signer([b"links of scenarios lead nowhere."])
PUBLISHED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Letter:
    """An email as it left, at that time (aware UTC)."""

    at: datetime
    outgoing: Outgoing


class Ground:
    """Some campaigns of a project, published; `begin` before each story."""

    def __init__(self, checked: Checked, base: Lone, kept: ExitStack) -> None:
        self.checked, self._base, self._kept = checked, base, kept
        self.database = kept.enter_context(scratch_database())
        self._live: dict[datetime, Lone] = {}
        self.clock = VirtualClock(PUBLISHED)
        self.letters: list[Letter] = []
        self._emails = Emails(self.database, SIGNER)
        self._first = self.ahead = self._ahead(_published(checked, base))

    @property
    def release(self) -> Release:
        """What runs."""
        return self.ahead.release

    @property
    def files(self) -> Mapping[str, str]:
        """The project's files as they stood when the story began, by path."""
        return self.checked.loaded.files

    @property
    def now(self) -> datetime:
        """The time on the ground's clock, aware UTC."""
        return self.clock.at

    def begin(self, now: datetime) -> None:
        """Forget the story before; the campaigns have just gone live, and nobody is known. `now` is aware UTC."""
        self.ahead, self.clock.at = self._first, now
        self.letters.clear()
        if now in self._live:
            copy_into(self._live[now], self.database)
            return
        copy_into(self._base, self.database)
        self.ahead.pass_now()
        self._live[now] = self._kept.enter_context(scratch_database())
        copy_into(self.database, self._live[now])

    def pass_until(self, end: datetime) -> Iterator[None]:
        """Let time pass to `end`, and yield after each pass on the way, and at the end itself."""
        for _ in self.ahead.until(end + timedelta.resolution):
            yield
        self.clock.at = max(end, self.now)
        yield

    def let_pass(self, end: datetime) -> None:
        """Let time pass to `end`, and do what is due by then."""
        for _ in self.pass_until(end):
            pass

    def tick(self) -> None:
        """Let the service look next, after something happened."""
        self.let_pass(self.now + SERVICE_TICK)
        self.ahead.pass_now()

    def publish(self, path: str, text: str) -> None:
        """Change a campaign's file, as the service finds it changed. Raises ProjectError where it is refused."""
        name = path.removeprefix(f"{CAMPAIGNS}/").removesuffix(".yaml")
        checked = check_files({**self.checked.loaded.files, path: text})
        wrong = [problem for problem in checked.errors if problem.path == path or name in checked.broken]
        if wrong:
            raise ProjectError(wrong)
        alone = replace(checked, broken=checked.loaded.names - frozenset(self._first.release.program.courses))
        self.ahead = self._ahead(publish(Releases(self.database), alone, self.now))
        self.ahead.pass_now()

    def _ahead(self, release: Release) -> Ahead:
        return Ahead(self.database, release, self._emails, Memory(self._hear), self.clock)

    def _hear(self, batch: Sequence[Outgoing]) -> None:
        self.letters += [Letter(self.now, one) for one in batch]


def _published(checked: Checked, base: Database) -> Release:
    with base.write() as connection:
        set_meta(connection, "salt", SALT)
    return publish(Releases(base), checked, PUBLISHED)


class Grounds:
    """The grounds of a project, one for each set of campaigns that run together; made when first asked for."""

    def __init__(self, checked: Checked, kept: ExitStack) -> None:
        self._checked, self._kept = checked, kept
        self._empty = kept.enter_context(scratch_database())
        migrate(self._empty)
        self._made: dict[frozenset[str], Ground] = {}

    def of(self, campaigns: frozenset[str]) -> Ground:
        """The ground on which these run and no others. Raises ProjectError where one of them has errors."""
        if campaigns not in self._made:
            wrong = [one for one in self._checked.errors if campaigns & self._checked.broken]
            if wrong or self._checked.project is None:
                raise ProjectError(wrong or self._checked.problems)
            alone = replace(self._checked, broken=self._checked.loaded.names - campaigns)
            base = self._kept.enter_context(scratch_database())
            copy_into(self._empty, base)
            self._made[campaigns] = Ground(alone, base, self._kept)
        return self._made[campaigns]


@contextmanager
def grounds(checked: Checked) -> Iterator[Grounds]:
    """The grounds of a project that was checked; they are gone at the end."""
    with ExitStack() as kept:
        yield Grounds(checked, kept)


def gone_live(files: Mapping[str, str]) -> dict[str, str]:
    """The project's files, its drafts as if they were live: whoever writes a campaign tries it before it runs."""
    return {path: _live(path, text) if path.startswith(f"{CAMPAIGNS}/") else text for path, text in files.items()}


def _live(path: str, text: str) -> str:
    root, _ = read(path, text)
    status = root.child("status") if root else None
    if status is None or status.value != Status.DRAFT.value:
        return text
    lines = text.split("\n")
    at = status.place
    line = lines[at.line - 1]
    lines[at.line - 1] = line[: at.column - 1] + line[at.column - 1 :].replace(Status.DRAFT, Status.LIVE, 1)
    return "\n".join(lines)
