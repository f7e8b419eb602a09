"""`nurture fmt`: one layout for all files."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from nurture.cli.frame import console, emit, json_option, project_directory

if TYPE_CHECKING:
    from nurture.actions.fmt import Formatted


@click.command("fmt")
@click.argument("files", metavar="[FILES]...", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--check", is_flag=True, help="Write nothing; end with 1 if a file is not laid out so.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@json_option
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...], check: bool, diff: bool, as_json: bool) -> None:
    """Lay out campaign files and nurture.yaml in one way; comments stay, and so does what the files say.

    Keys stand in the order of the documentation, values in one spelling, lists and quotes in one style. A file that
    cannot be read is left alone, and so is one that would come to say something else; then it ends with 1.

    Example:

      nurture fmt

      nurture fmt --check --diff campaigns/wake-up.yaml
    """
    from nurture.actions.fmt import fmt, write

    directory = project_directory(ctx)
    found = fmt(directory, files)
    for one in found:
        if one.changed and not (check or diff):
            write(directory, one)
    told: dict[str, Any] = {
        "changed": [one.path for one in found if one.changed],
        "unchanged": [one.path for one in found if not one.changed and not one.problems],
        "problems": [problem for one in found for problem in one.problems],
    }
    emit(told, as_json, lambda _: _show(found, written=not (check or diff), diff=diff))
    if told["problems"] or (check and told["changed"]):
        ctx.exit(1)


def _show(found: list[Formatted], written: bool, diff: bool) -> None:
    from nurture.files.problems import show_all

    for one in found:
        if one.changed and diff:
            lines = unified_diff(one.before.splitlines(), one.after.splitlines(), one.path, one.path, lineterm="")
            print(*lines, sep="\n")
        elif one.changed:
            print(f"{'laid out' if written else 'would be laid out'}: {one.path}")
        if one.problems:
            console().print(show_all(one.problems, {one.path: one.before}) + "\n", soft_wrap=True)
    changed, left = sum(one.changed for one in found), sum(bool(one.problems) for one in found)
    right = len(found) - changed - left
    print(f"{changed} {'laid out' if written else 'to lay out'}, {right} as they should be, {left} left alone")
