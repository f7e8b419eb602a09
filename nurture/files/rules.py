"""Where a rule of a published campaign stands: its file, line and column, and the version it was published in."""

from __future__ import annotations

from dataclasses import dataclass

from nurture.files.folder import CAMPAIGNS
from nurture.files.positions import Path, Positions
from nurture.files.tree import read

STEPS = ("steps", "then", "else")
"""The lists that hold steps, however deep."""


@dataclass(frozen=True, slots=True)
class Written:
    """A place in a file, line and column from 1; `version` is the release it was read from, None where none is."""

    path: str
    line: int
    column: int
    version: int | None = None
    digest: str | None = None

    def __str__(self) -> str:
        version = f" (version {self.version}, {self.digest})" if self.version is not None else ""
        return f"{self.path}:{self.line}{version}"


class Rules:
    """Finds the rules of one campaign in its file; `release` is the id and the digest of the version they are of."""

    def __init__(self, campaign: str, text: str, release: tuple[int, str] | None = None) -> None:
        self.path = f"{CAMPAIGNS}/{campaign}.yaml"
        root, _ = read(self.path, text)
        self._positions = Positions(root, self.path) if root else None
        self._release = (release[0], release[1][:7]) if release else (None, None)

    def at(self, *path: str | int) -> Written | None:
        """Where the key or item at `path` stands, or as much of it as the file spells out; None without its first."""
        if self._positions is None:
            return None
        found = self._positions.real(path)
        if not path or found[:1] != path[:1]:
            return None
        place = self._positions.key(found)
        return Written(self.path, place.line, place.column, *self._release)

    def step(self, name: str) -> Path | None:
        """The path of the step of that id."""
        if self._positions is None:
            return None
        for path, node in self._positions.root.walk():
            if path[-1:] == ("id",) and len(path) > 2 and path[-3] in STEPS and node.value == name:
                return path[:-1]
        return None
