"""What campaigns did and earned: every step counted, and emailed beside held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from nurture.core.campaign import Campaign
from nurture.core.condition import PastPurchase
from nurture.core.decide import Arm
from nurture.core.errors import NotFound
from nurture.core.experiment import Interval, Measured, earned, uplift
from nurture.core.program import Course, Program
from nurture.core.values import Duration
from nurture.store import pools, referrals, reports, stages, trials
from nurture.store.database import Connection, Database
from nurture.store.pools import StepCoupons
from nurture.store.referrals import Referrals
from nurture.store.reports import ClaimRow, EnrollmentRow, MessageRow
from nurture.store.trials import TrialRow

RUNNING = "running"
WAITING = ("due", "retry", "sending")
NOTHING = Measured(0, 0)
NO_REFERRALS = Referrals()


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step's emails, or one variant's of them, whose id is `step` then. Each email is counted once in `due`, which
    is all of sent, rejected, unknown, skipped and waiting. None means not observed: nobody could have told. `revenue`
    is net, in minor units."""

    step: str
    due: int
    sent: int
    waiting: int
    rejected: int
    unknown: int
    skipped: Mapping[str, int]
    delivered: int
    on_the_way: int
    bounced: int
    opened: int | None
    machine_opened: int | None
    clicked: int | None
    machine_clicked: int | None
    unsubscribed: int
    complained: int
    purchases: int = 0
    conversions: int = 0
    won_back: int = 0
    revenue: int = 0
    unrated: int = 0
    variants: tuple[StepReport, ...] = ()
    trial: TrialReport | None = None
    coupons: tuple[StepCoupons, ...] = ()


