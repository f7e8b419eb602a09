"""Lay files out canonically, without changing what they say."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from pydantic import BaseModel, ValidationError

from nurture.core.errors import InputError
from nurture.core.problem import Problem
from nurture.files.folder import scan
from nurture.files.languages import KINDS, Kind, kind_of
from nurture.files.layout import laid_out
from nurture.files.positions import Node, Positions
from nurture.files.tree import read
from nurture.files.written import comments


@dataclass(frozen=True, slots=True)
class Formatted:
    """One file by its path below the project: its text, its canonical text, and what forbids to lay it out."""

    path: str
    before: str
    after: str
    problems: tuple[Problem, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the file is not canonical."""
        return self.before != self.after


def fmt(directory: Path, names: Sequence[Path] = ()) -> list[Formatted]:
    """The canonical form of the project's YAML files, or of those named; nothing is written.

    Raises InputError where a named file is none that can be laid out.
    """
    files, problems = scan(directory)
    texts = {path: text for path, text in files.items() if kind_of(path)}
    wanted = [_named(directory, name, texts) for name in names] if names else sorted(texts)
    unread = [problem for problem in problems if kind_of(problem.path) and not names]
    return [
        *(Formatted(problem.path, "", "", (problem,)) for problem in unread),
        *(formatted(path, texts[path]) for path in wanted),
    ]


def _named(directory: Path, name: Path, texts: Iterable[str]) -> str:
    path = name.resolve()
    below = path.relative_to(directory.resolve()).as_posix() if path.is_relative_to(directory.resolve()) else ""
    if below not in texts:
        kinds = " and ".join(kind.pattern for kind in KINDS)
        raise InputError(f"{name} is no file that can be laid out; name some of {kinds}, or none for all of them")
    return below


def formatted(path: str, text: str) -> Formatted:
    """The canonical form of one file; its own text where it cannot be read, or would come to say something else."""
    kind = kind_of(path)
    root, problems = read(path, text)
    if root is None or problems or kind is None:
        return Formatted(path, text, text, tuple(problems))
    meant = _meant(kind, root)
    after = laid_out(text, kind.model, spell=meant is not None)
    again, problems = read(path, after)
    if again is not None and not problems and _same(root, again, kind, meant) and _kept(text, after):
        return Formatted(path, text, after)
    return Formatted(path, text, text, (_refusal(path, root, again),))


def _meant(kind: Kind, root: Node) -> BaseModel | None:
    """What the model makes of the file; None where it refuses it."""
    hidden = {key: "x" for key, field in kind.model.model_fields.items() if field.exclude}
    try:
        return kind.model.model_validate({**hidden, **root.data()}, by_alias=True, by_name=False)
    except ValidationError:
        return None


def _same(root: Node, again: Node, kind: Kind, meant: BaseModel | None) -> bool:
    return root.data() == again.data() if meant is None else _meant(kind, again) == meant


def _kept(before: str, after: str) -> bool:
    return sorted(comments(before)) == sorted(comments(after))


def _refusal(path: str, root: Node, again: Node | None) -> Problem:
    """Names the first place at which laying it out would have changed something."""
    found = next((at for at, node in root.walk() if again is None or _at(again, at) != node.data()), ())
    place = Positions(root, path).value(found)
    message = "laid out, the file would say something else here, so it is left as it is"
    return Problem(path, place.line, place.column, "layout", message, "write this place more simply")


def _at(root: Node, path: Sequence[Any]) -> Any:
    node: Node | None = root
    for element in path:
        node = node.child(element) if node else None
    return node.data() if node else None


def write(directory: Path, one: Formatted) -> None:
    """Put the canonical text in place of the file at once; its line ends and its rights stay as they are."""
    path = (directory / one.path).resolve()
    ends = "\r\n" if b"\r\n" in path.read_bytes() else "\n"
    with NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8", newline=ends
    ) as file:
        file.write(one.after)
    shutil.copymode(path, file.name)
    Path(file.name).replace(path)
