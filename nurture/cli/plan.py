"""`nurture plan`: who would get what in the next days, who would not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import emit, json_option, project_directory

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from nurture.actions.plan import Compared


@click.command("plan")
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How far to look ahead.")
@click.option("--contact", metavar="ADDRESS", help="Also tell one contact's next days in full.")
@click.option("--samples", type=click.IntRange(0, 100), default=3, show_default=True,
              help="Contacts named for each number.")  # fmt: skip
@click.option(
    "--tick",
    metavar="DURATION",
    help="How often the service looks. Without it '1 second', as it does; '1 minute' over 10,000 contacts.",
)
@click.option("--against", metavar="REVISION", help="Compare the files with a branch, tag or commit of git.")
@click.option("--since-last-run", is_flag=True, help="Compare them with the release that runs, as without --against.")
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 where the files mean something else.")
@click.option("--format", "style", type=click.Choice(["text", "markdown", "json"]), default="text",
              help="How to print; markdown for a comment on a pull request.")  # fmt: skip
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    days: int,
    contact: str | None,
    samples: int,
    tick: str | None,
    against: str | None,
    since_last_run: bool,
    detailed_exitcode: bool,
    style: str,
    as_json: bool,
) -> None:
    """Tell what the files as they stand change, by meaning, and what they would bring about: who enters, gets which
    email, moves on, leaves, on each day; who does not, and why; where campaigns collide; how much of the
    limits is used.

    The files are tried on a copy of the database, by the code that runs them; nothing is sent and nothing is written.
    Facts to come (opens, clicks, purchases) are not guessed: see `nurture rehearse`. Ends with 0, or with 1 where the
    files cannot run; --detailed-exitcode ends with 2 where there are changes.

    Example:

      nurture plan

      nurture plan --days 30 --contact ada@example.com

      nurture plan --against origin/main --format markdown
    """
    from nurture.actions.check import check
    from nurture.actions.plan import Wanted, plan
    from nurture.cli import plan_markdown, plan_text
    from nurture.wiring import open_project

    if against and since_last_run:
        raise click.UsageError("compare with --against REVISION or with --since-last-run, not with both")
    opened = open_project(project_directory(ctx))
    checked = check(opened.directory)
    compared = revision(opened.directory, against) if against else None
    wanted = Wanted(days, ticks(tick) if tick else None, samples, contact, compared)
    found = plan(opened.original, checked, opened.stand_in, opened.now(), wanted)
    show = plan_markdown.show if style == "markdown" else plan_text.show
    emit(found, as_json or style == "json", lambda it: show(it, days))
    if detailed_exitcode and found.changes:
        ctx.exit(2)


def revision(directory: Path, name: str) -> Compared:
    """The project as a git revision has it. Raises InputError where there is none."""
    from nurture.actions.check import check_files
    from nurture.actions.plan import Compared
    from nurture.files.git import files_at

    files, problems = files_at(directory, name)
    return Compared(name, check_files(files, problems) if files else None)


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
