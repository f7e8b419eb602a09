"""A rehearsal as people read it in a terminal: what leaves when, who stands where, what may come of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from nurture.cli.frame import table
from nurture.core.forecast import ENOUGH_WEEKS

if TYPE_CHECKING:
    from nurture.actions.rehearsal import CampaignTold, RateTold, Rehearsal
    from nurture.core.forecast import Expected

EIGHTHS = " ▁▂▃▄▅▆▇█"
WIDE = 60
"""Columns a chart has at most; longer times have several days in each."""


def show(found: Rehearsal) -> None:
    """Print a rehearsal."""
    print(_title(found))
    print()
    for line in _chart(found):
        print(line)
    _show_steps(found)
    for campaign in found.campaigns:
        print(_line(campaign))
    _show_limits(found)
    _show_stages(found)
    if found.backwards:
        _show_past(found)
    else:
        _show_weeks(found)
        _show_rates(found.rates)
        print(f"\n{_calibrated(found)}")
    price = f"{found.price_per_thousand} {found.currency} a thousand"
    print(f"\nCost: {found.sent:,} emails at {price}: {found.cost:,} {found.currency}.")


def _title(found: Rehearsal) -> str:
    days = f"{found.days[0]} to {found.days[-1]} ({found.timezone})"
    if found.backwards:
        return f"Replayed: {days}. Eligibility, timing and volumes; no effect is claimed."
    return f"Rehearsed: {days}, seed {found.seed}. People respond as the history says; the run is one of many possible."


def _chart(found: Rehearsal) -> Iterator[str]:
    """Emails by day: one column a day, or for so many days as make it fit."""
    each = -(-len(found.daily) // WIDE)
    columns = [sum(found.daily[at : at + each]) for at in range(0, len(found.daily), each)]
    most = max(columns, default=0)
    bars = "".join(EIGHTHS[-(-8 * count // most) if most else 0] for count in columns)
    yield f"Emails {'a day' if each == 1 else f'in {each} days'}, at most {most:,}:"
    yield f"  {bars}"
    yield f"  {found.days[0]}{str(found.days[-1]).rjust(max(11, len(columns) - 10))}"


def _show_steps(found: Rehearsal) -> None:
    rows: list[Sequence[object]] = [
        [step.campaign, step.step + (f" ({step.variant})" if step.variant else ""), step.sent, max(step.daily),
         _day(found, step.daily)]
        for step in found.steps
    ]  # fmt: skip
    print()
    if rows:
        table(rows, ("campaign", "email", "sent", "most a day", "on"))
    else:
        print("No email leaves.")
    print()


def _day(found: Rehearsal, daily: Sequence[int]) -> date:
    return found.days[daily.index(max(daily))]


def _line(one: CampaignTold) -> str:
    held = f" ({one.held_out:,} held out)" if one.held_out else ""
    left = ", ".join(f"{count:,} {reason}" for reason, count in one.left.items())
    missed = ", ".join(f"{count:,} {reason}" for reason, count in one.not_sent.items())
    return (
        f"{one.campaign}: {one.entered:,} enter{held}, {one.sent:,} emails"
        + (f"; left: {left}" if left else "")
        + (f"; not sent: {missed}" if missed else "")
        + "."
    )


def _show_limits(found: Rehearsal) -> None:
    print()
    for one in found.limits:
        full = f", full {one.used_up:,} times" if one.used_up else ""
        at = f" ({one.at})" if one.at else ""
        print(f"{one.scope}, {one.limit:,} per {one.per}: at most {one.most:,} used{at}{full}.")
    if not found.limits:
        print("No limit of the project or of a campaign counts emails.")


def _show_stages(found: Rehearsal) -> None:
    places = sorted({0, len(found.days) - 1, *range(29, len(found.days) - 1, 30)})
    rows = [[stage, *(counts[place] for place in places)] for stage, counts in found.stages.items()]
    print()
    table(rows, ("contacts at the end of", *(str(found.days[place]) for place in places)))


def _show_past(found: Rehearsal) -> None:
    bought = sum(week.purchases for week in found.weeks)
    print(
        f"\nReplayed were {bought:,} purchases that were really made, {found.conversions:,} of them conversions; they "
        "are not the work of these emails, most of which nobody ever got."
    )
    if found.left_out:
        told = ", ".join(f"{count:,} {what}" for what, count in found.left_out.items())
        print(f"Left out, since the email they are about is not sent in this rehearsal: {told}.")


def _show_weeks(found: Rehearsal) -> None:
    rows = [
        [week.begins, week.sent, *(_span(week.expected[name]) for name in ("opens", "clicks", "purchases")),
         _span(week.expected["conversions"])]
        for week in found.weeks
    ]  # fmt: skip
    print("\nWhat may be expected of each week, with 80 % intervals:\n")
    table(rows, ("week from", "emails", "opens", "clicks", "purchases", "conversions"))
    if found.whole:
        print(
            f"\nExpected conversions in all: {found.whole.mean:,.0f} ({found.whole.low:,} to {found.whole.high:,} in "
            f"80 % of cases); this run had {found.conversions:,}."
        )


def _span(one: Expected) -> str:
    return f"{one.mean:,.0f} ({one.low:,}–{one.high:,})"


def _show_rates(rates: Sequence[RateTold]) -> None:
    print("\nWhat the rates rest on; what is not history is the benchmark:\n")
    for one in rates:
        print(f"  {sentence(one)}")
    for place, source in enumerate(dict.fromkeys(one.rate.source for one in rates), 1):
        print(f"  [{place}] {source}")


def sentence(one: RateTold) -> str:
    """A rate and where it comes from: `opens of inactive: 12.3 % (history of 8,410 emails, weight 0.93)`."""
    rate = one.rate
    digits = 1 if rate.value >= 0.01 else 3
    others = f", other stages {rate.others:.2f}" if rate.others >= 0.005 else ""
    left = max(0.0, 1 - rate.own - rate.others)
    mark = f"; benchmark {rate.benchmark:.2%}, weight {left:.2f}" if left >= 0.005 else ""
    return (
        f"{one.of}: {100 * rate.value:.{digits}f} % (history of {rate.history:,.0f} {one.unit}, "
        f"weight {rate.own:.2f}{others}{mark})"
    )


def _calibrated(found: Rehearsal) -> str:
    tried = found.calibration
    if tried is None:
        return ""
    told = ", ".join(f"{held} of {of} {name}" for name, (held, of) in tried.measures.items() if of)
    held = f"the 80 % intervals held {tried.share:.0%} of {tried.weeks} weeks of the history that were tried: {told}"
    if tried.calibrated:
        return f"calibrated ({tried.share:.0%} of {tried.weeks} weeks): {held}."
    few = f"fewer than {ENOUGH_WEEKS} weeks of the history can be tried for {' and '.join(tried.too_few)}"
    why = few if tried.too_few else held
    return f"UNCALIBRATED: {why}. Do not rely on the intervals."
