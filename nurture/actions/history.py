"""Every version that ran: since when, by whom and what it changed; going back to one, and letting people go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import unified_diff

from nurture.actions.edits import let_go
from nurture.actions.publish import KEPT, Publisher, path_of
from nurture.actions.release import Release, Releases
from nurture.core.errors import InputError, NotFound
from nurture.store import edits as rows
from nurture.store import releases, runs, stories
from nurture.store.database import Connection, Database
from nurture.store.runs import GONE, Pin, RunRow


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A change of a campaign, or ("") of the project. `version` numbers what ran from 1; going back brings an earlier
    number again, None is no version. `people` is how many it touched. `at` is aware UTC; `by` is empty where nobody
    knows. `running`: it is what runs."""

    version: int | None
    release: int
    what: str
    words: tuple[str, ...]
    people: int
    at: datetime
    by: str
    running: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """What ran of a campaign, or ("") of the project, the earliest first; and what it was gone back to, if it was."""

    campaign: str
    versions: tuple[VersionRow, ...]
    pin: Pin | None


def history(database: Database, campaign: str = "") -> History:
    """Every version of a campaign, or of the project. Raises NotFound for a campaign that never ran."""
    with database.read() as connection:
        return history_in(connection, campaign)


def history_in(connection: Connection, campaign: str = "") -> History:
    """The same, in a snapshot that is open already."""
    pin = runs.pins(connection).get(campaign)
    if not campaign:
        return History("", tuple(_whole(connection)), pin)
    found = runs.history(connection, campaign)
    if not found:
        raise NotFound(f"no campaign {campaign!r} ever ran; `nurture history` lists what did")
    *before, last = _numbered(connection, campaign, found)
    return History(campaign, (*before, replace(last, running=last.version is not None)), pin)


def _numbered(connection: Connection, campaign: str, found: list[RunRow]) -> Iterator[VersionRow]:
    """What was gone back to has the number it had; its file tells which it was."""
    numbers: dict[str, int] = {}
    for row in found:
        number: int | None = None
        if row.what not in GONE:
            text = releases.release_files(connection, row.release_id).get(path_of(campaign), "")
            again = numbers.get(text) if row.what not in ("added", "changed", "back") else None
            number = again or max(numbers.values(), default=0) + 1
            numbers[text] = number
        yield VersionRow(number, row.release_id, row.what, row.words, row.people, row.at, row.by)


def _whole(connection: Connection) -> Iterator[VersionRow]:
    running = releases.latest_release(connection)
    for number, release, what, by, at in runs.runs(connection):
        changed = runs.changes(connection, number)
        words = tuple(f"{row.campaign} {row.what}" for row in changed)
        now = running is not None and running.id == release
        yield VersionRow(number, release, what, words, sum(row.people for row in changed), at, by, now)


def text_of(database: Database, campaign: str, version: int) -> tuple[str, str]:
    """A version's file, and how it differs from the version before (unified). Raises NotFound where there is none."""
    with database.read() as connection:
        versions = _versions(history_in(connection, campaign))
        text = _text(connection, campaign, _one(campaign, versions, version))
        before = versions.get(version - 1)
        earlier = _text(connection, campaign, before) if before else ""
    names = (f"version {version - 1}", f"version {version}") if before else ("nothing", f"version {version}")
    return text, "".join(unified_diff(earlier.splitlines(True), text.splitlines(True), *names))


def _text(connection: Connection, campaign: str, one: VersionRow) -> str:
    return releases.release_files(connection, one.release)[path_of(campaign)]


def _versions(found: History) -> dict[int, VersionRow]:
    return {one.version: one for one in found.versions if one.version is not None}


def _one(campaign: str, versions: Mapping[int, VersionRow], wanted: int) -> VersionRow:
    if wanted not in versions:
        known = ", ".join(map(str, versions))
        raise NotFound(f"{campaign or 'the project'} has no version {wanted}; there are: {known}")
    return versions[wanted]


# --- going back ---------------------------------------------------------------------------------------


def roll_back(known: Releases, campaign: str, to: int | None, now: datetime) -> VersionRow:
    """Let an earlier version run, of a campaign or ("") of the project: `to`, else the one before what runs.

    People under way go on as that version's `edits` say. It runs until the files say something else, or `undo`.
    Raises NotFound where there is no such version, InputError where it runs already, and ProjectError as an edit would.
    """
    with known.changing() as connection:
        found = history_in(connection, campaign)
        wanted = _earlier(campaign, _versions(found), to)
        release = known.by_id(connection, wanted.release)
        Publisher(connection, known, now).go_back(campaign, release)
    return wanted


def _earlier(campaign: str, versions: Mapping[int, VersionRow], to: int | None) -> VersionRow:
    running = next((number for number, one in versions.items() if one.running), None)
    if to is None:
        before = [number for number in versions if running is None or number < running]
        if not before:
            raise NotFound(f"{campaign or 'the project'} has no version before the one that runs")
        to = max(before)
    if to == running:
        raise InputError(f"version {to} of {campaign or 'the project'} is what runs")
    return _one(campaign, versions, to)


def undo(known: Releases, campaign: str, now: datetime) -> Release:
    """Let the files run again. Raises NotFound where nothing was gone back to, and ProjectError as an edit would."""
    with known.changing() as connection:
        if campaign not in runs.pins(connection):
            raise NotFound(f"{campaign or 'the project'} was not rolled back; it runs as its files say")
        Publisher(connection, known, now).follow(campaign)
    return known.current()


def drop(known: Releases, campaign: str, now: datetime) -> int:
    """Let those go who are in a campaign whose file is gone, for the reason `campaign-removed`. Returns how many.

    Raises InputError while it has a file that runs, NotFound where nobody is in it.
    """
    with known.changing() as connection:
        rows.lock_people(connection, campaign)
        releases.change(connection)
        running = releases.latest_release(connection)
        if running is None or campaign in known.read(connection, running).program.courses:
            raise InputError(f"{path_of(campaign)} runs; remove the file first, or set its status to ended")
        left = let_go(connection, campaign, rows.DROPPED, running.id, now)
        if not left:
            raise NotFound(f"nobody is in a campaign {campaign!r}")
        change = {"campaign": campaign, "what": "dropped", "words": ["its people left"], "people": left}
        runs.record(connection, running.id, "dropped", known.by, now, [change])
    return left


def needs(connection: Connection, running: Mapping[str, object], inside: Mapping[str, int]) -> Iterator[str]:
    """What somebody must know of campaigns that do not run as their files say. `inside`: how many are in each."""
    for name, count in sorted(inside.items()):
        if count and name not in running:
            yield (
                f"{path_of(name)} is gone and {count:,} people are in the campaign: they are kept and get nothing. Put "
                f"the file back, or let them go with `nurture drop {name}`."
            )
    for name, wrong in kept(connection).items():
        yield f"{name} runs as it was published last, for its file is wrong: {wrong}"


def kept(connection: Connection) -> dict[str, str]:
    """The campaigns that run as they were published last, and what is wrong with their files."""
    return {key.removeprefix(f"{KEPT} "): said for key, said in stories.settings(connection, f"{KEPT} ").items()}