@dataclass(frozen=True, slots=True)
class TrialReport:
    """What became of the choice between a step's variants: `running`, or what its one look found (see core.winner)."""

    by: str
    began_at: datetime
    decided_at: datetime | None
    outcome: str
    winner: str | None
    figures: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ArmReport:
    """One arm by intention to treat. `running` contacts entered too lately to be measured. Money in minor units."""

    contacts: int
    reached: int
    rate: float
    revenue: int
    revenue_per_contact: float
    running: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Emailed beside held out, over `measured_over` from each contact's first entry.

    `measured_from` says where that begins: "entry", or "step" and the step from which the campaign holds out.
    `uplift` is the difference of the rates, `earned` that of the revenue per contact; `incremental_*` are the same
    for all measured contacts that were emailed. Intervals are of 95 %; None where an arm is empty.
    """

    measured_over: str
    measured_from: str
    emailed: ArmReport
    held_out: ArmReport
    uplift: Interval | None
    earned: Interval | None
    incremental_goals: Interval | None
    incremental_revenue: Interval | None


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """One campaign. `claimed_*` count purchases inside a touch's window; `ended` counts reasons.

    `owner` is who answers for it, where its file says so.
    """

    campaign: str
    title: str
    status: str
    entered: int
    live: int
    ended: Mapping[str, int]
    steps: tuple[StepReport, ...]
    claimed_purchases: int
    claimed_conversions: int
    claimed_revenue: int
    comparison: Comparison | None
    held_out_by_project: int = 0
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Conversions:
    """Who became a customer, for the first time or again. Claimed ones had a touch in time; reversed ones paid back."""

    converted: int
    won_back: int
    claimed: int
    reversed: int


@dataclass(frozen=True, slots=True)
class Report:
    """The project, or one campaign of it, at `at` (aware UTC). Money in minor units of `currency`.

    `holdout` compares all who entered any campaign with those whom the project holds out; None where it holds out none.
    `referrals` are those by links in the campaign's emails, or all of the project's.
    """

    at: datetime
    currency: str
    campaigns: tuple[CampaignReport, ...]
    conversions: Conversions
    stages: Mapping[str, int]
    revenue: int
    holdout: Comparison | None = None
    referrals: Referrals = NO_REFERRALS


def report(database: Database, program: Program, now: datetime, campaign: str | None = None) -> Report:
    """Count everything from rows, in one snapshot. Raises NotFound for a campaign that has neither file nor rows."""
    with database.read() as connection:
        return report_in(connection, program, now, campaign)


def report_in(connection: Connection, program: Program, now: datetime, campaign: str | None = None) -> Report:
    """The same, in a snapshot that is open already."""
    rows = _Rows(
        reports.message_rows(connection, now, campaign),
        reports.enrollment_rows(connection, campaign),
        reports.claim_rows(connection, campaign),
        {(row.campaign, row.step, row.digest): row for row in trials.every(connection)},
        pools.step_coupons(connection, campaign),
    )
    names = _names(program, campaign, {row.campaign for row in rows.messages} | {row.campaign for row in rows.entries})
    return Report(
        at=now,
        currency=program.project.currency,
        campaigns=tuple(_campaign(connection, program, name, rows, now) for name in names),
        conversions=_conversions(connection),
        stages=stages.count_stages(connection),
        revenue=reports.revenue_in_all(connection),
        referrals=referrals.counts(connection, campaign),
        holdout=_project_holdout(connection, program, rows.entries, now),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    messages: Sequence[MessageRow]
    entries: Sequence[EnrollmentRow]
    claims: Sequence[ClaimRow]
    trials: Mapping[tuple[str, str, str], TrialRow]
    coupons: Sequence[StepCoupons]

    @property
    def told(self) -> set[str | None]:
        """The providers that tell of delivery."""
        return {row.provider for row in self.messages if row.delivered}


def _names(program: Program, wanted: str | None, seen: set[str]) -> list[str]:
    known = [*program.courses, *sorted(seen - set(program.courses))]
    if wanted is None:
        return known
    if wanted not in known:
        raise NotFound(f"there is no campaign {wanted!r}; there are {', '.join(known) or 'none'}")
    return [wanted]


def _campaign(connection: Connection, program: Program, name: str, rows: _Rows, now: datetime) -> CampaignReport:
    course = program.courses.get(name)
    messages = [row for row in rows.messages if row.campaign == name]
    entries = [row for row in rows.entries if row.campaign == name]
    claims = [row for row in rows.claims if row.campaign == name]
    known = [step.id for step in course.sends] if course else []
    order = [*known, *sorted({row.step for row in messages} - set(known))]
    of_step = {step: [row for row in messages if row.step == step] for step in order}
    return CampaignReport(
        campaign=name,
        title=course.campaign.title if course else name,
        status=course.campaign.status.value if course else "removed",
        entered=sum(entry.count for entry in entries),
        live=sum(entry.count for entry in entries if entry.state == "live"),
        ended=_counted((entry.reason, entry.count) for entry in entries if entry.state != "live"),
        steps=tuple(
            _step(name, step, of_step[step], [row for row in claims if row.step == step], rows, course)
            for step in order
        ),
        claimed_purchases=sum(row.purchases for row in claims),
        claimed_conversions=sum(row.conversions for row in claims),
        claimed_revenue=sum(row.revenue for row in claims),
        comparison=_comparison(connection, program, course.campaign, now) if course else None,
        held_out_by_project=sum(entry.count for entry in entries if entry.arm == Arm.PROJECT),
        owner=course.campaign.owner if course else None,
    )


def _counted(pairs: Iterable[tuple[str | None, int]]) -> dict[str, int]:
    """Sums by reason, the largest first; what stands behind a colon is detail."""
    sums = Counter[str]()
    for reason, count in pairs:
        sums[(reason or "?").partition(":")[0]] += count
    return dict(sums.most_common())


def _step(
    campaign: str,
    step: str,
    rows: Sequence[MessageRow],
    claims: Sequence[ClaimRow],
    all_rows: _Rows,
    course: Course | None,
) -> StepReport:
    """A step whole, and each of its variants."""
    told = all_rows.told
    trial = course.trials.get(step) if course else None
    ids = [*(trial.shares if trial else ()), *sorted({row.variant for row in rows if row.variant})]
    variants = [
        _emails(one, [row for row in rows if row.variant == one], [row for row in claims if row.variant == one], told)
        for one in dict.fromkeys(ids)
    ]
    found = all_rows.trials.get((course.campaign.name, step, trial.digest)) if course and trial else None
    coupons = tuple(one for one in all_rows.coupons if (one.campaign, one.step) == (campaign, step))
    return replace(_emails(step, rows, claims, told), variants=tuple(variants), trial=_trial(found), coupons=coupons)


def _trial(row: TrialRow | None) -> TrialReport | None:
    if row is None:
        return None
    return TrialReport(row.judged, row.began_at, row.decided_at, row.outcome or RUNNING, row.winner, row.figures)


def _emails(name: str, rows: Sequence[MessageRow], claims: Sequence[ClaimRow], told: set[str | None]) -> StepReport:
    by_state = _counted((row.state, row.count) for row in rows)
    sent = by_state.get("accepted", 0)
    report = StepReport(
        step=name,
        due=sum(row.count for row in rows),
        sent=sent,
        waiting=sum(by_state.get(state, 0) for state in WAITING),
        rejected=by_state.get("rejected", 0),
        unknown=by_state.get("unknown", 0),
        skipped=_counted((row.reason, row.count) for row in rows if row.state == "skipped"),
        delivered=_delivered(rows, told),
        **{key: sum(getattr(row, key) for row in rows) for key in SUMMED},
    )
    if sent and not sum(row.observed for row in rows) and not any(getattr(report, key) for key in SEEN):
        report = replace(report, opened=None, machine_opened=None, clicked=None, machine_clicked=None)
    return replace(report, **{key: sum(getattr(claim, key) for claim in claims) for key in CLAIMED})


SEEN = ("opened", "machine_opened", "clicked", "machine_clicked")
SUMMED = (*SEEN, "on_the_way", "bounced", "unsubscribed", "complained")
CLAIMED = ("purchases", "conversions", "won_back", "revenue", "unrated")


def _delivered(rows: Sequence[MessageRow], told: set[str | None]) -> int:
    """By the provider's own word where it gives one, else by the silence after acceptance."""
    return sum(row.delivered if row.provider in told else row.arrived for row in rows)


