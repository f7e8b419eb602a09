"""YAML text to a tree with positions.

The parser's events are read one by one, so that what could grow without bound (aliases, merge keys, depth)
is refused before anything is built from it. Plain words become null, true, false or a number only in the
spellings of the YAML 1.2 core schema: `10:00`, `NO`, `yes` and `2026-11-27` stay text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from nurture.core.problem import Problem
from nurture.files.positions import Entry, Node, Place
from nurture.files.yaml_errors import explain

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_VALUES = 5000
MAX_PROBLEMS = 50
NULL = frozenset({"", "~", "null", "Null", "NULL"})
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INTEGER = re.compile(r"[-+]?(0|[1-9]\d{0,17})")
DECIMAL = re.compile(r"[-+]?(0|[1-9]\d{0,17})?(\.\d{1,30})?([eE][-+]?\d{1,2})?")
UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")


def scalar(text: str) -> Any:
    """What a plain word means. A number with a leading zero stays text: it is a code, not a count."""
    if text in NULL:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    if any(sign in text for sign in ".eE") and text[-1].isdigit() and DECIMAL.fullmatch(text):
        return float(text) if re.search(r"\d", text.lower().partition("e")[0]) else text
    return text


class _Stop(Exception):
    """Nothing after this point can be read."""


class _Reader:
    """Builds the tree of one file and notes what is not allowed in it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.values = 0
        self.events = YAML(typ="safe", pure=True).parse(text)

    def note(self, place: Place, rule: str, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(self.path, place.line, place.column, rule, message, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                self._document_start(event, root)
            elif isinstance(event, NodeEvent):
                root = self.node(event, 0)
        return root

    def _document_start(self, event: DocumentStartEvent, root: Node | None) -> None:
        if root is not None:
            self.note(_place(event), "yaml", "a second document begins here", "one file holds one; remove the '---'")
            raise _Stop
        if event.version or event.tags:
            self.note(_place(event), "yaml", "directives are not read", "remove the line that begins with '%'")

    def node(self, event: Event, depth: int) -> Node:
        place = _place(event)
        if depth > MAX_DEPTH:
            self.note(place, "depth", f"this is nested more than {MAX_DEPTH} deep", "write it flatter")
            raise _Stop
        self.values += 1
        if self.values > MAX_VALUES:
            self.note(place, "size", f"the file has more than {MAX_VALUES} values", "split it into several files")
            raise _Stop
        self._plain(event, place)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, place)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(place, depth)
        if isinstance(event, MappingStartEvent):
            return self._mapping(place, depth)
        return Node(place, text="*")

    def _plain(self, event: Event, place: Place) -> None:
        """Refuses what YAML can and a campaign file need not: anchors, aliases, tags."""
        if isinstance(event, AliasEvent):
            hint = "write the value out; a text that begins with * goes in quotes"
            self.note(place, "alias", f"'*{event.anchor}' is an alias, and aliases are not read", hint)
        elif isinstance(event, NodeEvent) and event.anchor:
            hint = f"remove '&{event.anchor}'; a text that begins with & goes in quotes"
            self.note(place, "anchor", f"'&{event.anchor}' is an anchor, and anchors are not read", hint)
        elif tag := getattr(event, "tag", None):
            hint = "remove it; a text that begins with ! goes in quotes"
            self.note(place, "tag", f"'{tag}' is a YAML tag, and tags are not read", hint)

    def _scalar(self, event: ScalarEvent, place: Place) -> Node:
        text = str(event.value)
        found = UNSAFE.search(text)
        if found:
            self.note(place, "yaml", f"this text holds the control character {ord(found[0]):#06x}", "take it out")
        plain = event.style is None
        return Node(place, scalar(text) if plain else text, text)

    def _sequence(self, place: Place, depth: int) -> Node:
        items = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self.node(event, depth + 1))
        return Node(place, items=items)

    def _mapping(self, place: Place, depth: int) -> Node:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            key_place, key = _place(event), self._key(event, depth)
            value = self.node(next(self.events), depth + 1)
            if value.value is None and not value.text and value.items is None and value.entries is None:
                value.place = key_place  # the parser puts an empty value behind whatever comes next
            if key in entries:
                first = entries[key].place.line
                hint = f"it already stands in line {first}; keep one of them"
                self.note(key_place, "duplicate-key", f"the key '{key}' comes twice", hint)
            elif key is not None:
                entries[key] = Entry(key_place, value)
        return Node(place, entries=entries)

    def _key(self, event: Event, depth: int) -> str | None:
        node = self.node(event, depth + 1)
        if node.items is not None or node.entries is not None:
            hint = "a text that begins with '{' or '[' goes in quotes, such as \"{{ contact.first_name }}\""
            self.note(node.place, "yaml", "a key is one word", hint)
            return None
        if node.text == "<<":
            self.note(
                node.place,
                "merge-key",
                "'<<' merges another mapping, which is not read",
                "write the keys out",
            )
            return None
        return node.text


def _place(event: Event) -> Place:
    mark: Any = event.start_mark
    return Place(mark.line + 1, mark.column + 1)


def _tab(path: str, text: str) -> list[Problem]:
    """The first line that is indented with a tab."""
    for number, line in enumerate(text.splitlines(), 1):
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if "\t" in indent and line.strip():
            column = indent.index("\t") + 1
            message = "a tab stands where YAML wants spaces"
            return [Problem(path, number, column, "tab", message, "indent with two spaces for each level")]
    return []


def read(path: str, text: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a file's text, or None where it cannot be read, and every problem found on the way."""
    root, problems = _read(path, text)
    return root, list(problems)


@lru_cache(maxsize=256)
def _read(path: str, text: str) -> tuple[Node | None, Sequence[Problem]]:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024} kB"
        return None, [Problem(path, 1, 1, "size", message, "split it into several files")]
    tabs = _tab(path, text)
    if tabs:
        return None, tabs
    reader = _Reader(path, text)
    try:
        root = reader.document()
    except _Stop:
        return None, reader.problems
    except YAMLError as error:
        return None, [*reader.problems, explain(path, text, error)]
    if root is None or root.entries is None:
        blank = root is None or (root.items is None and root.entries is None and root.text == "")
        message = "the file is empty" if blank else "the file holds no keys"
        return None, [
            *reader.problems,
            Problem(path, 1, 1, "yaml", message, "write keys and values, like 'title: …'"),
        ]
    return root, reader.problems
