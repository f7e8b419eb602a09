"""The command line: parse, call an action, print."""

from __future__ import annotations

import sys


def main() -> None:
    """The `nurture` command."""
    from nurture.cli.entry import run

    sys.exit(run(sys.argv[1:]))
