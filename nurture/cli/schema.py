"""`nurture schema`: what editors need to complete campaign files."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from nurture.cli.frame import project_directory


@click.command("schema")
@click.option("--dir", "directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
              help="Where to write them. Without it: .nurture in the project.")  # fmt: skip
@click.pass_context
def command(ctx: click.Context, directory: Path | None) -> None:
    """Write JSON Schemas that let editors complete and check campaign files while you type.

    The first line of a campaign file tells the editor where the schema is:
    `# yaml-language-server: $schema=../.nurture/campaign.schema.json`

    Example:

      nurture schema
    """
    from nurture.files.schema import write_schemas

    for path in write_schemas(directory or project_directory(ctx) / ".nurture"):
        print(path)
