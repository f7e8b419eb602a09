"""Change what runs: publish files, go back to earlier versions, follow the files again. All or nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture import __version__
from nurture.actions.check import Checked
from nurture.actions.edits import apply, edits_between, problems_of
from nurture.actions.release import RESTAGE, Release, Releases
from nurture.core.edits import Edit
from nurture.core.errors import NotFound, ProjectError
from nurture.core.problem import Problem
from nurture.core.version import Version, difference
from nurture.files.folder import CAMPAIGNS, PROJECT, TEMPLATES
from nurture.store import edits as rows
from nurture.store import releases, runs
from nurture.store.database import Connection, Database
from nurture.store.releases import EmailKey
from nurture.store.runs import Pin

ASKED = "asked_release"
"""The setting under which the id of the release is kept that the files make, whatever was gone back to."""

KEPT = "kept"
"""The settings, by campaign, that tell what is wrong with a file whose last good version goes on running."""


def publish(known: Releases, checked: Checked, now: datetime) -> Release:
    """Make what was checked the release that runs, and let those under way go on as their campaigns' `edits` say.

    A campaign with errors goes on as it was published last. Raises ProjectError when the project file itself is
    wrong, or when an edit would lose people or send them an email twice.
    """
    with known.changing() as connection:
        Publisher(connection, known, now).publish(checked)
    return known.current()


def foresee(
    database: Database, known: Releases, checked: Checked, now: datetime
) -> tuple[tuple[Edit, ...], list[Problem]]:
    """What publishing the files would do to the people under way, and why it cannot be; nothing of it stays.

    Raises ProjectError when the project file is wrong.
    """
    with known.trying(), database.undone() as connection:
        return Publisher(connection, known, now).foresee(checked)


def path_of(campaign: str) -> str:
    """The file of a campaign."""
    return f"{CAMPAIGNS}/{campaign}.yaml"


@dataclass(slots=True)
class Content:
    """What a release is made of: texts by path, and digests of compiled emails."""

    files: dict[str, str]
    emails: dict[EmailKey, str]

    def replace(self, campaign: str, other: Content) -> None:
        """Have a campaign's file and emails from another release."""
        self.files[path_of(campaign)] = other.files[path_of(campaign)]
        self.emails = {key: digest for key, digest in self.emails.items() if key[0] != campaign}
        self.emails |= {key: digest for key, digest in other.emails.items() if key[0] == campaign}


