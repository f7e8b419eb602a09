"""The claim: ask the gate, render, reserve the limits and commit the intent, before any byte leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.actions.choose import Choices, Chosen
from nurture.actions.fill import Filled, Filling
from nurture.actions.offer import Offer, coupon_of, offers
from nurture.actions.queries import Queries, Version
from nurture.actions.release import Emails
from nurture.actions.stop import stopped
from nurture.core import gate
from nurture.core.coupon import NO_CODE_RETRY
from nurture.core.email import Outgoing
from nurture.core.errors import NotFound, RenderError
from nurture.core.gate import Bounds, Defer, Pass, Refusal, Skip, Verdict
from nurture.core.limits import limits_of
from nurture.core.program import Course, Program
from nurture.store import breakers, coupons, messages
from nurture.store.database import BATCH, Connection, Database
from nurture.store.messages import Candidate
from nurture.store.releases import hold


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that is ours to hand over, under this fence; `places` are the limits it took."""

    enrollment_id: str
    fence: int
    attempts: int
    places: tuple[tuple[str, str], ...]
    outgoing: Outgoing
    capped_since: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Contact id and message id."""
        return self.outgoing.contact_id, self.outgoing.message_id


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one look at the due messages gave: claims, and how many messages the gate put off or refused."""

    claims: tuple[Claim, ...] = ()
    refused: int = 0

    @property
    def found(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.claims or self.refused)


@dataclass(frozen=True, slots=True)
class _Rendered:
    candidate: Candidate
    outgoing: Outgoing
    digest: str
    chosen: Chosen
    kept: Mapping[str, Any]


def claim(database: Database, queries: Queries, emails: Emails, provider: str, room: int, now: datetime) -> Claimed:
    """Claim at most `room` due messages of the first campaign, in the project's order, that has any.

    One transaction: gate, limits, rendering and intent. After it every claimed message is `sending`, its fence
    raised, its values kept; whatever happens to this process, nobody sends it by guess. Claims nothing for a release
    that runs no more.
    """
    refused = 0
    for name in queries.sending_campaigns(database, now):
        for version in queries.versions(name):
            with database.write() as connection:
                if not hold(connection, queries.release.id):
                    return Claimed((), refused)
                claimed = _Claimer(connection, queries, version, emails, provider, now).claim(room)
            refused += claimed.refused
            if claimed.claims:
                return Claimed(claimed.claims, refused)
    return Claimed((), refused)


def claim_in(
    connection: Connection, queries: Queries, emails: Emails, provider: str, name: str, room: int, now: datetime
) -> Claimed:
    """Claim at most `room` due messages of the campaign `name` as its files say, in an open transaction."""
    return _Claimer(connection, queries, queries.versions(name)[0], emails, provider, now).claim(room)


def bounds_of(connection: Connection, program: Program, course: Course, now: datetime) -> Bounds:
    """What holds for the campaign's emails at the moment; its breaker and whether it was stopped are read."""
    project, campaign = program.project, course.campaign
    return Bounds(
        window=course.window, rates=() if course.transactional else project.limits.per_contact,
        campaign_rates=() if course.transactional else campaign.limits.per_contact,
        account_rates=() if course.transactional else project.limits.per_account,
        account_campaign_rates=() if course.transactional else campaign.limits.per_account,
        capped_wait=project.limits.capped.wait.delta,
        stopped=stopped(connection, campaign.name) is not None,
        breaker_until=breakers.open_breakers(connection, now).get(campaign.name),
    )  # fmt: skip


