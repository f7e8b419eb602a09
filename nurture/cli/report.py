"""`nurture report`: what campaigns did and earned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import console, emit, json_option, project_directory, table

if TYPE_CHECKING:
    from nurture.actions.report import CampaignReport, Comparison, Report, StepReport
    from nurture.core.experiment import Interval
    from nurture.core.program import Program
    from nurture.wiring import Opened

STEP_COLUMNS = ("step", "due", "sent", "waiting", "skipped", "rejected", "unknown", "delivered", "opens",
                "machine opens", "clicks", "machine clicks", "unsubs", "complaints", "conversions",
                "revenue")  # fmt: skip
ARM_COLUMNS = ("", "measured", "reached the goal", "rate", "revenue per contact", "still running")


@click.command("report")
@click.argument("campaign", required=False)
@json_option
@click.pass_context
def command(ctx: click.Context, campaign: str | None, as_json: bool) -> None:
    """What campaigns did and earned: every email counted by step, and emailed contacts beside held-out ones.

    Without CAMPAIGN, every campaign in one line each; with it, its steps and the comparison of its arms.
    "Claimed" conversions had a click or an email shortly before; "incremental" ones are what the emailed did more
    than the held out, with a 95 % interval. Both are always shown, for the first is never the second.
    Ends with 0, or with 1 when there is no such campaign.

    Example:

      nurture report

      nurture report wake-up --json
    """
    from nurture.actions.report import report
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    found = report(opened.database, running(opened), opened.now(), campaign)
    emit(found, as_json, lambda it: _show_one(it) if campaign else show_report(it))


def _show_one(report: Report) -> None:
    show_campaign(report.campaigns[0], report.currency)
    _show_referrals(report)


def _show_referrals(report: Report) -> None:
    """Say whom people brought, where anybody did."""
    brought = report.referrals
    if brought.referred:
        print(
            f"\nReferrals: {brought.referrers:,} people brought {brought.referred:,}, of whom {brought.bought:,} "
            f"bought for {money(brought.revenue, report.currency)}."
        )


def running(opened: Opened) -> Program:
    """The program of the release that runs; before the first one, the folder's own."""
    from nurture.core.errors import NotFound

    try:
        return opened.releases.current().program
    except NotFound:
        return opened.program


def show_report(report: Report) -> None:
    """Print the project's report: a line for each campaign, conversions and stages, then each campaign whole."""
    columns = ("campaign", "status", "entered", "live", "sent", "clicks", "claimed conversions", "claimed revenue",
               "incremental goals", "incremental revenue")  # fmt: skip
    rows = [_summary(one, report.currency) for one in report.campaigns]
    table(rows, columns, f"Campaigns at {report.at:%Y-%m-%d %H:%M} UTC")
    done = report.conversions
    print(
        f"\nConversions: {done.converted:,} converted, {done.won_back:,} won back ({done.claimed:,} claimed by a "
        f"campaign), {done.reversed:,} reversed. Revenue in all: {money(report.revenue, report.currency)}."
    )
    stages = ", ".join(f"{count:,} {stage}" for stage, count in report.stages.items())
    print(f"Stages: {stages or 'nobody yet'}.")
    _show_referrals(report)
    if report.holdout:
        print("\nAll campaigns together, beside those whom the project holds out; reached is who bought anything.")
        _show_comparison(report.holdout, report.currency)
    for one in report.campaigns:
        if one.entered:
            print()
            show_campaign(one, report.currency)


def _summary(one: CampaignReport, currency: str) -> list[object]:
    compared = one.comparison
    clicks = sum(step.clicked or 0 for step in one.steps)
    return [
        one.campaign, one.status, one.entered, one.live, sum(step.sent for step in one.steps), clicks,
        one.claimed_conversions, money(one.claimed_revenue, currency),
        spread(compared.incremental_goals if compared else None, "{:,.0f}"),
        spread(compared.incremental_revenue if compared else None, "money", currency),
    ]  # fmt: skip


