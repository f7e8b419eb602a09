"""What is to come: the verbs of `nurture run` on a clock that jumps from one due time to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from nurture.actions.queries import Queries
from nurture.actions.release import Emails, Release
from nurture.actions.tick import Passed, run_pass
from nurture.core.clock import VirtualClock
from nurture.core.zone import next_midnight
from nurture.providers.base import Provider
from nurture.store.database import Database
from nurture.store.horizon import Horizon
from nurture.store.scratch import AT_ONCE

SERVICE_TICK = timedelta(seconds=1)
"""How often the service looks for due work."""


def hasty(release: Release) -> Release:
    """The same release with more emails in one call, which is quicker: no crash leaves those in doubt that go nowhere.

    Where limits bite it is not always the same people whose emails wait for them.
    """
    project = release.program.project
    sending = project.sending.model_copy(update={"in_flight": AT_ONCE})
    program = replace(release.program, project=project.model_copy(update={"sending": sending}))
    return replace(release, program=program)


class Ahead:
    """A release run ahead of its time, on a database that nobody would miss.

    It passes when a service would that looks every `tick`, counted from where the `clock` stands; but never where a
    pass would find nothing. Facts may be recorded between passes; call `pass_now` after them.
    """

    def __init__(
        self,
        database: Database,
        release: Release,
        emails: Emails,
        provider: Provider,
        clock: VirtualClock,
        tick: timedelta = SERVICE_TICK,
    ) -> None:
        self.database, self.release, self.clock = database, release, clock
        self._emails, self._provider = emails, provider
        self._began, self._tick = clock(), tick
        self.queries = Queries(release)
        self._horizon = Horizon(self.queries.moving)

    def pass_now(self) -> Passed:
        """Do all that is due at the clock's time."""
        return run_pass(self.database, self.queries, self._emails, self._provider, self.clock)

    def until(self, end: datetime) -> Iterator[Passed]:
        """Pass whenever work is due before `end` (aware UTC), and yield after each pass.

        The clock is left at the last of them: what is due at the end itself would be overlooked by a clock moved there.
        """
        while (at := self.next()) is not None and at < end:
            self.clock.at = at
            yield self.pass_now()

    def next(self) -> datetime | None:
        """The next instant (aware UTC) on which a pass may find work, on the ticks of the service; None for never."""
        now = self.clock()
        with self.database.read() as connection:
            due = self._horizon.next(connection, after=now)
        if due is None:
            return None
        if self.release.program.ranks:
            # Ranks by spending are reckoned anew on each day, whether or not anything else is due.
            due = min(due, next_midnight(now, self.release.program.zone))
        return self._began + -((self._began - due) // self._tick) * self._tick
