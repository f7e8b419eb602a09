"""`nurture rehearse`: months of the campaigns in seconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import emit, json_option, progress, project_directory

if TYPE_CHECKING:
    from nurture.actions.rehearsal import Rehearsal
    from nurture.actions.rehearse import Wanted
    from nurture.wiring import Opened

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("rehearse")
@click.option("--days", type=click.IntRange(1, 730), help="How many days from now on.  [default: 90]")
@click.option("--from", "begin", type=DAY, help="A past day to begin on: what happened since is replayed.")
@click.option("--to", "end", type=DAY, help="The day after the last one replayed.  [default: today]")
@click.option("--seed", default=1, show_default=True, help="Which chance; one seed, one rehearsal.")
@click.option("--campaign", "campaigns", metavar="NAME", multiple=True,
              help="Tell of this campaign only, and run it though it be a draft. Again for more.")  # fmt: skip
@click.option("--price-per-thousand", "price", type=Decimal, default=Decimal("0.90"), show_default=True,
              help="What a thousand emails cost, in the project's currency.")  # fmt: skip
@click.option("--html", "page", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write a page with charts as well.")  # fmt: skip
@json_option
@click.pass_context
def command(
    ctx: click.Context, days: int | None, begin: datetime | None, end: datetime | None, seed: int,
    campaigns: tuple[str, ...], price: Decimal, page: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run months of the campaigns in seconds, on a copy of the database, and tell what comes about.

    The working files are run by the very engine of `nurture run`, on a clock that jumps and with an outbox in memory;
    the project's database is only read, and nothing is sent. Forwards, people respond as this project's own history
    says. With --from, what really happened is replayed instead: who would have got what and when is exact, and no
    effect is claimed of emails that were never sent. The same seed on the same data gives the same bytes.

    Example:

      nurture rehearse

      nurture rehearse --days 30 --campaign wake-up --html wake-up.html

      nurture rehearse --from 2026-01-01 --to 2026-07-01 --json
    """
    from nurture.cli.rehearsal import show
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    wanted = _wanted(opened, days, begin, end, seed, campaigns)
    found = _rehearsed(opened, wanted, price, backwards=begin is not None)
    if page:
        from nurture.web.rehearsal import write_page

        page.write_text(write_page(found, opened.project.project), encoding="utf-8")
    emit(found, as_json, show)
    if page and not as_json:
        print(f"\nThe page with the charts is in {page}.")


def _wanted(
    opened: Opened, days: int | None, begin: datetime | None, end: datetime | None, seed: int,
    campaigns: tuple[str, ...],
) -> Wanted:  # fmt: skip
    from nurture.actions.rehearse import Wanted

    if begin is None:
        if end is not None:
            raise click.UsageError("--to needs --from: it ends a past that is replayed; --days ends what is to come.")
        now = opened.now()
        start = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        return Wanted(start, start + timedelta(days=days or 90), seed, campaigns)
    if days is not None and end is not None:
        raise click.UsageError("give either --days or --to, not both.")
    since = _midnight(opened, begin.date())
    until = _midnight(opened, end.date() if end else (begin + timedelta(days=days)).date() if days else _today(opened))
    if until > opened.now():
        raise click.UsageError(f"{until:%Y-%m-%d} has yet to come; with --from, only the past can be replayed.")
    if until <= since:
        raise click.UsageError("--to must be a later day than --from.")
    return Wanted(since, until, seed, campaigns)


def _midnight(opened: Opened, day: date) -> datetime:
    from nurture.core.zone import from_local

    return from_local(day, time(), opened.program.zone).astimezone(UTC)


def _today(opened: Opened) -> date:
    return opened.now().astimezone(opened.program.zone).date()


def _rehearsed(opened: Opened, wanted: Wanted, price: Decimal, backwards: bool) -> Rehearsal:
    from nurture.actions.check import check
    from nurture.actions.rehearsal import told
    from nurture.actions.rehearse import forwards
    from nurture.actions.replay import replay
    from nurture.collector import calm
    from nurture.core.errors import ProjectError

    checked = check(opened.directory)
    if checked.loaded.project is None:
        raise ProjectError(checked.problems)
    calm()
    way = replay if backwards else forwards
    with (
        progress((wanted.end - wanted.begin).days, "days") as done,
        way(opened.original, checked, wanted, lambda at: done(to=(at - wanted.begin).days)) as run,
    ):
        return told(run, price)
