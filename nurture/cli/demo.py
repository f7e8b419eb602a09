"""`nurture demo`: four months of a made-up business on a virtual clock."""

from __future__ import annotations

import logging
import signal
import sys
from os.path import relpath
from pathlib import Path
from shutil import which
from tempfile import mkdtemp
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import console, progress, table

if TYPE_CHECKING:
    from nurture.actions.doctor import Finding
    from nurture.demo.story import Plan, Played, Story

STAGES = ("lead", "prospect", "inactive", "customer", "former")


@click.command("demo")
@click.option("--no-serve", is_flag=True, help="End with the report; do not serve the page.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which made-up business; one seed, one story.")
@click.option("--days", type=click.IntRange(1, 730), default=120, show_default=True, help="How long.")
@click.option("--contacts", type=click.IntRange(1, 100_000), default=2000, show_default=True, help="How many people.")
@click.option("--dir", "directory", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="A new folder for the project. Without it: a temporary one.")  # fmt: skip
@click.option("--files", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
              help="A project whose files run instead of the shipped ones; they are copied, not changed.")  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535), help="Where to serve; 8025 if that is free.")
@click.pass_context
def command(
    ctx: click.Context, no_serve: bool, seed: int, days: int, contacts: int, directory: Path | None, files: Path | None,
    port: int | None,
) -> None:
    """Four months of a made-up coffee business in three countries, in less than a minute.

    Makes a real project, imports made-up contacts and purchases, and runs its campaigns on a virtual clock. The
    emails land in an outbox on disk; people, prefetchers and a scanner read them there and come back over HTTP.
    Ends with the report and the proof of every guarantee, then serves the page until Ctrl-C.
    Ends with 0, or with 1 when a guarantee does not hold.

    Example:

      nurture demo

      nurture demo --no-serve --seed 7 --days 30 --dir shop

      nurture demo --files . --days 365     # your own campaigns, on made-up people
    """
    from nurture.collector import calm
    from nurture.demo.story import Plan, Story

    logging.getLogger("alembic").setLevel(logging.WARNING)
    place = directory or Path(mkdtemp(prefix="nurture-demo-"))
    plan = Plan(place, seed, days, contacts, 0 if no_serve else _port(port), files)
    begun = monotonic()
    with Story(plan) as story:
        calm()
        with progress(days, f"{days} days") as done:
            played = story.play(done)
        holds = _tell(plan, story, played, begun)
        if not no_serve:
            _serve(story)
    ctx.exit(0 if holds else 1)


def _port(wanted: int | None) -> int:
    """The port asked for, else the usual one, else any free one. Raises ConfigError where that asked for is taken."""
    from nurture.core.errors import ConfigError
    from nurture.web.server import listen

    try:
        with listen("127.0.0.1", wanted or 8025) as taken:
            return int(taken.getsockname()[1])
    except ConfigError:
        if wanted:
            raise
    with listen("127.0.0.1", 0) as taken:
        return int(taken.getsockname()[1])


def _serve(story: Story) -> None:
    stopping = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    print(f"\nThe page is at {story.url}/ until Ctrl-C.", flush=True)
    while not stopping.wait(0.5):
        pass


# --- the story in words ----------------------------------------------------------------------------------


def _tell(plan: Plan, story: Story, played: Played, begun: float) -> bool:
    """Print what happened, the report and the guarantees. Returns whether they all hold."""
    from nurture.actions.doctor import invariants
    from nurture.cli.report import show_report

    opened = story.opened
    _heading(f"{plan.days} days, {played.before.at:%-d %B %Y} to {played.after.at:%-d %B %Y}")
    _tell_people(plan, played)
    _tell_emails(played)
    _heading("The report")
    show_report(played.after)
    found = invariants(opened.database, story.program, opened.settings.outbox_dir, opened.now())
    _heading("The guarantees")
    holds = _tell_guarantees(found)
    print(f"\nSeed {plan.seed}: {plan.days} days in {monotonic() - begun:.1f} seconds.")
    names = [one.campaign for one in played.after.campaigns]
    name = "wake-up" if "wake-up" in names else "".join(names[:1])
    print(f"The project is in {plan.directory}; try: {_called()} --project {plan.directory} report {name}")
    if played.buyer:
        print(f"Somebody who bought because of an email: {_called()} --project {plan.directory} why {played.buyer}")
    return holds


def _called() -> str:
    """How nurture is called here, for the reader to copy."""
    if which("nurture"):
        return "nurture"
    program = Path(sys.argv[0])
    own = (program.parent / "python").exists()
    return str(program) if own else f"{relpath(sys.executable)} {program}"


def _heading(text: str) -> None:
    from rich.text import Text

    console().print(Text(f"\n{text}\n", style="bold"))


def _tell_people(plan: Plan, played: Played) -> None:
    from nurture.demo.behaviour import What

    before, after = played.before, played.after
    known = sum(before.stages.values())
    print(f"{known:,} people were known at the beginning, {played.signed_up:,} signed up meanwhile.\n")
    rows = [[stage, before.stages.get(stage, 0), after.stages.get(stage, 0)] for stage in STAGES]
    table(rows, ("stage", "at the beginning", "at the end"))
    converted = after.conversions.converted - before.conversions.converted
    won_back = after.conversions.won_back - before.conversions.won_back
    bought, returned = played.acts[What.BUY], played.acts[What.REFUND]
    print(f"\n{bought:,} purchases, {returned:,} of them refunded in whole or in part.")
    print(f"{converted:,} people became customers for the first time, {won_back:,} former customers were won back.")


def _tell_emails(played: Played) -> None:
    steps = [step for one in played.after.campaigns for step in one.steps]

    def in_all(name: str) -> int:
        return sum(getattr(step, name) or 0 for step in steps)

    skipped = sum(sum(step.skipped.values()) for step in steps)
    print(f"\n{in_all('sent'):,} emails went out, {skipped:,} were skipped for a reason that the report names.")
    print(f"People opened {in_all('opened'):,} of them and clicked in {in_all('clicked'):,}.")
    machines = f"{in_all('machine_opened'):,} and clicked in {in_all('machine_clicked'):,}"
    print(f"Machines opened {machines}: those are counted apart and moved nobody.")
    print(
        f"{in_all('unsubscribed'):,} were answered by unsubscribing, {in_all('complained'):,} by a complaint, "
        f"{in_all('bounced'):,} bounced."
    )
    print(f"All of it came back over {played.requests.total():,} HTTP requests and through the mailbox's files.")


def _tell_guarantees(found: list[Finding]) -> bool:
    broken = [one for one in found if not one.ok]
    for one in broken:
        print(f"Guarantee {one.guarantee}, {one.name}, does not hold: {one.sentence}")
        for row in one.rows[:5]:
            print(f"  {row}")
    if broken:
        print(f"{len(broken)} of {len(found)} checks of the invariants failed.")
    else:
        print(f"All invariants hold: {len(found)} checks of the nine guarantees found no row against them.")
    return not broken
