"""`nurture diagram`: a campaign as a picture."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from nurture.cli.frame import project_directory


@click.command("diagram")
@click.argument("campaign")
@click.option("--format", "style", type=click.Choice(["mermaid", "svg"]), default="mermaid", show_default=True,
              help="Text for Mermaid, or a picture.")  # fmt: skip
@click.option("--counts", is_flag=True, help="With who stands at each step now, and how many left, by reason.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write it into FILE.")
@click.pass_context
def command(ctx: click.Context, campaign: str, style: str, counts: bool, out: Path | None) -> None:
    """Draw a campaign: its steps in order, its branches, how people come in.

    Without --counts it is drawn from its file; with it, from the version that runs and the database, which is only
    read. Ends with 1 where there is no such campaign, or no database to count in.

    Example:

      nurture diagram wake-up

      nurture diagram wake-up --format svg --counts --out wake-up.svg
    """
    from nurture.actions.diagram import diagram
    from nurture.actions.mermaid import mermaid
    from nurture.actions.svg import svg
    from nurture.cli.report import running
    from nurture.core.errors import InputError
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    if counts and opened.original is None:
        raise InputError("there is nobody to count yet: 'nurture run' makes the database")
    program = running(opened) if counts else opened.program
    drawn = diagram(program, campaign, opened.database if counts else None)
    text = mermaid(drawn, counts) if style == "mermaid" else svg(drawn, counts)
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, encoding="utf-8")
        print(out)
