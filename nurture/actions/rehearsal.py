"""What a rehearsal brought, counted from the rows of its copy: by day, step, week, stage, limit; and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from nurture.actions.limit_use import LimitUse, limits_used
from nurture.actions.rehearse import Learned, Run
from nurture.core.decide import Arm
from nurture.core.forecast import Expected, expected, moments
from nurture.core.lifecycle import Stage
from nurture.core.program import Program
from nurture.core.responses import Rate, Tally
from nurture.store import rehearsals, spans
from nurture.store.database import Connection
from nurture.store.rehearsals import Counted
from nurture.store.spans import Spans

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class StepSent:
    """Emails of one step or variant that left, day by day."""

    campaign: str
    step: str
    variant: str
    sent: int
    daily: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CampaignTold:
    """One campaign: who entered and left, by reason; what was not sent, and why."""

    campaign: str
    entered: int
    held_out: int
    sent: int
    left: Mapping[str, int]
    not_sent: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Week:
    """One week: what left, what came of this run by chance, and what may be expected of it with 80 % intervals."""

    begins: date
    sent: int
    opens: int
    clicks: int
    purchases: int
    conversions: int
    expected: Mapping[str, Expected]


@dataclass(frozen=True, slots=True)
class RateTold:
    """One fitted rate in the words it is printed with."""

    of: str
    rate: Rate
    unit: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether the intervals held what past weeks brought: the share of the weeks tried, by measure and in all."""

    calibrated: bool
    share: float
    weeks: int
    measures: Mapping[str, tuple[int, int]]
    too_few: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Everything a rehearsal tells. Times are aware UTC, days those of `timezone`; the cost is in `currency`.

    `left_out` are facts of the past that were not replayed, by kind; backwards nothing is expected and no rate told.
    """

    backwards: bool
    begin: datetime
    end: datetime
    seed: int
    timezone: str
    days: tuple[date, ...]
    sent: int
    daily: tuple[int, ...]
    steps: tuple[StepSent, ...]
    campaigns: tuple[CampaignTold, ...]
    stages: Mapping[str, tuple[int, ...]]
    limits: tuple[LimitUse, ...]
    weeks: tuple[Week, ...]
    conversions: int
    whole: Expected | None
    rates: tuple[RateTold, ...]
    calibration: Calibration | None
    left_out: Mapping[str, int]
    price_per_thousand: Decimal
    cost: Decimal
    currency: str


def told(run: Run, price: Decimal) -> Rehearsal:
    """Count what a run brought, at a price per thousand emails in the project's currency."""
    wanted, program = run.wanted, run.release.program
    days = spans.days(wanted.begin, wanted.end, program.zone)
    shown = wanted.campaigns or tuple(program.courses)
    with run.database.read() as connection:
        steps = _steps(program, rehearsals.sent(connection, days), len(days), shown)
        campaigns = tuple(_campaigns(connection, Spans((wanted.begin,), wanted.end), shown))
        stages = _stages(connection, days, run.stages)
        limits = limits_used(connection, program, wanted.begin)
        weeks = _weeks(connection, run)
    daily = tuple(sum(step.daily[day] for step in steps) for day in range(len(days)))
    sent, zone = sum(daily), program.zone
    return Rehearsal(
        backwards=run.learned is None, begin=wanted.begin, end=wanted.end, seed=wanted.seed, timezone=zone.key,
        days=tuple(at.astimezone(zone).date() for at in days.begins), sent=sent, daily=daily, steps=steps,
        campaigns=campaigns, stages=stages, limits=limits, weeks=weeks,
        conversions=sum(week.conversions for week in weeks), whole=_whole(run), rates=tuple(_rates(run.learned)),
        calibration=_calibration(run.learned), left_out=run.left_out, price_per_thousand=price,
        cost=(price * sent / 1000).quantize(Decimal("0.01")), currency=program.project.currency,
    )  # fmt: skip


def _steps(program: Program, sent: Counted, days: int, shown: Sequence[str]) -> tuple[StepSent, ...]:
    found: dict[tuple[str, str, str], list[int]] = {}
    for (campaign, step, variant, day), count in sent.items():
        found.setdefault((campaign, step, variant), [0] * days)[day] = count
    order = {(name, step.id): place for name, course in program.courses.items()
             for place, step in enumerate(course.sends)}  # fmt: skip
    keys = sorted(found, key=lambda key: (list(program.courses).index(key[0]) if key[0] in program.courses else 999,
                                          order.get(key[:2], 999), key))  # fmt: skip
    return tuple(StepSent(*key, sum(found[key]), tuple(found[key])) for key in keys if key[0] in shown)


