"""The send gate: asked at the moment of the claim, by the claim's own transaction. Each refusal has a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from nurture.core.decide import RATE_RETRY, Answers
from nurture.core.values import Rate
from nurture.core.window import Window, is_open, last_open, next_open


class Refusal(StrEnum):
    """Why an email may not leave, now or ever. Reports count them by these names."""

    LEFT = "left"
    HOLDOUT = "holdout"
    GOAL = "goal"
    EXIT = "exit_when"
    STAY = "stay_while"
    SUPPRESSED = "suppressed"
    NO_CONSENT = "no-consent"
    EXPIRED = "expired"
    CAPPED = "capped"
    WINDOW = "window"
    LIMIT = "limit"
    BREAKER = "breaker"
    STOPPED = "stopped"
    SAMPLE = "sample"
    TEMPLATE = "template"
    GONE = "gone"
    NO_RATE = "no-rate"
    NO_COUPON = "no-coupon"


class Asked(NamedTuple):
    """A due message and what the database says of its contact. Times are aware UTC.

    `claims` are when other capped emails to the contact were claimed, newest last: all of them, and those of
    this campaign; `account_claims` the same of all contacts of its account. `lot` is the message's place, in [0, 1),
    among those that wait for the same opening.
    `sample` is set while a sample has not shown yet which variant is best: since when, and until when, the message
    may wait for it. `waits_for` is why it was put off the last time.
    """

    stands_there: bool
    held_out: bool
    answers: Answers
    suppressed: bool
    consents: bool
    expires_at: datetime
    capped_since: datetime | None
    zone: ZoneInfo
    claims: Sequence[datetime] = ()
    campaign_claims: Sequence[datetime] = ()
    country: str | None = None
    lot: float = 0.0
    account_claims: Sequence[datetime] = ()
    account_campaign_claims: Sequence[datetime] = ()
    sample: tuple[datetime, datetime] | None = None
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What holds for a campaign's emails: its window, and the rates for one contact and one account.

    Transactional ones have no rates.
    """

    window: Window
    rates: tuple[Rate, ...]
    campaign_rates: tuple[Rate, ...]
    capped_wait: timedelta
    account_rates: tuple[Rate, ...] = ()
    account_campaign_rates: tuple[Rate, ...] = ()
    stopped: bool = False
    breaker_until: datetime | None = None

    @property
    def by_account(self) -> bool:
        """Whether emails to colleagues count against one another."""
        return bool(self.account_rates or self.account_campaign_rates)


@dataclass(frozen=True, slots=True)
class Pass:
    """The email may leave."""


@dataclass(frozen=True, slots=True)
class Defer:
    """Ask again at `until`; `capped` where a limit bit, whose patience is bounded."""

    until: datetime
    reason: Refusal
    capped: bool = False


@dataclass(frozen=True, slots=True)
class Skip:
    """The email will never leave."""

    reason: Refusal


Verdict = Pass | Defer | Skip

RECHECK = timedelta(minutes=5)
"""How soon a stopped service is asked again."""


def ask(asked: Asked, bounds: Bounds, now: datetime) -> Verdict:
    """Whether this email may leave now. Pure; the first refusal that holds is the one that is told."""
    if never := _never(asked):
        return Skip(never)
    if now > asked.expires_at:
        return Skip(_too_late(asked))
    if asked.answers.unrated:
        return _defer(asked, Defer(now + RATE_RETRY, Refusal.NO_RATE))
    if bounds.stopped:
        return _defer(asked, Defer(now + RECHECK, Refusal.STOPPED))
    if bounds.breaker_until and bounds.breaker_until > now:
        return _defer(asked, Defer(bounds.breaker_until, Refusal.BREAKER))
    if asked.sample:
        since, most = asked.sample
        until = last_open(bounds.window, most, asked.zone, asked.country, since)
        if until > now:
            return Defer(until, Refusal.SAMPLE)
    if not is_open(bounds.window, now, asked.zone, asked.country):
        return _defer(asked, Defer(_opening(asked, bounds, now), Refusal.WINDOW))
    free_at = max(
        _free_at(asked.claims, bounds.rates, now), _free_at(asked.campaign_claims, bounds.campaign_rates, now),
        _free_at(asked.account_claims, bounds.account_rates, now),
        _free_at(asked.account_campaign_claims, bounds.account_campaign_rates, now),
    )  # fmt: skip
    return capped(asked, bounds, free_at, Refusal.CAPPED, now) if free_at > now else Pass()


def _never(asked: Asked) -> Refusal | None:
    answers = asked.answers
    refusals = (
        (not asked.stands_there, Refusal.LEFT),
        (asked.held_out, Refusal.HOLDOUT),
        (answers.goal, Refusal.GOAL),
        (answers.exit is not None, Refusal.EXIT),
        (not answers.stays, Refusal.STAY),
        (asked.suppressed, Refusal.SUPPRESSED),
        (not asked.consents, Refusal.NO_CONSENT),
    )
    return next((name for holds, name in refusals if holds), None)


def _too_late(asked: Asked) -> Refusal:
    """Why an email is past its time: what it waited for in vain is told by its name."""
    if not asked.capped_since:
        return Refusal.EXPIRED
    said = (asked.waits_for or "").partition(":")[0]
    return next((one for one in (Refusal.LIMIT, Refusal.NO_COUPON) if one.value == said), Refusal.CAPPED)


def _defer(asked: Asked, defer: Defer) -> Verdict:
    return Skip(Refusal.EXPIRED) if defer.until > asked.expires_at else defer


def capped(asked: Asked, bounds: Bounds, free_at: datetime, reason: Refusal, now: datetime) -> Verdict:
    """A limit bites until `free_at`: wait for it in the window, but no longer than limits may make wait."""
    until = _opening(asked, bounds, free_at)
    patience = (asked.capped_since or now) + bounds.capped_wait
    return Skip(reason) if until > min(patience, asked.expires_at) else Defer(until, reason, capped=True)


def _opening(asked: Asked, bounds: Bounds, at: datetime) -> datetime:
    return next_open(bounds.window, at, asked.zone, asked.country, asked.lot)


def _free_at(claims: Sequence[datetime], rates: Sequence[Rate], now: datetime) -> datetime:
    """When the tightest of the rates lets one more through; `now` at the earliest.

    Rolling: of the claims in any stretch as long as the rate's, there may be `count`.
    """
    free = now
    for rate in rates:
        if len(claims) >= rate.count:
            # The stretch is half open: exactly its length after the oldest that counts, there is room again.
            free = max(free, claims[-rate.count] + rate.per.delta)
    return free
