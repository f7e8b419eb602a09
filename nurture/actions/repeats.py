"""Which addresses come several times in a file, told in one quick reading and bounded memory."""

from __future__ import annotations

from collections.abc import Mapping

from nurture.actions.importing import Job, match_columns, read_address
from nurture.core.errors import InputError


class Seen:
    """Remembers which texts it has met in 16 MB, however many they are; now and then it takes a new one for an old."""

    _BITS = 2**27

    def __init__(self) -> None:
        self._bits = bytearray(self._BITS // 8)

    def meet(self, text: str) -> bool:
        """Whether `text` was met before (never no, if it was); it is from now on."""
        mixed = hash(text)
        first, second = mixed % self._BITS, (mixed >> 32) % self._BITS
        bits = self._bits
        met = (bits[first >> 3] >> (first & 7)) & (bits[second >> 3] >> (second & 7)) & 1
        if not met:
            bits[first >> 3] |= 1 << (first & 7)
            bits[second >> 3] |= 1 << (second & 7)
        return met == 1


def repeated_keys(job: Job, aliases: Mapping[str, str]) -> set[str]:
    """The normalised addresses that come several times, and perhaps a few others."""
    seen = Seen()
    found: set[str] = set()
    places: dict[tuple[str, ...], int | None] = {}
    for row in job.table.rows():
        names = row.names
        if names not in places:
            places[names] = _address_place(job, names, aliases)
        place = places[names]
        if place is None or place >= len(row.cells):
            continue
        cell = row.cells[place]
        if type(cell) is str and (key := quick_key(cell.strip())) and seen.meet(key):
            found.add(key)
    return found


def _address_place(job: Job, names: tuple[str, ...], aliases: Mapping[str, str]) -> int | None:
    try:
        matched = match_columns(names, aliases, job.mapping)
    except InputError:
        return None
    return next((place for place, wanted, _ in matched if wanted == "email"), None)


def quick_key(text: str) -> str | None:
    """The key of an address that need not be validated yet; None for what surely is no address."""
    if text.isascii() and '"' not in text:
        return text.lower()
    try:
        return read_address(text)[1]
    except ValueError:
        return None
