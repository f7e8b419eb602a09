"""Hands messages to an SMTP relay, whose connection is kept between batches.

What is certain: a message none of whose bytes have left was not taken, nor was one the server refused.
What is not: bytes left and no answer came. That one is `Unknown`; those behind it go on over a new
connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from nurture.core.email import Outgoing
from nurture.providers.base import Outcome, Unavailable
from nurture.providers.config import SmtpSettings
from nurture.providers.smtp_session import TIME_IS_UP, Run, Session
from nurture.providers.smtp_wire import Lost, NotConnected, connect

DEAD_IN_A_ROW = 2
"""So many new connections that break before one answer, and the rest of the batch waits for another day."""


class Smtp:
    """A relay as `settings` describe it."""

    name = "smtp"

    def __init__(self, settings: SmtpSettings) -> None:
        self.max_batch = settings.max_batch
        self._settings = settings
        self._session: Session | None = None

    def send(self, batch: Sequence[Outgoing], deadline: float) -> list[Outcome]:
        """See Provider. 4xx is `Unavailable`, 5xx `Rejected` after RFC 3463, a lost answer `Unknown`."""
        run = Run(batch, deadline)
        dead, why = 0, ""
        while run.open and dead < DEAD_IN_A_ROW:
            try:
                session = self._connected(deadline)
            except NotConnected as error:
                return run.rest(Unavailable(str(error)))
            try:
                session.carry(run)
            except Lost as lost:
                why = str(lost)
                dead = 0 if session.settled else dead + 1
                run.lost(why, session)
                self._drop()
        return run.rest(TIME_IS_UP if run.late else Unavailable(why))

    def close(self) -> None:
        """Part from the relay; the next send connects again."""
        if self._session is not None:
            self._session.wire.quit()
        self._session = None

    def _connected(self, deadline: float) -> Session:
        if self._session is not None and self._session.full:
            self.close()
        if self._session is None:
            left = max(deadline - monotonic(), 0.05)
            wire = connect(self._settings, min(self._settings.timeout, left))
            self._session = Session(wire, self._settings)
        return self._session

    def _drop(self) -> None:
        if self._session is not None:
            self._session.wire.close()
        self._session = None
