"""The command line: parse, call an action, print."""

from __future__ import annotations

import sys


def main() -> None:
    """The `nurture` command."""
    from nurture.cli.frame import run

    sys.exit(run(sys.argv[1:]))
