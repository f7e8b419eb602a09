"""The mistakes of this folder's files: a sound project with one thing changed, and what must be said of it.

In a file of mistakes, `was` becomes `now` in `file`, or `now` is the whole of a new file; ☞ stands where the problem
must point and is no part of the file. `also` changes more, `gone` takes files away, and `at` is a place that the
change does not show; `times` says how often `now` is written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nurture.actions.check import check_files
from nurture.core.problem import Problem
from nurture.files.folder import read_folder

HERE = Path(__file__).parent
MARK = "☞"
FILES = ("campaigns.toml", "project.toml", "templates.toml")


@dataclass(frozen=True)
class Mistake:
    """One mistake: the project's files with it, where it is, and what must be said."""

    name: str
    rule: str
    severity: str
    suggests: str
    path: str
    line: int
    column: int
    files: dict[str, str]


@dataclass(frozen=True)
class Score:
    """What check said of a mistake, and what of that was right."""

    mistake: Mistake
    problem: Problem | None
    others: tuple[Problem, ...]

    @property
    def line(self) -> bool:
        """Whether the mistake is found, as what it is, at its line."""
        return self.problem is not None

    @property
    def column(self) -> bool:
        """Whether the mark stands under the very place."""
        return self.problem is not None and self.problem.column == self.mistake.column

    @property
    def suggestion(self) -> bool:
        """Whether the right word is offered first; where none is near, none is pretended."""
        hint = (self.problem.hint or "") if self.problem else ""
        meant = re.search(r"did you mean (.+)\?", hint)
        offered = meant[1].strip("'") if meant else ""
        wanted = self.mistake.suggests
        return self.problem is not None and (offered == wanted if meant else wanted in hint)


def mistakes() -> list[Mistake]:
    """Every mistake that is written down."""
    sound = read_folder(HERE / "project")
    return [_mistake(one, sound) for name in FILES for one in _read(name)]


def _read(name: str) -> Iterator[dict[str, Any]]:
    yield from tomllib.loads((HERE / name).read_text())["mistake"]


def _mistake(said: dict[str, Any], sound: dict[str, str]) -> Mistake:
    files, places = dict(sound), []
    for change in (said, *said.get("also", ())):
        path = change["file"]
        text = _changed(files.get(path, ""), change, said["name"])
        if MARK in text:
            before = text[: text.index(MARK)]
            places.append((path, before.count("\n") + 1, len(before) - before.rfind("\n")))
        files[path] = text.replace(MARK, "")
    for path in said.get("gone", ()):
        del files[path]
    path, line, column = places[0] if places else (said["file"], *said["at"])
    return Mistake(
        said["name"], said["rule"], said.get("severity", "error"), said["suggests"], path, line, column, files
    )


def _changed(text: str, change: dict[str, Any], name: str) -> str:
    was = change.get("was")
    if was is None:
        return str(change["now"])
    was = was.removeprefix("\n") if was.count("\n") > 1 else was
    assert text.count(was) == 1, f"{name}: {was!r} stands {text.count(was)} times in {change['file']}"
    return text.replace(was, change["now"] * change.get("times", 1))


def score(mistake: Mistake) -> Score:
    """What check says of the project with this mistake in it."""
    problems = check_files(mistake.files).problems
    found = [one for one in problems if _same(one, mistake)]
    best = min(found, key=lambda one: one.column != mistake.column, default=None)
    return Score(mistake, best, tuple(one for one in problems if one is not best))


def _same(problem: Problem, mistake: Mistake) -> bool:
    said = (problem.path, problem.line, problem.rule, problem.severity)
    return said == (mistake.path, mistake.line, mistake.rule, mistake.severity)
