"""What the YAML parser could not read, said for the person who wrote the line."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml.error import YAMLError
from ruamel.yaml.reader import ReaderError

from nurture.core.problem import Problem

QUOTE = 'put the whole text in quotes, like "…"'
NO_SPACE = re.compile(r"\s*(?:- )?([\w-]+):(?=[^\s/])")
Said = tuple[int, int, str, str | None]


def explain(path: str, text: str, error: YAMLError) -> Problem:
    """The parser's error as a problem: line and column from 1, what is wrong, what to write instead."""
    line, column, message, hint = _said(text.splitlines() or [""], text, error)
    return Problem(path, line, column, "yaml", message, hint)


def _said(lines: list[str], text: str, error: Any) -> Said:
    if isinstance(error, ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return line, column, f"the character {error.character:#06x} cannot stand in a file", "take it out"
    line, column = _at(error.problem_mark or error.context_mark)
    problem = error.problem or ""
    if problem.startswith("could not find expected ':'"):
        line, _ = _at(error.context_mark or error.problem_mark)
        return _glued(lines, line) or _no_colon(lines, line)
    if problem.startswith("mapping values are not allowed"):
        return _colon(lines, line, column)
    for words, said in _TABLE:
        if words in problem or words in (error.context or ""):
            return said(error, line, column)
    return (
        line,
        column,
        f"YAML cannot be read here: {problem}",
        "look at the indentation, colons and quotes around it",
    )


def _at(mark: Any) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _colon(lines: list[str], line: int, column: int) -> Said:
    """A colon where no key can be: inside a text, below a line without one, or indented too far."""
    here = lines[line - 1] if line <= len(lines) else ""
    if ": " in here[: column - 1] or here[: column - 1].rstrip().endswith(":"):
        return line, column, "a second ': ' stands in this value", _quoted(here)
    above = next((at for at in range(line - 1, 0, -1) if lines[at - 1].strip()), 0)
    glued = _glued(lines, above)
    if glued:
        return glued
    if above and ":" not in lines[above - 1]:
        return _no_colon(lines, above)
    indent = len(here) - len(here.lstrip()) + 1
    return (
        line,
        indent,
        "this line is indented further than the one above it allows",
        "line its first letter up",
    )


def _quoted(line: str) -> str:
    """The line's whole value in quotes, where it has none of its own and no comment behind it."""
    value = line.partition(": ")[2].strip()
    return f'put the whole text in quotes: "{value}"' if value and not re.search(r'["#{}\[\]]', value) else QUOTE


def _glued(lines: list[str], line: int) -> Said | None:
    """'key:value' without the space that would make it a key."""
    match = NO_SPACE.match(lines[line - 1]) if line else None
    if not match:
        return None
    return line, match.end(), "a space is missing after the colon", f"write '{match[1]}: …'"


def _no_colon(lines: list[str], line: int) -> Said:
    words = lines[line - 1] if line <= len(lines) else ""
    first = words.strip().split(" ")[0][:30]
    start = len(words) - len(words.lstrip()) + 1
    return line, start, "this line is not a key with a value", f"write '{first}: …' or remove it"


def _block_end(error: Any, line: int, column: int) -> Said:
    found = error.problem
    if "'<scalar>'" in found:
        return line, column, "something follows the end of a quoted or bracketed value", QUOTE
    if "block sequence start" in found or found.endswith("'-'"):
        return line, column, "a list item stands among keys", "give the list a key of its own, or indent it"
    if found.endswith("'?'") or "'<key>'" in found:
        return (
            line,
            column,
            "a key stands among list items",
            "indent it below its item, or give it a place of its own",
        )
    if re.search(r"'[\]}]'", found):
        return line, column, "a bracket closes here that was not opened", "take it out"
    return (
        line,
        column,
        "the indentation of this line fits no line above it",
        "line its first letter up with its neighbours",
    )


def _opened(error: Any, line: int, column: int) -> Said:
    at = _at(error.context_mark) if error.context_mark else (line, column)
    kind = ("[", "]") if "sequence" in (error.context or "") else ("{", "}")
    return *at, f"the '{kind[0]}' that opens here is not closed", f"add '{kind[1]}' or the missing comma"


def _unfinished(error: Any, line: int, column: int) -> Said:
    at = _at(error.context_mark) if error.context_mark else (line, column)
    return *at, "the quote that opens here is never closed", "close it on the same line"


def _bad_start(error: Any, line: int, column: int) -> Said:
    found = re.search(r"character '(.+?)'", error.problem or "")
    return line, column, f"a value cannot begin with {found[1] if found else 'this'}", QUOTE


def _escape(error: Any, line: int, column: int) -> Said:
    hint = "write \\\\ for a backslash, or use 'single quotes'"
    return line, column, "a backslash in double quotes begins an escape that YAML does not know", hint


def _star(error: Any, line: int, column: int) -> Said:
    at = _at(error.context_mark) if error.context_mark else (line, column)
    return *at, "a value that begins with * or & must be in quotes", QUOTE


def _no_node(error: Any, line: int, column: int) -> Said:
    return (
        line,
        column,
        "a value is missing here, or a bracket is not closed",
        "write the value, or close the bracket",
    )


def _margin(error: Any, line: int, column: int) -> Said:
    return line, column, "this line is not indented like the first one", "begin every top key at the margin"


_TABLE = (
    ("expected '<document start>'", _margin),
    ("expected <block end>", _block_end),
    ("expected ',' or", _opened),
    ("while scanning a quoted scalar", _unfinished),
    ("unexpected end of stream", _unfinished),
    ("that cannot start any token", _bad_start),
    ("unknown escape", _escape),
    ("expected escape sequence", _escape),
    ("while scanning an alias", _star),
    ("while scanning an anchor", _star),
    ("expected the node content", _no_node),
)