class Publisher:
    """One change of what runs, in an open transaction. `now` is aware UTC."""

    def __init__(self, connection: Connection, known: Releases, now: datetime) -> None:
        self._connection, self._known, self._now = connection, known, now
        row = releases.latest_release(connection)
        self._before = known.read(connection, row) if row else None

    def publish(self, checked: Checked) -> None:
        """Let the files run, those of campaigns with errors as they were published last.

        Raises ProjectError when the project file is wrong, or when an edit cannot be.
        """
        self._run(self._made(checked), "published")

    def _made(self, checked: Checked) -> Release:
        """The release that the files make."""
        if checked.loaded.project is None:
            raise ProjectError(checked.problems)
        if releases.get_meta(self._connection, "salt") is None:
            releases.set_meta(self._connection, "salt", secrets.token_hex(16))
        compiled = {key: one for key, one in checked.emails.items() if key[0] not in checked.broken}
        right = {path_of(campaign.name) for campaign in checked.campaigns}
        files = {path: text for path, text in checked.loaded.files.items() if _is_shared(path) or path in right}
        content = Content(files, {key: one.digest for key, one in compiled.items()})
        kept = self._keep(content, checked)
        self._hold_to_what_was_compiled(content)
        self._note_kept(checked, kept)
        return self._save(content, [one.to_bytes() for one in compiled.values()])

    def _keep(self, content: Content, checked: Checked) -> list[str]:
        """Have the campaigns whose files are wrong from the release that runs. Returns which."""
        running = self._before.program.courses if self._before else {}
        kept = [name for name in sorted(checked.broken) if name in running]
        for name in kept:
            content.replace(name, self._content(self._before))
        return kept

    def _content(self, release: Release | None) -> Content:
        if release is None:
            return Content({}, {})
        return Content(releases.release_files(self._connection, release.id), dict(release.emails))

    def _hold_to_what_was_compiled(self, content: Content) -> None:
        """An upgrade of nurture compiles nothing anew that people hold: the same texts stay the same emails."""
        asked = self._asked()
        if asked is None:
            return
        before = self._content(asked)
        if _shared(before.files) == _shared(content.files):
            for name in asked.program.courses:
                if before.files[path_of(name)] == content.files.get(path_of(name)):
                    content.replace(name, before)

    def _asked(self) -> Release | None:
        """The release that the files made when they were last published."""
        told = releases.get_meta(self._connection, ASKED)
        return self._known.by_id(self._connection, int(told)) if told else self._before

    def _save(self, content: Content, compiled: Iterable[bytes] = ()) -> Release:
        row = releases.save_release(
            self._connection, content.files, content.emails, compiled, __version__, self._now
        )  # fmt: skip
        return self._known.read(self._connection, row)

    def _note_kept(self, checked: Checked, kept: Iterable[str]) -> None:
        names = {*(self._before.program.courses if self._before else ()), *checked.broken, *checked.loaded.names}
        for name in names:
            wrong = next((one for one in checked.errors if one.path == path_of(name)), None)
            said = str(wrong or f"{path_of(name)}: one of its emails is wrong; `nurture check` tells")
            releases.set_meta(self._connection, f"{KEPT} {name}", said if name in kept else None)

    # --- going back ------------------------------------------------------------------------------------

    def go_back(self, campaign: str, release: Release) -> None:
        """Let an earlier version of a campaign, or ("") the whole earlier release, run until the files change.

        Raises NotFound where the campaign's file is gone, ProjectError where the edit cannot be.
        """
        asked = self._asked()
        if asked is None or (campaign and campaign not in asked.versions):
            raise NotFound(f"{path_of(campaign)} is gone; put the file back first")
        runs.pin(self._connection, Pin(campaign, release.id, asked.id, self._now, self._known.by))
        self._run(asked, "rolled back")

    def follow(self, campaign: str) -> None:
        """Let the files run again instead of what was gone back to."""
        runs.unpin(self._connection, campaign)
        asked = self._asked()
        if asked is not None:
            self._run(asked, "followed again")

    def _held(self, asked: Release) -> Release:
        """What is to run: what the files say, but for what was gone back to while they said the same."""
        pins = runs.pins(self._connection)
        for pin in pins.values():
            if not self._still_holds(pin, asked):
                runs.unpin(self._connection, pin.campaign)
        holding = [pin for pin in pins.values() if self._still_holds(pin, asked)]
        whole = next((pin for pin in holding if not pin.campaign), None)
        base = self._known.by_id(self._connection, whole.release_id) if whole else asked
        named = [pin for pin in holding if pin.campaign]
        if not named:
            return base
        content = self._content(base)
        for pin in named:
            content.replace(pin.campaign, self._content(self._known.by_id(self._connection, pin.release_id)))
        return self._save(content)

    def _still_holds(self, pin: Pin, asked: Release) -> bool:
        then = self._known.by_id(self._connection, pin.asked_id)
        if not pin.campaign:
            return then.id == asked.id
        before, now = then.versions.get(pin.campaign), asked.versions.get(pin.campaign)
        return before is not None and now is not None and not difference(before, now, {})

    # --- the change ------------------------------------------------------------------------------------

    def foresee(self, checked: Checked) -> tuple[tuple[Edit, ...], list[Problem]]:
        """What publishing the files would do to whom, and why it cannot be; the transaction is to be undone.

        Raises ProjectError when the project file is wrong.
        """
        wanted = self._held(self._made(checked))
        edits = self._edits(wanted)
        return edits, self._problems(edits, wanted)

    def _run(self, asked: Release, what: str) -> None:
        releases.set_meta(self._connection, ASKED, str(asked.id))
        wanted = self._held(asked)
        if self._before and wanted.id == self._before.id:
            return
        for edit in self._edits(wanted):
            rows.lock_people(self._connection, edit.campaign)
        releases.change(self._connection)
        row = releases.latest_release(self._connection)
        self._before = self._known.read(self._connection, row) if row else None
        self._switch(wanted, what)

    def _old(self) -> tuple[dict[str, Version], dict[str, int]]:
        """The last version of each campaign, and in which release it is; those that do not run if people are in."""
        if self._before is None:
            return {}, {}
        old = dict(self._before.versions)
        sources = dict.fromkeys(old, self._before.id)
        inside = {campaign for campaign, _ in rows.standing(self._connection, pinned=True)}
        for name, id_ in runs.last_versions(self._connection).items():
            if name in inside and name not in old:
                old[name] = self._known.by_id(self._connection, id_).version(name)
                sources[name] = id_
        return old, sources

    def _edits(self, wanted: Release) -> tuple[Edit, ...]:
        old, _ = self._old()
        return edits_between(self._connection, old, wanted.versions, self._before.versions if self._before else ())

    def _switch(self, wanted: Release, what: str) -> None:
        old, sources = self._old()
        running = self._before.versions if self._before else {}
        edits = edits_between(self._connection, old, wanted.versions, running)
        problems = self._problems(edits, wanted)
        if problems:
            raise ProjectError(problems)
        apply(self._connection, edits, old, sources, wanted, self._now)
        if self._before and self._before.program.rules != wanted.program.rules:
            releases.set_meta(self._connection, RESTAGE, "")
        releases.set_meta(self._connection, releases.RUNNING, str(wanted.id))
        runs.record(self._connection, wanted.id, what, self._known.by, self._now, [_row(edit, what) for edit in edits])

    def _problems(self, edits: Iterable[Edit], wanted: Release) -> list[Problem]:
        if not any(edit.objections for edit in edits):
            return []
        return problems_of(edits, releases.release_files(self._connection, wanted.id))


def _row(edit: Edit, what: str) -> dict[str, Any]:
    said = edit.what.value if what == "published" or edit.what in ("added", "removed") else what
    return {"campaign": edit.campaign, "what": said, "words": list(edit.words), "people": edit.people}


def _is_shared(path: str) -> bool:
    return path == PROJECT or path.startswith(f"{TEMPLATES}/")


def _shared(files: Mapping[str, str]) -> dict[str, str]:
    """The files that emails of all campaigns are made from."""
    return {path: text for path, text in files.items() if _is_shared(path)}
