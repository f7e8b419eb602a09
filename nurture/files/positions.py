"""Where things stand in a file: a tree of values that know their line and column, both from 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Element = str | int
Path = tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column in characters, both from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Node:
    """One value: a scalar (`text` as it is written), the items of a list, or the entries of a mapping."""

    place: Place
    value: Any = None
    text: str = ""
    items: list[Node] | None = None
    entries: dict[str, Entry] | None = None

    def data(self) -> Any:
        """The value as plain lists, dicts and scalars."""
        if self.entries is not None:
            return {key: entry.node.data() for key, entry in self.entries.items()}
        if self.items is not None:
            return [item.data() for item in self.items]
        return self.value

    def child(self, element: Element) -> Node | None:
        """The value under a key or an index, None where there is none."""
        if self.entries is not None and element in self.entries:
            return self.entries[str(element)].node
        if self.items is not None and isinstance(element, int) and element < len(self.items):
            return self.items[element]
        return None

    def walk(self, path: Path = ()) -> Iterator[tuple[Path, Node]]:
        """This value and all inside it, each with its path."""
        yield path, self
        for key, entry in (self.entries or {}).items():
            yield from entry.node.walk((*path, key))
        for index, item in enumerate(self.items or ()):
            yield from item.walk((*path, index))


@dataclass(slots=True)
class Entry:
    """One key of a mapping and its value."""

    place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class Positions:
    """Finds keys and values of one file by their path."""

    root: Node
    path: str = field(default="")

    def real(self, loc: Sequence[Element]) -> Path:
        """The elements of `loc` that are keys or indices of this file; a validator's own labels are left out."""
        node, path = self.root, []
        for element in loc:
            child = node.child(element)
            if child is not None:
                node = child
                path.append(element)
        return tuple(path)

    def node(self, path: Sequence[Element]) -> Node:
        """The value at `path`, as far as it goes."""
        node = self.root
        for element in path:
            node = node.child(element) or node
        return node

    def value(self, path: Sequence[Element]) -> Place:
        """Where the value at `path` begins."""
        return self.node(path).place

    def key(self, path: Sequence[Element]) -> Place:
        """Where the last key of `path` stands; for an item of a list, where the item begins."""
        if not path:
            return self.root.place
        parent = self.node(path[:-1])
        entry = (parent.entries or {}).get(str(path[-1]))
        return entry.place if entry else self.value(path)