def _comparison(connection: Connection, program: Program, campaign: Campaign, now: datetime) -> Comparison:
    first, goal = reports.first_entries(campaign.name), campaign.goal
    begins = f"step {campaign.holdout.from_}" if campaign.holdout.from_ else "entry"
    compare = _Compare(connection, first, goal.measured_over, begins, now)
    return compare.tell(program, goal.purchased, (Arm.EMAILED,), Arm.HOLDOUT)


def _project_holdout(
    connection: Connection, program: Program, entries: Sequence[EnrollmentRow], now: datetime
) -> Comparison | None:
    """All campaigns together, over the longest of their times: who bought anything at all."""
    if not program.project.holdout and not any(entry.arm == Arm.PROJECT for entry in entries):
        return None
    courses = program.courses.values()
    exempt = [course.campaign.name for course in courses if course.transactional]
    lengths = [course.campaign.goal.measured_over for course in courses if not course.transactional]
    if not lengths:
        return None
    over = max(lengths, key=lambda length: length.delta)
    compare = _Compare(connection, reports.first_of_all(exempt), over, "the first entry", now)
    return compare.tell(program, PastPurchase(since="entry"), (Arm.EMAILED, Arm.HOLDOUT), Arm.PROJECT)


@dataclass(frozen=True, slots=True)
class _Compare:
    connection: Connection
    first: reports.First
    over: Duration
    begins: str
    now: datetime

    def tell(self, program: Program, goal: PastPurchase, treated: tuple[Arm, ...], kept: Arm) -> Comparison:
        """The arms `treated`, taken together, beside the one that is `kept` out."""
        over = self.over.delta
        arms = reports.measured_arms(self.connection, self.first, goal, over, program.project, self.now)
        running = reports.still_running(self.connection, self.first, over, self.now)
        emailed = sum((arms.get(arm.value, NOTHING) for arm in treated), NOTHING)
        held_out = arms.get(kept.value, NOTHING)
        rates, money = uplift(emailed, held_out), earned(emailed, held_out)
        late = sum(running.get(arm.value, 0) for arm in treated)
        return Comparison(
            str(self.over), self.begins, _arm(emailed, late), _arm(held_out, running.get(kept.value, 0)),
            rates, money, _times(rates, emailed.contacts), _times(money, emailed.contacts),
        )  # fmt: skip


def _arm(arm: Measured, running: int) -> ArmReport:
    return ArmReport(arm.contacts, arm.reached, arm.rate, arm.spent, arm.mean, running)


def _times(interval: Interval | None, contacts: int) -> Interval | None:
    if interval is None:
        return None
    return Interval(interval.value * contacts, interval.low * contacts, interval.high * contacts)


def _conversions(connection: Connection) -> Conversions:
    rows = reports.conversion_rows(connection)
    stand = [row for row in rows if not row.reversed]
    return Conversions(
        converted=sum(row.count for row in stand if row.kind == "converted"),
        won_back=sum(row.count for row in stand if row.kind == "won_back"),
        claimed=sum(row.count for row in stand if row.claimed),
        reversed=sum(row.count for row in rows if row.reversed),
    )
