"""Which addresses come several times in a file, told in one quick reading and bounded memory."""

from __future__ import annotations

from collections.abc import Mapping

from nurture.actions.addresses import read_address
from nurture.actions.importing import Job, match_columns
from nurture.core.errors import InputError
from nurture.files.tabular import Row

A_FEW = 2**20
"""Bits for as many texts as one request brings."""


class Seen:
    """Remembers which texts it has met in 16 MB, however many they are; now and then it takes a new one for an old.

    Fewer `bits` do for a few texts.
    """

    def __init__(self, bits: int = 2**27) -> None:
        self._size = bits
        self._bits = bytearray(bits // 8)

    def meet(self, text: str) -> bool:
        """Whether `text` was met before (never no, if it was); it is from now on."""
        mixed = hash(text)
        first, second = mixed % self._size, (mixed >> 32) % self._size
        bits = self._bits
        met = (bits[first >> 3] >> (first & 7)) & (bits[second >> 3] >> (second & 7)) & 1
        if not met:
            bits[first >> 3] |= 1 << (first & 7)
            bits[second >> 3] |= 1 << (second & 7)
        return met == 1


class Keys:
    """Reads the addresses of a file, and nothing else."""

    def __init__(self, job: Job, aliases: Mapping[str, str]) -> None:
        self._job, self._aliases = job, aliases
        self._places: dict[tuple[str, ...], int | None] = {}

    def of(self, row: Row) -> str | None:
        """The key of a row's address; None where it has none that can be used."""
        if row.names not in self._places:
            self._places[row.names] = self._place(row.names)
        place = self._places[row.names]
        if place is None or place >= len(row.cells):
            return None
        cell = row.cells[place]
        return quick_key(cell.strip()) if type(cell) is str else None

    def repeated(self) -> set[str]:
        """The normalised addresses that come several times, and perhaps a few others."""
        seen = Seen() if self._job.bulk else Seen(A_FEW)
        return {key for row in self._job.table.rows() if (key := self.of(row)) and seen.meet(key)}

    def _place(self, names: tuple[str, ...]) -> int | None:
        try:
            matched = match_columns(names, self._aliases, self._job.mapping)
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
