"""Tables fit the terminal that shows them."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

SHOWN = """
from nurture.cli.frame import table
table([("get hello", 13, "ada.lovelace@example.com, grace.hopper@example.com")], ("welcome", "Sun 22", "for example"),
      spare="for example")
"""


def lines_at(width: int) -> list[str]:
    """What a terminal of that width is shown."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(width), "NO_COLOR": "1", "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", SHOWN], stdout=theirs, env=environment, check=True, timeout=60)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", shown).split("\r\n") if line.strip()]


def test_a_wide_terminal_shows_all_of_a_table() -> None:
    assert lines_at(120)[-1] == "get hello       13   ada.lovelace@example.com, grace.hopper@example.com"


def test_a_narrow_one_cuts_the_column_that_can_be_spared() -> None:
    assert lines_at(50)[-1] == "get hello       13   ada.lovelace@example.com, gr…"


def test_a_very_narrow_one_leaves_it_out_and_wraps_the_names_of_the_others() -> None:
    shown = lines_at(24)
    assert shown[-1] == "get hello    13"
    assert [line.split() for line in shown[:2]] == [["Sun"], ["welcome", "22"]]
