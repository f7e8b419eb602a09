"""`nurture init`: a new project."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import rich_click as click


@click.command("init")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def command(directory: Path) -> None:
    """Make a new project in DIR that works at once.

    It has a nurture.yaml, campaigns with their emails in English and Turkish, sample contacts and purchases,
    and a .env with a fresh key. A file that stands there already is never overwritten.

    Example:

      nurture init shop && cd shop && nurture check
    """
    from nurture.files.schema import write_schemas
    from nurture.scaffold import init

    written = init(directory, datetime.now(UTC).date())
    write_schemas(directory / ".nurture")
    print(f"{len(written)} files in {directory}. Next:\n")
    print(f"  cd {directory}\n  nurture check\n  nurture import contacts samples/contacts.csv")
    print("  nurture plan\n  nurture run")
