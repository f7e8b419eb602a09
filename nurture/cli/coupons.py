"""`nurture coupons`: what became of the codes of each pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import console, emit, json_option, project_directory, table

if TYPE_CHECKING:
    from nurture.actions.pools import PoolReport

POOLS = ("pool", "worth", "free", "reserved", "spent", "redeemed", "expired", "waiting")
STEPS = ("campaign", "step", "pool", "given", "redeemed", "revenue")


@click.command("coupons")
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Coupon pools: how many codes are free, reserved, spent, redeemed, expired; and what each step gave.

    A code is reserved with its email and spent when that is handed over; redeemed by an order that was made with it;
    expired when its time ended before. `waiting` are emails for which there was none.

    Example:

      nurture coupons

      nurture coupons --json
    """
    from nurture.actions.pools import list_pools
    from nurture.cli.report import running
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    found = list_pools(opened.database, opened.project, running(opened), opened.now())
    currency = opened.project.currency
    emit([one.as_data() for one in found] if as_json else found, as_json, lambda pools: _show(pools, currency))


def _show(pools: list[PoolReport], currency: str) -> None:
    from nurture.cli.report import money

    rows = [
        [one.pool, one.worth or "no longer in nurture.yaml", one.codes.free, one.codes.reserved, one.codes.spent,
         one.codes.redeemed, one.codes.expired, one.waiting]
        for one in pools
    ]  # fmt: skip
    table(rows, POOLS)
    steps = [
        [step.campaign, step.step, step.pool, step.given, step.redeemed, money(step.revenue, currency)]
        for one in pools
        for step in one.steps
    ]
    if steps:
        print()
        table(steps, STEPS)
    for one in pools:
        if one.waiting:
            text = f"\n{one.waiting:,} emails wait for a code of {one.pool}: nurture import coupons {one.pool} FILE"
            console().print(text, style="red", soft_wrap=True)
