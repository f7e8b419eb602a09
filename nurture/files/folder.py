"""The files of a project folder, read within limits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from nurture.core.errors import ProjectError
from nurture.core.problem import Problem

MAX_BYTES = 256 * 1024
MAX_FILES = 5000
PROJECT = "nurture.yaml"
PERSONAS = "personas.yaml"
CAMPAIGNS = "campaigns"
SCENARIOS = "campaigns/tests"
TEMPLATES = "templates/emails"
KINDS = {CAMPAIGNS: (".yaml", ".yml"), TEMPLATES: (".html", ".mjml", ".txt")}


def is_campaign(path: str) -> bool:
    """Whether a file of the project is, or is meant to be, a campaign."""
    return path.startswith(f"{CAMPAIGNS}/") and not path.startswith(f"{SCENARIOS}/")


def _below(directory: Path, folder: str) -> Iterator[Path]:
    """Files of the folder's kinds, in order of name; hidden ones and editors' copies are passed over."""
    for root, folders, names in os.walk(directory / folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(KINDS[folder]) and not name.startswith((".", "#")):
                yield Path(root) / name


def _read(path: Path, name: str, directory: Path) -> tuple[str | None, Problem | None]:
    def wrong(rule: str, message: str, hint: str, line: int = 1, column: int = 1) -> tuple[None, Problem]:
        return None, Problem(name, line, column, rule, message, hint)

    if not path.resolve().is_relative_to(directory):
        return wrong("outside", "this is a link to a file outside the project", "put a copy of the file here")
    if not path.is_file():
        return wrong("unreadable", "this is not a file", "put a file here, or remove it")
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        return wrong("unreadable", f"the file cannot be read: {error.strerror}", "check its rights")
    if len(raw) > MAX_BYTES:
        return wrong("size", f"the file is larger than {MAX_BYTES // 1024} kB", "make it smaller")
    try:
        return raw.decode("utf-8").replace("\r\n", "\n"), None
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return wrong("encoding", "the file is not UTF-8 from here on", "save it as UTF-8", line, column)


def scan(directory: Path) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """The texts of the project's files by their path below `directory`, and the files that cannot be used."""
    directory = directory.resolve()
    files: dict[str, str] = {}
    problems: list[Problem] = []
    found = [directory / name for name in (PROJECT, PERSONAS) if os.path.lexists(directory / name)]
    found += [path for folder in KINDS for path in _below(directory, folder)]
    for path in found[:MAX_FILES]:
        name = path.relative_to(directory).as_posix()
        text, problem = _read(path, name, directory)
        if problem is not None:
            problems.append(problem)
        elif text is not None:
            files[name] = text
    if len(found) > MAX_FILES:
        message = f"the project has more than {MAX_FILES} files"
        problems.append(Problem(PROJECT, 1, 1, "size", message, "split it into several projects"))
    return files, tuple(problems)


def read_folder(directory: Path) -> dict[str, str]:
    """The texts of "nurture.yaml", "personas.yaml", "campaigns/*.yaml" and "templates/emails/**", by path below it.

    Raises ProjectError for a file that is too large, not UTF-8, or a link out of the folder.
    """
    files, problems = scan(directory)
    if problems:
        raise ProjectError(problems)
    return files
