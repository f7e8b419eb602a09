"""Showing problems: where, what, the line itself with a mark under the place, and what to write instead."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from nurture.core.problem import Problem

WIDEST = 110
LEVELS = {"error": "error", "warning": "warning", "note": "notice"}
"""What a workflow of GitHub calls the severities."""

__all__ = ["Problem", "annotation", "count", "show", "show_all"]


def _printable(text: str) -> str:
    """`text` with nothing in it that could move a terminal's cursor or colours."""
    return "".join(char if char.isprintable() or char == " " else "�" for char in text.replace("\t", " "))


def _width(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def _cut(line: str, column: int) -> tuple[str, int]:
    """A long line cut to what stands around `column` (from 1), and the column in that."""
    if len(line) <= WIDEST:
        return line, column
    start = max(0, min(column - 1 - WIDEST // 2, len(line) - WIDEST))
    head, tail = "…" if start else "", "…" if start + WIDEST < len(line) else ""
    return head + line[start : start + WIDEST] + tail, column - start + len(head)


def _excerpt(problem: Problem, text: str) -> list[str]:
    lines = text.removeprefix("\ufeff").split("\n")
    if not 1 <= problem.line <= len(lines):
        return []
    line, column = _cut(_printable(lines[problem.line - 1].rstrip("\r")), problem.column)
    number = f"{problem.line:>5} | "
    return [number + line, " " * (len(number) - 2) + "| " + " " * _width(line[: column - 1]) + "^"]


def show(problem: Problem, files: Mapping[str, str]) -> str:
    """The problem as lines of text: `file:line:col: error[rule]: message`, the source line, a mark, the hint."""
    head = f"{problem.path}:{problem.line}:{problem.column}: {problem.severity}[{problem.rule}]: {problem.message}"
    lines = [_printable(head), *_excerpt(problem, files.get(problem.path, ""))]
    if problem.hint:
        lines.append("      = " + _printable(problem.hint))
    return "\n".join(lines)


def show_all(problems: Iterable[Problem], files: Mapping[str, str]) -> str:
    """All of them, with an empty line between."""
    return "\n\n".join(show(problem, files) for problem in problems)


def annotation(problem: Problem, folder: str = "") -> str:
    """The problem as a workflow command of GitHub, which shows it at its line of a pull request.

    `folder` is where the project lies in the repository. Source: docs.github.com, "Workflow commands for GitHub
    Actions"; what would end a value is escaped as its runner does.
    """
    path = f"{folder}/{problem.path}" if folder else problem.path
    places = {"file": path, "line": problem.line, "col": problem.column, "title": f"nurture: {problem.rule}"}
    said = ",".join(f"{key}={_escaped(str(value), ',:')}" for key, value in places.items())
    text = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
    return f"::{LEVELS[problem.severity]} {said}::{_escaped(text)}"


def _escaped(text: str, more: str = "") -> str:
    for char in "%\r\n" + more:
        text = text.replace(char, f"%{ord(char):02X}")
    return text


def count(problems: Iterable[Problem]) -> str:
    """How many there are: "2 errors, 1 warning", or "no problems"."""
    kinds = [problem.severity for problem in problems]
    told = [(kinds.count(kind), kind) for kind in ("error", "warning", "note") if kind in kinds]
    return ", ".join(f"{number} {kind}{'s' if number > 1 else ''}" for number, kind in told) or "no problems"
