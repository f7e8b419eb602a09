"""What the checks find: a mistake at a path of a file, before its line and column are looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nurture.core.problem import Problem
from nurture.files.positions import Path, Positions


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake at `path`; `at_key` points at the key instead of the value."""

    path: Path
    rule: str
    message: str
    hint: str | None = None
    severity: str = "error"
    at_key: bool = False

    def problem(self, where: Positions) -> Problem:
        """The finding with its line and column."""
        place = where.key(self.path) if self.at_key else where.value(self.path)
        return Problem(where.path, place.line, place.column, self.rule, self.message, self.hint, self.severity)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the checks of one file may look at. `project` is the data of nurture.yaml, None where unreadable;
    `text` is the file as it is written, with its comments; `events` are those on which campaigns let people in."""

    data: Mapping[str, Any]
    project: Mapping[str, Any] | None = None
    templates: frozenset[str] = field(default_factory=frozenset)
    campaigns: frozenset[str] = field(default_factory=frozenset)
    text: str = ""
    events: frozenset[str] = field(default_factory=frozenset)

    @property
    def topics(self) -> frozenset[str] | None:
        """The project's topics, None where they cannot be known."""
        topics = (self.project or {}).get("topics")
        return frozenset(topics) if isinstance(topics, dict) else None
