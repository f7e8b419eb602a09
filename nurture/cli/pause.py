"""`nurture pause` and `nurture resume`: stop all sending, or one campaign's, and go on."""

from __future__ import annotations

import rich_click as click

from nurture.cli.frame import project_directory


@click.command("pause")
@click.argument("campaign", required=False)
@click.option("--why", default="by hand", show_default=True, help="What `nurture status` will tell the next person.")
@click.pass_context
def pause(ctx: click.Context, campaign: str | None, why: str) -> None:
    """Stop all sending, or that of one CAMPAIGN, until `nurture resume`.

    Nothing is lost: emails wait, and those whose time has passed meanwhile are skipped, not sent in a burst.
    What is on its way to the provider this very moment is not called back.

    Example:

      nurture pause --why "the shop is down"

      nurture pause wake-up
    """
    from nurture.actions.stop import stop
    from nurture.core.errors import NotFound
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    if campaign and campaign not in opened.program.courses:
        known = ", ".join(opened.program.courses) or "none"
        raise NotFound(f"there is no campaign {campaign!r}; there are: {known}")
    stop(opened.database, why, campaign)
    print(f"{campaign or 'All sending'} is paused. `nurture resume{' ' + campaign if campaign else ''}` goes on.")


@click.command("resume")
@click.argument("campaign", required=False)
@click.pass_context
def resume(ctx: click.Context, campaign: str | None) -> None:
    """Go on sending after a pause.

    Example:

      nurture resume
    """
    from nurture.actions.stop import resume as go_on
    from nurture.wiring import open_project

    go_on(open_project(project_directory(ctx)).database, campaign)
    print(f"{campaign or 'Sending'} goes on.")
