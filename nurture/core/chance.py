"""Stable chance: what falls to a contact by lot falls to it again, whatever else changes."""

from __future__ import annotations

import math
from collections.abc import Mapping

from nurture.core.ids import stable_share

BELOW_ONE = math.nextafter(1, 0)


def choose(shares: Mapping[str, float], salt: str, *names: str) -> str:
    """One of `shares` (id and weight), as often as its share, always the same for these names.

    Each id draws a lot of its own and the best lot wins (weighted rendezvous hashing, Thaler and Ravishankar 1998):
    a new id takes from each of the others what it needs, and nobody else is moved; an id that goes moves only its own.
    Raises ValueError where no id has a share.
    """
    lots = {name: _lot(share, salt, *names, name) for name, share in shares.items() if share > 0}
    if not lots:
        raise ValueError("there is nothing to choose from")
    return min(lots, key=lambda name: (lots[name], name))


def _lot(share: float, *names: str) -> float:
    # Exponential times with the shares as rates: the first of them is each id's with exactly its share.
    return -math.log1p(-min(stable_share(*names), BELOW_ONE)) / share
