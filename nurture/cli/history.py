"""`nurture history`, `nurture rollback` and `nurture drop`: what ran, going back to it, and letting people go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import emit, json_option, plain, project_directory, table

if TYPE_CHECKING:
    from nurture.actions.history import History, VersionRow


@click.command("history")
@click.argument("campaign", required=False, default="")
@click.argument("version", required=False, type=click.IntRange(1))
@json_option
@click.pass_context
def history(ctx: click.Context, campaign: str, version: int | None, as_json: bool) -> None:
    """Every version of CAMPAIGN that ran: since when, by whom, what it changed and for how many; or of the project.

    With VERSION, that version's file, and how it differs from the one before. Times are UTC. Whoever publishes is
    NURTURE_USER, else the user of the machine.

    Example:

      nurture history wake-up

      nurture history wake-up 3
    """
    from nurture.actions.history import history as look
    from nurture.actions.history import text_of
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    if version is None:
        emit(look(opened.database, campaign), as_json, _show)
        return
    text, difference = text_of(opened.database, campaign, version)
    told = {"campaign": campaign, "version": version, "file": text, "difference": difference}
    emit(told, as_json, lambda _: print(plain(f"{text}\n{difference}"), end=""))


def _show(found: History) -> None:
    name = f"history {found.campaign}" if found.campaign else "history"
    table([_cells(one) for one in found.versions], ("version", "since (UTC)", "by", "what", "people", ""), title=name)
    if found.pin:
        undo = f"nurture rollback{f' {found.campaign}' if found.campaign else ''} --undo"
        print(f"\nAn earlier version runs until the files change, or `{undo}`.")


def _cells(one: VersionRow) -> list[object]:
    words = "; ".join((one.what, *one.words))
    return [one.version, f"{one.at:%Y-%m-%d %H:%M}", one.by, words, one.people, "runs" if one.running else None]


@click.command("rollback")
@click.argument("campaign", required=False, default="")
@click.option("--to", "version", type=click.IntRange(1), help="To this version; without it, the one before.")
@click.option("--undo", is_flag=True, help="Let the files run again.")
@click.pass_context
def rollback(ctx: click.Context, campaign: str, version: int | None, undo: bool) -> None:
    """Let an earlier version of CAMPAIGN run again, or of the whole project; `nurture history` numbers them.

    It runs until the files say something else, or --undo; a running `nurture run` follows at once. People under way
    go on as that version's `edits` say, and a version in which somebody would be lost or get an email twice is
    refused as an edit would be.

    Example:

      nurture rollback wake-up

      nurture rollback wake-up --undo
    """
    from nurture.actions import history as past
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    what = campaign or "the project"
    if undo:
        past.undo(opened.releases, campaign, opened.now())
        print(f"{what} runs as its files say.")
        return
    back = past.roll_back(opened.releases, campaign, version, opened.now())
    print(f"{what} runs version {back.version} of {back.at:%Y-%m-%d %H:%M} UTC, until its files change or --undo.")


@click.command("drop")
@click.argument("campaign")
@click.pass_context
def drop(ctx: click.Context, campaign: str) -> None:
    """Let those go who are in CAMPAIGN after its file was removed. Their reason is campaign-removed.

    Until then they are kept, get nothing, and go on when the file comes back.

    Example:

      nurture drop november-offer
    """
    from nurture.actions.history import drop as let_go
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    left = let_go(opened.releases, campaign, opened.now())
    print(f"{left:,} people left {campaign}.")
