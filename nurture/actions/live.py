"""A project's files as they stand and as they last were right, looked at again and again while somebody edits them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Event

from nurture.actions.check import Checked, check_files
from nurture.actions.draft import Draft, draft
from nurture.core.problem import Problem
from nurture.emails.links import Signer
from nurture.files.folder import PERSONAS, scan
from nurture.store.database import Database

logger = logging.getLogger("nurture.preview")
LOOK_EVERY = 0.1
"""Seconds between two looks at the files."""


@dataclass(frozen=True)
class Seen:
    """What the files said at one look; `version` grows with every change.

    `drafts` holds for each campaign, by name, the files as they last were right for it.
    """

    version: int
    checked: Checked
    drafts: Mapping[str, Draft]

    def stale(self, campaign: str) -> bool:
        """Whether a campaign is shown as it was before somebody broke it."""
        return self.drafts[campaign].checked is not self.checked

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now."""
        return self.checked.problems


class Live:
    """Looks at a project's files. `seen` may be read from any thread; one alone calls `look` or `watch`."""

    def __init__(self, directory: Path, database: Database, signer: Signer, clock: Callable[[], datetime]) -> None:
        self._directory, self._database, self._signer, self._clock = directory, database, signer, clock
        self._files, problems = scan(directory)
        self._unreadable = problems
        self._closing = Event()
        self.seen = self._saw(1, {})

    @property
    def closed(self) -> bool:
        """Whether nobody looks any more."""
        return self._closing.is_set()

    def look(self) -> bool:
        """Read the files again; tells whether they had changed."""
        files, problems = scan(self._directory)
        if (files, problems) == (self._files, self._unreadable):
            return False
        self._files, self._unreadable = files, problems
        self.seen = self._saw(self.seen.version + 1, self.seen.drafts)
        return True

    def watch(self) -> None:
        """Look until closed."""
        while not self._closing.wait(LOOK_EVERY):
            try:
                self.look()
            except Exception:
                logger.exception("action=preview.look failed")

    def close(self) -> None:
        """Let `watch` return."""
        self._closing.set()

    def _saw(self, version: int, before: Mapping[str, Draft]) -> Seen:
        checked = _with_personas(check_files(self._files, self._unreadable), before)
        kept = {name: one for name, one in before.items() if name in checked.loaded.names}
        if checked.project is None:
            return Seen(version, checked, kept)
        now = draft(self._database, checked, self._signer, self._clock())
        return Seen(version, checked, kept | dict.fromkeys(now.program.courses, now))


def _with_personas(checked: Checked, before: Mapping[str, Draft]) -> Checked:
    """While personas.yaml is wrong, those who stood in it last are there."""
    wrong = any(one.path == PERSONAS for one in checked.errors)
    last = max(before.values(), key=lambda one: one.release.published_at, default=None)
    if not wrong or last is None:
        return checked
    return replace(checked, loaded=replace(checked.loaded, personas=last.checked.loaded.personas))
