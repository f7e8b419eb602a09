"""`nurture check`: every mistake in the project's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from nurture.cli.frame import console, emit, json_option, project_directory


@click.command("check")
@json_option
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="How to print; github marks the lines of a pull request.",
)
@click.pass_context
def command(ctx: click.Context, as_json: bool, style: str) -> None:
    """Find every mistake in the project's files, at its line and with the nearest right word.

    Reads nurture.yaml, campaigns/ and templates/emails/, and compiles every email in every language.
    Nothing is changed and nothing is sent. Ends with 1 if there is an error, with 0 if there are only warnings.

    Example:

      nurture check

      nurture --project shop check --json

      nurture check --format github
    """
    from nurture.actions.check import check
    from nurture.files.problems import annotation, count, show_all

    directory = project_directory(ctx)
    checked = check(directory)
    told: dict[str, Any] = {
        "ok": not checked.errors,
        "campaigns": [campaign.name for campaign in checked.campaigns],
        "broken": sorted(checked.broken),
        "problems": checked.problems,
    }

    def human(_: object) -> None:
        if style == "github":
            folder = _in_repository(directory)
            print("".join(annotation(problem, folder) + "\n" for problem in checked.problems), end="")
        elif checked.problems:
            console().print(show_all(checked.problems, checked.loaded.files) + "\n", soft_wrap=True)
        right, files = len(checked.campaigns), len(checked.campaigns) + len(checked.broken)
        print(f"{count(checked.problems)}; {right} of {files} campaigns can run, with {len(checked.emails)} emails")

    emit(told, as_json or style == "json", human)
    if checked.errors:
        ctx.exit(1)


def _in_repository(directory: Path) -> str:
    """The folder as the repository around it names it; empty for its top, and where there is no repository."""
    here = directory.resolve()
    top = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    return "" if here == top else here.relative_to(top).as_posix()
