"""Which variant a message gets: its own by lot while they are tried, the best one once it is known."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from nurture.core.choice import Trial
from nurture.core.gate import Asked
from nurture.core.program import Course
from nurture.store import trials
from nurture.store.database import Connection
from nurture.store.messages import Candidate
from nurture.store.trials import TrialRow

KEPT_BACK = 8
"""Who waits for a sample to show the best variant goes when this part of the time until `expires` is left."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A message's variant, and the trial it counts in; None where there are no variants, or chance did not choose."""

    step: str
    variant: str | None = None
    trial: str | None = None


class Choices:
    """The choices of one campaign, as they stand in one transaction."""

    def __init__(self, connection: Connection, course: Course, salt: str) -> None:
        self._connection, self._course, self._salt = connection, course, salt
        self._known = trials.of_campaign(connection, course.campaign.name) if course.trials else {}

    def ask(self, candidate: Candidate) -> Asked:
        """What the gate is asked, with how long the message may wait for a winner."""
        trial = self._course.trials.get(candidate.step)
        if trial is None or candidate.attempts or self._decided(trial) or self._sampled(trial, candidate):
            return candidate.asked
        since, expires_at = candidate.planned_at, candidate.asked.expires_at
        return candidate.asked._replace(sample=(since, expires_at - (expires_at - since) / KEPT_BACK))

    def _sampled(self, trial: Trial, candidate: Candidate) -> bool:
        return trial.sampled(self._salt, self._course.campaign.name, candidate.contact_id)

    def _row(self, trial: Trial) -> TrialRow | None:
        return self._known.get((trial.step, trial.digest))

    def _decided(self, trial: Trial) -> bool:
        row = self._row(trial)
        return row is not None and row.decided_at is not None

    def of(self, candidate: Candidate) -> Chosen:
        """The variant of a message. What was handed over once stays the same email."""
        trial = self._course.trials.get(candidate.step)
        if trial and candidate.attempts and candidate.variant in trial.shares:
            return Chosen(candidate.step, candidate.variant, candidate.trial)
        return self.now(candidate.step, candidate.contact_id)

    def now(self, step: str, contact_id: str) -> Chosen:
        """What a contact who comes to a step now gets."""
        trial = self._course.trials.get(step)
        if trial is None:
            return Chosen(step)
        row = self._row(trial)
        if trial.winner and row and row.winner in trial.shares:
            return Chosen(step, row.winner)
        return Chosen(step, trial.variant(self._salt, self._course.campaign.name, contact_id), trial.digest)

    def begin(self, chosen: Collection[Chosen], now: datetime) -> None:
        """Note that trials have begun whose first message is claimed now."""
        campaign = self._course.campaign.name
        for step in {one.step for one in chosen if one.trial}:
            trial = self._course.trials[step]
            if trial.winner and self._row(trial) is None:
                trials.begin(self._connection, campaign, trial, trial.winner.by, now)
