"""`nurture status`: what runs, what is due, what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import console, emit, json_option, project_directory, table

if TYPE_CHECKING:
    from datetime import datetime

    from nurture.actions.status import Status
    from nurture.store.runs import Pin

NEEDS_SOMEBODY = 4


@click.command("status")
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """What runs, what is due, what waits, and what needs somebody.

    Times are UTC. Exit codes: 0 all goes its way; 4 something needs a person: a breaker is open, an email was never
    answered for, a coupon pool has run dry, people are in a campaign whose file is gone, a file is wrong so that its
    last good version runs, or something is due and nothing runs.

    Example:

      nurture status

      nurture status --json
    """
    from nurture.actions.status import status
    from nurture.cli.report import running
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    found = status(opened.database, running(opened), opened.now())
    emit(found, as_json, _show)
    if found.needs:
        ctx.exit(NEEDS_SOMEBODY)


def _show(found: Status) -> None:
    release = found.release
    print(
        f"Release    {release.id} of {_time(release.published_at)}" if release else "Release    none is published yet"
    )
    print(f"Last pass  {_time(found.last_pass) if found.last_pass else 'none'}")
    print(f"Provider   {found.provider}" + (f"; sending is paused: {found.stopped}" if found.stopped else ""))
    if found.mail:
        print(f"Mail       {f'last read {_time(found.mail.read_at)}' if found.mail.read_at else 'never read'}")
    print("Contacts   " + (", ".join(f"{count:,} {stage}" for stage, count in found.stages.items()) or "none"))
    m = found.messages
    late = f", the oldest since {_time(m.oldest_due)}" if m.oldest_due else ""
    print(
        f"Emails     {m.due:,} due{late}; {m.waiting:,} waiting, {m.retry:,} to be tried again, {m.sending:,} in the "
        f"air, {m.unknown:,} never answered for\n"
    )
    rows = [
        [one.campaign, one.status, one.live, one.due, _time(one.next_at) if one.next_at else None,
         one.stopped or (f"breaker until {_time(one.breaker_until)}" if one.breaker_until else None)]
        for one in found.campaigns
    ]  # fmt: skip
    table(rows, ("campaign", "status", "in it", "due now", "next at", "stopped"))
    for one in found.campaigns:
        if one.rolled_back:
            print(_rolled_back(one.campaign, one.rolled_back))
    if found.rolled_back:
        print(_rolled_back("", found.rolled_back))
    for need in found.needs:
        console().print(f"\n{need[0].upper()}{need[1:]}", style="red", soft_wrap=True)


def _rolled_back(campaign: str, pin: Pin) -> str:
    who = f" by {pin.by}" if pin.by else ""
    undo = f"nurture rollback{f' {campaign}' if campaign else ''} --undo"
    return (
        f"\n{campaign or 'The project'} was rolled back on {_time(pin.at)}{who} and runs an earlier version until its "
        f"files change, or `{undo}`."
    )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
