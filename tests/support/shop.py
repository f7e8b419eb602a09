"""A new project with people in it, as the command line makes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nurture.cli.entry import run

HEAD = "email,first_name,source,consent,consent_source,consent_at\n"


def live_in(folder: Path, people: Sequence[str]) -> None:
    """Let people of those names into the project, and run it once. Nobody has had an email yet, whatever time it is."""
    rows = [f"{name}@example.com,{name.title()},newsletter,stories,form,2026-01-01\n" for name in people]
    listed = folder / "people.csv"
    listed.write_text(HEAD + "".join(rows))
    # At some times of day the first email would leave at once.
    for words in (["import", "contacts", str(listed)], ["pause"], ["run", "--once"], ["resume"]):
        assert run(["--project", str(folder), *words]) == 0
