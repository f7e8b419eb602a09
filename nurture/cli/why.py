"""`nurture why`: the story of one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import console, emit, json_option, plain, project_directory, table

if TYPE_CHECKING:
    from nurture.actions.why import Outside, Why


@click.command("why")
@click.argument("address")
@click.argument("campaign", required=False)
@json_option
@click.pass_context
def command(ctx: click.Context, address: str, campaign: str | None, as_json: bool) -> None:
    """Why a contact got, or did not get, an email: all that happened in order, every decision with its reason.

    Then what comes next and when; and for each campaign they are not in, what its audience asks and what the answer
    is now. With CAMPAIGN, only that one. Times are UTC. Ends with 0, or with 1 when the address is nobody's.

    Example:

      nurture why ada@example.com

      nurture why ada@example.com wake-up --json
    """
    from nurture.actions.why import why
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    emit(why(opened.database, opened.releases.current(), address, opened.now(), campaign), as_json, _show)


def _show(found: Why) -> None:
    from rich.text import Text

    suppressed = f", not to be mailed ({found.suppressed})" if found.suppressed else ""
    console().print(Text(plain(f"{found.address}: {found.stage}{suppressed}"), style="bold"))
    print()
    table([[f"{one.at:%Y-%m-%d %H:%M:%S}", one.what, one.text] for one in found.story], ("when (UTC)", "what", ""))
    print("\nNext:" if found.next else "\nNext: nothing; they are in no campaign.")
    for one in found.next:
        held_out = ", held out: no email leaves" if one.held_out else ""
        when = f"asked again at {one.at:%Y-%m-%d %H:%M} UTC" if one.at else "waiting for its email"
        print(plain(f"  {one.campaign} stands at {one.step}, {when}: {one.why or 'to be decided'}{held_out}"))
    for other in found.outside:
        _show_outside(other)


def _show_outside(other: Outside) -> None:
    from rich.text import Text

    verdict = "enters at the next look" if other.enters else "not in it"
    held_out = "; would be held out" if other.held_out else ""
    print(f"\n{other.campaign}: {verdict}{held_out}")
    for one in other.asked:
        mark, style = ("yes", "green") if one.holds else ("no ", "red")
        console().print(Text.assemble("  ", (mark, style), f"  {plain(one.text)}"), soft_wrap=True)
