"""Where the command line begins, and with which exit code it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from click.exceptions import Abort, ClickException

from nurture.cli import failures
from nurture.cli.commands import nurture


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code: 0, 1, 2, 70 or 130 (`nurture --help` says what they mean)."""
    code = _run(arguments)
    try:
        # What is still to be written is written here, where a reader that has left is no mistake.
        sys.stdout.flush()
    except BrokenPipeError:
        failures.quiet()
        return failures.BROKEN_PIPE
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        result = nurture.main(list(arguments), prog_name="nurture", standalone_mode=False)
        return result if isinstance(result, int) and not isinstance(result, bool) else 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except ClickException as error:
        error.show()
        return error.exit_code
    except (Abort, KeyboardInterrupt):
        print("Interrupted.", file=sys.stderr)
        return failures.INTERRUPTED
    except Exception as error:
        if failures.debugging():
            raise
        return failures.crashed(error)