class _Claimer:
    """One claim transaction."""

    def __init__(
        self, connection: Connection, queries: Queries, version: Version, emails: Emails, provider: str, now: datetime
    ) -> None:
        self._connection, self._queries, self._version, self._emails = connection, queries, version, emails
        self._provider, self._now = provider, now
        self._refusals: list[tuple[Candidate, Defer | Skip, str]] = []
        self._offers: dict[str, Offer] = {}

    def claim(self, room: int) -> Claimed:
        course = self._version.course
        bounds = bounds_of(self._connection, self._queries.program, course, self._now)
        self._choices = Choices(self._connection, course, self._queries.release.salt)
        passed = self._offer(course, bounds, self._ask(course, bounds, room))
        places, granted = self._reserve(course, bounds, passed)
        rendered = self._render(course, passed[:granted])
        self._give_back(places, granted - len(rendered))
        claims = tuple(self._claim_of(one, tuple(places)) for one in rendered)
        rows = [self._row(one) for one in rendered]
        messages.save_claims(self._connection, rows, [one.kept for one in rendered])
        given = [self._offers[one.candidate.id] for one in rendered if one.candidate.id in self._offers]
        coupons.spend(self._connection, {one.key: one.valid_until for one in given}, self._now)
        self._choices.begin({one.chosen for one in rendered}, self._now)
        self._save_refusals()
        return Claimed(claims, len(self._refusals))

    def _ask(self, course: Course, bounds: Bounds, room: int) -> list[Candidate]:
        """Those that pass; where a whole look is refused, a larger one, so that refusals do not hold up the rest."""
        query = self._version.claim
        for size in dict.fromkeys((room, max(room, BATCH))):
            passed: dict[str, Candidate] = {}
            self._refusals.clear()
            found = query.some(self._connection, self._now, size)
            for candidate in found:
                verdict = gate.ask(self._choices.ask(candidate), bounds, self._now)
                if isinstance(verdict, Pass):
                    # A contact's second email waits for the next claim, which sees the first; so does a colleague's.
                    shared = candidate.contact["account_id"] if bounds.by_account else None
                    passed.setdefault(shared or candidate.contact_id, candidate)
                else:
                    self._refuse(candidate, verdict)
            if passed or len(found) < size:
                break
        return list(passed.values())[:room]

    def _refuse(self, candidate: Candidate, verdict: Verdict, detail: str = "") -> None:
        if not isinstance(verdict, Pass):
            self._refusals.append((candidate, verdict, detail))

    def _offer(self, course: Course, bounds: Bounds, passed: Sequence[Candidate]) -> list[Candidate]:
        """Those whose emails give no coupon, or for which there is a code; the others wait as for a limit."""
        project = self._queries.program.project
        self._offers, lacking = offers(self._connection, project, course, passed, self._now)
        for one in lacking:
            verdict = gate.capped(one.asked, bounds, self._now + NO_CODE_RETRY, Refusal.NO_COUPON, self._now)
            coupon = coupon_of(course, one.step)
            self._refuse(one, verdict, f"the pool {coupon.pool} has no free code" if coupon else "")
        without = {one.id for one in lacking}
        return [one for one in passed if one.id not in without]

    def _reserve(
        self, course: Course, bounds: Bounds, passed: Sequence[Candidate]
    ) -> tuple[list[tuple[str, str]], int]:
        """Take places of every limit that counts messages; whoever gets none is put off to the next hour or day."""
        granted = len(passed)
        taken: list[tuple[str, str]] = []
        for one in limits_of(self._queries.program, course, self._now):
            got = messages.reserve(self._connection, one.scope, one.bucket, granted, one.most)
            for candidate in passed[got:granted]:
                self._refuse(candidate, gate.capped(candidate.asked, bounds, one.frees_at, Refusal.LIMIT, self._now))
            self._give_back(taken, granted - got)
            taken.append((one.scope, one.bucket))
            granted = got
        return taken, granted

    def _give_back(self, places: Sequence[tuple[str, str]], count: int) -> None:
        for scope, bucket in places if count else ():
            messages.give_back(self._connection, scope, bucket, count)

    def _render(self, course: Course, candidates: Sequence[Candidate]) -> list[_Rendered]:
        filling = Filling(self._connection, self._queries, self._emails, self._version, candidates, self._offers)
        found = []
        for candidate in candidates:
            try:
                found.append(self._render_one(course, candidate, filling.of(candidate, self._choices.of(candidate))))
            except RenderError as error:
                self._refuse(candidate, Skip(Refusal.TEMPLATE), str(error))
            except NotFound as error:
                self._refuse(candidate, Skip(Refusal.GONE), str(error))
        return found

    def _render_one(self, course: Course, candidate: Candidate, filled: Filled) -> _Rendered:
        email = filled.email(candidate.contact_id, candidate.id, self._now)
        outgoing = Outgoing(candidate.id, candidate.contact_id, course.campaign.name, candidate.step, email)
        sender = filled.sender
        kept = {
            "contact_id": candidate.contact_id, "message_id": candidate.id, "day": self._now.toordinal(),
            "kid": filled.kid, "recipient_name": filled.recipient.name,
            "recipient_address": filled.recipient.address, "tracked": filled.tracked, "stream": filled.stream,
            "sender_name": sender.name if sender else None, "sender_address": sender.address if sender else None,
        }  # fmt: skip
        return _Rendered(candidate, outgoing, filled.digest, filled.chosen, kept)

    def _claim_of(self, one: _Rendered, places: tuple[tuple[str, str], ...]) -> Claim:
        candidate = one.candidate
        return Claim(
            candidate.enrollment_id, candidate.fence + 1, candidate.attempts + 1, places, one.outgoing,
            candidate.asked.capped_since,
        )  # fmt: skip

    def _row(self, one: _Rendered) -> dict[str, Any]:
        lease = self._queries.program.project.sending.lease.delta
        return {
            "contact_id": one.candidate.contact_id, "id": one.candidate.id, "state": "sending", "reason": None,
            "due_at": None, "fence": one.candidate.fence + 1, "attempts": one.candidate.attempts + 1,
            "lease_until": self._now + lease, "claimed_at": self._now, "provider": self._provider,
            "email_digest": one.digest, "subject": one.outgoing.email.subject,
            "variant": one.chosen.variant, "trial": one.chosen.trial,
            "account_id": one.candidate.contact["account_id"],
        }  # fmt: skip

    def _save_refusals(self) -> None:
        rows = [self._refusal_row(*refusal) for refusal in self._refusals]
        messages.save_verdicts(self._connection, rows)
        skipped = [
            (candidate.contact_id, candidate.enrollment_id, candidate.step)
            for candidate, verdict, _ in self._refusals
            if isinstance(verdict, Skip)
        ]
        messages.wake_enrollments(self._connection, skipped, self._now)
        never = [candidate for candidate, verdict, _ in self._refusals if isinstance(verdict, Skip)]
        coupons.settle(self._connection, [(one.contact_id, one.id) for one in never])

    def _refusal_row(self, candidate: Candidate, verdict: Defer | Skip, detail: str) -> dict[str, Any]:
        key = {"contact_id": candidate.contact_id, "id": candidate.id}
        reason = f"{verdict.reason.value}: {detail}"[:400] if detail else verdict.reason.value
        state = "retry" if candidate.attempts else "due"
        if isinstance(verdict, Skip):
            # What may have arrived the first time was not skipped; it stays unknown.
            state = "unknown" if candidate.resent else "skipped"
            settled = {"state": state, "due_at": None, "settled_at": self._now}
            return key | {"reason": reason, "capped_since": candidate.asked.capped_since} | settled
        since = candidate.asked.capped_since or (self._now if verdict.capped else None)
        return key | {
            "reason": reason,
            "capped_since": since,
            "state": state,
            "due_at": verdict.until,
            "settled_at": None,
        }
