"""`nurture check`: every mistake in the project's files."""

from __future__ import annotations

from typing import Any

import rich_click as click

from nurture.cli.frame import console, emit, json_option, project_directory


@click.command("check")
@json_option
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@click.pass_context
def command(ctx: click.Context, as_json: bool, style: str) -> None:
    """Find every mistake in the project's files, at its line and with the nearest right word.

    Reads nurture.yaml, campaigns/ and templates/emails/, and compiles every email in every language.
    Nothing is changed and nothing is sent. Ends with 1 if there is an error, with 0 if there are only warnings.

    Example:

      nurture check

      nurture --project shop check --json
    """
    from nurture.actions.check import check
    from nurture.files.problems import count, show_all

    checked = check(project_directory(ctx))
    told: dict[str, Any] = {
        "ok": not checked.errors,
        "campaigns": [campaign.name for campaign in checked.campaigns],
        "broken": sorted(checked.broken),
        "problems": checked.problems,
    }

    def human(_: object) -> None:
        if checked.problems:
            console().print(show_all(checked.problems, checked.loaded.files) + "\n", soft_wrap=True)
        right, files = len(checked.campaigns), len(checked.campaigns) + len(checked.broken)
        print(f"{count(checked.problems)}; {right} of {files} campaigns can run, with {len(checked.emails)} emails")

    emit(told, as_json or style == "json", human)
    if checked.errors:
        ctx.exit(1)