def _campaigns(connection: Connection, whole: Spans, shown: Sequence[str]) -> Iterator[CampaignTold]:
    entered, left = rehearsals.entered(connection, whole), rehearsals.left(connection, whole)
    sent, missed = rehearsals.sent(connection, whole), rehearsals.not_sent(connection, whole)
    for name in shown:
        arms = {key[1]: count for key, count in entered.items() if key[0] == name}
        yield CampaignTold(
            name, sum(arms.values()), sum(count for arm, count in arms.items() if arm != Arm.EMAILED),
            sum(count for key, count in sent.items() if key[0] == name), _reasons(left, name), _reasons(missed, name),
        )  # fmt: skip


def _reasons(counted: Counted, campaign: str) -> dict[str, int]:
    """By reason, the commonest first; what follows a colon says it of one email only."""
    found: Counter[str] = Counter()
    for (name, reason, _), count in counted.items():
        if name == campaign:
            found[(reason or "").partition(":")[0]] += count
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _stages(connection: Connection, days: Spans, before: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Contacts by stage at the end of each day: those of the beginning, and every change since."""
    moved, came = rehearsals.moved(connection, days), rehearsals.came(connection, days)
    change: list[Counter[str]] = [Counter() for _ in days.begins]
    for (old, new, day), count in moved.items():
        change[day].update({new: count})
        change[day].subtract({old: count})
    for (day,), count in came.items():
        change[day].update({Stage.LEAD.value: count})
    standing = Counter(before)
    found: dict[str, list[int]] = {stage.value: [] for stage in Stage}
    for day in change:
        standing.update(day)
        for stage, counts in found.items():
            counts.append(standing[stage])
    return {stage: tuple(counts) for stage, counts in found.items()}


def _weeks(connection: Connection, run: Run) -> tuple[Week, ...]:
    begin, end = run.wanted.begin, run.wanted.end
    begins = tuple(begin + WEEK * number for number in range(-(-(end - begin) // WEEK)))
    weeks = Spans(begins, end)
    counts = {
        "sent": rehearsals.sent(connection, weeks), "opens": rehearsals.responded(connection, weeks, "opened_at"),
        "clicks": rehearsals.responded(connection, weeks, "clicked_at"),
        "purchases": rehearsals.bought(connection, weeks), "conversions": rehearsals.converted(connection, weeks),
    }  # fmt: skip
    zone = run.release.program.zone
    return tuple(
        Week(
            at.astimezone(zone).date(),
            **{name: sum(n for key, n in of.items() if key[-1] == number) for name, of in counts.items()},
            expected=_expected(run.learned, run.weeks.get(number, Tally())) if run.learned else {},
        )
        for number, at in enumerate(begins)
    )


FORETOLD = ("opens", "clicks", "purchases", "conversions")


def _expected(learned: Learned, week: Tally) -> dict[str, Expected]:
    """What may be expected of a week of these emails and days."""
    return {measure: _foretold(learned, week, measure) for measure in FORETOLD}


def _foretold(learned: Learned, week: Tally, measure: str) -> Expected:
    wobbles = learned.backtest.wobbles
    wobble = wobbles.get(measure) or wobbles["purchases"]
    seen = week.without_customers() if measure == "conversions" else week.unmailed()
    return expected(*moments(learned.model, seen, measure), wobble.factor)


def _whole(run: Run) -> Expected | None:
    """The conversions of the whole time: weeks differ by their own wobble, what is not known of rates is the same."""
    if run.learned is None:
        return None
    seen, wobble = Tally(), 0.0
    for week in run.weeks.values():
        one = week.without_customers()
        seen += one
        mean, _ = moments(run.learned.model, one, "conversions")
        wobble += run.learned.backtest.wobbles["purchases"].factor * mean**2
    mean, variance = moments(run.learned.model, seen, "conversions")
    return expected(mean, variance + wobble)


def _rates(learned: Learned | None) -> Iterator[RateTold]:
    if learned is None:
        return
    for (stage, response), rate in learned.model.responses.items():
        yield RateTold(f"{response.value}s of {stage}", rate, "emails")
    for one, rate in learned.model.purchases.items():
        yield RateTold(f"purchases a day, unasked, of {one.value}", rate, "contact-days")


def _calibration(learned: Learned | None) -> Calibration | None:
    if learned is None:
        return None
    tried = learned.backtest
    measures = {name: (tried.held[name], tried.tried[name]) for name in tried.tried}
    return Calibration(tried.calibrated, tried.share, tried.weeks, measures, tried.too_few)
