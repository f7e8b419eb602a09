"""The garbage collector of a process that works on many rows, and keeps hardly any."""

from __future__ import annotations

import gc

YOUNG = 20_000
"""So many objects more than were let go of, and the young ones are looked through; Python's own 700 are 100 rows."""


def calm() -> None:
    """Look for cycles seldom, and never among what is there now: a seventh of the work of a send is saved.

    For the start of a process that goes on; what was imported until then is never let go of.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