def show_campaign(one: CampaignReport, currency: str) -> None:
    """Print one campaign: who entered and left, its steps, and emailed beside held out."""
    from rich.text import Text

    owner = f" ({one.owner})" if one.owner else ""
    console().print(Text(f"{one.campaign}: {one.title}{owner}", style="bold"))
    left = ", ".join(f"{count:,} {reason}" for reason, count in one.ended.items())
    print(f"{one.entered:,} entered, {one.live:,} are in" + (f"; left: {left}" if left else "") + ".")
    if one.held_out_by_project:
        print(f"{one.held_out_by_project:,} of them the project holds out; they count in neither arm.")
    print()
    table([row for step in one.steps for row in _rows(step, currency)], STEP_COLUMNS)
    for step in one.steps:
        if step.skipped:
            print(f"\n{step.step} skipped: " + ", ".join(f"{count:,} {why}" for why, count in step.skipped.items()))
    for step in one.steps:
        for some in step.coupons:
            print(
                f"\n{step.step} gave {some.given:,} codes of {some.pool}: {some.redeemed:,} redeemed, "
                f"{money(some.revenue, currency)}."
            )
        _show_trial(step)
    print(
        f"\nClaimed: {one.claimed_conversions:,} conversions in {one.claimed_purchases:,} purchases, "
        f"{money(one.claimed_revenue, currency)}."
    )
    if one.comparison:
        _show_comparison(one.comparison, currency)


def _rows(step: StepReport, currency: str) -> list[list[object]]:
    variants = [_step(replace(one, step=f"  {one.step}"), currency) for one in step.variants]
    return [_step(step, currency), *variants]


def _show_trial(step: StepReport) -> None:
    """Say what became of the choice between variants; loudly where people were lost on the way."""
    from rich.text import Text

    from nurture.core.winner import sentence

    trial = step.trial
    if trial is None:
        return
    print()
    told = sentence(trial.outcome, trial.winner, trial.figures)
    style = "bold red" if trial.outcome == "sample-ratio" else "bold" if trial.winner else ""
    when = f" ({trial.decided_at:%Y-%m-%d %H:%M} UTC)" if trial.decided_at else ""
    console().print(Text(f"{step.step}, by {trial.by}: {told}{when}", style=style), soft_wrap=True)


def _step(step: StepReport, currency: str) -> list[object]:
    seen = (step.opened, step.machine_opened, step.clicked, step.machine_clicked)
    return [
        step.step, step.due, step.sent, step.waiting, sum(step.skipped.values()), step.rejected, step.unknown,
        step.delivered, *("not observed" if count is None else count for count in seen), step.unsubscribed,
        step.complained, step.conversions, money(step.revenue, currency),
    ]  # fmt: skip


def _show_comparison(compared: Comparison, currency: str) -> None:
    rows = []
    for name, arm in (("emailed", compared.emailed), ("held out", compared.held_out)):
        each = money(round(arm.revenue_per_contact), currency)
        rows.append([name, arm.contacts, arm.reached, f"{arm.rate:.1%}", each, arm.running])
    print(f"\nOver {compared.measured_over} from {compared.measured_from}, by intention to treat:\n")
    table(rows, ARM_COLUMNS)
    if compared.uplift is None:
        print("\nIncremental: cannot be told, since an arm has nobody measured yet.")
        return
    print(
        f"\nIncremental: {spread(compared.incremental_goals, '{:,.1f}')} goals "
        f"({spread(compared.uplift, '{:+.1%}')} of contacts), "
        f"{spread(compared.incremental_revenue, 'money', currency)}; 95 % intervals."
    )


def money(minor: int, currency: str) -> str:
    """Minor units as people write them, with thousands parted."""
    from nurture.core.money import exponent

    places = exponent(currency)
    return f"{minor / 10**places:,.{places}f} {currency}"


def spread(interval: Interval | None, form: str, currency: str = "") -> str:
    """An estimate with its interval: `1.2 (0.3 to 2.1)`; "-" where it cannot be told."""
    if interval is None:
        return "-"

    def shown(value: float) -> str:
        return money(round(value), currency) if form == "money" else form.format(value)

    return f"{shown(interval.value)} ({shown(interval.low)} to {shown(interval.high)})"
