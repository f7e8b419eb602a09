"""`nurture plan`: who would get what in the next days, who would not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import emit, json_option, project_directory

if TYPE_CHECKING:
    from datetime import timedelta


@click.command("plan")
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How far to look ahead.")
@click.option("--contact", metavar="ADDRESS", help="Also tell one contact's next days in full.")
@click.option("--samples", type=click.IntRange(0, 100), default=3, show_default=True,
              help="Contacts named for each number.")  # fmt: skip
@click.option("--tick", metavar="DURATION", default="1 second", show_default=True,
              help="How often the service looks: '1 minute' for a cron of `nurture run --once`.")  # fmt: skip
@json_option
@click.pass_context
def command(ctx: click.Context, days: int, contact: str | None, samples: int, tick: str, as_json: bool) -> None:
    """Tell what the files as they stand would bring about: who enters, gets which email, moves on, leaves, on each
    day; who does not, and why; where campaigns collide; how much of the limits is used.

    The files are tried on a copy of the database, by the code that runs them; nothing is sent and nothing is written.
    Facts to come (opens, clicks, purchases) are not guessed: see `nurture rehearse`. Ends with 0, or with 1 where the
    files cannot run.

    Example:

      nurture plan

      nurture plan --days 30 --contact ada@example.com
    """
    from nurture.actions.check import check
    from nurture.actions.plan import Wanted, plan
    from nurture.cli.plan_text import show
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    wanted = Wanted(days, ticks(tick), samples, contact)
    found = plan(opened.original, check(opened.directory), opened.stand_in, opened.now(), wanted)
    emit(found, as_json, lambda it: show(it, days))


def ticks(text: str) -> timedelta:
    """A length of time from a second to an hour. Raises BadParameter that shows the spelling."""
    from datetime import timedelta

    from nurture.core.values import parse_duration

    count, _, unit = text.partition(" ")
    seconds = count.isdecimal() and unit in ("second", "seconds")
    try:
        length = timedelta(seconds=int(count)) if seconds else parse_duration(text).delta
    except ValueError:
        raise click.BadParameter(f"{text!r} is no length of time; write it like '1 second' or '5 minutes'",
                                 param_hint="--tick") from None  # fmt: skip
    if not timedelta(seconds=1) <= length <= timedelta(hours=1):
        raise click.BadParameter("a tick is from '1 second' to '1 hour'", param_hint="--tick")
    return length
