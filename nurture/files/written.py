"""A file as it was written: its values with their comments, empty lines and style, to be laid out anew.

`tree` reads what a file means; this reads how it says it. Only texts that `tree` takes may be given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, NodeEvent, ScalarEvent, SequenceEndEvent

Spot = tuple[int, int]
"""A line and a column, both from 0."""

HASH = re.compile(r"(?:^|(?<=[ \t]))#")


@dataclass(slots=True)
class Part:
    """A value: a scalar (`text` without its quotes, `style` what stood around it), or the members of a collection.

    `keyed` tells a mapping from a list, `flow` whether it stood in brackets.
    """

    start: Spot
    end: Spot
    text: str = ""
    style: str | None = None
    members: list[Member] | None = None
    keyed: bool = False
    flow: bool = False


@dataclass(slots=True)
class Member:
    """One key with its value, or one item of a list (`key` None), with the comments that belong to it.

    `before` and `after` stand on lines of their own ("" is an empty one), `beside` at the end of its first line, in
    the column `beside_at`. `blank` tells of an empty line before it all, `reach` how long its first line is without
    the comment, once it is laid out.
    """

    start: Spot
    key: Part | None
    part: Part
    before: list[str] = field(default_factory=list)
    beside: str = ""
    beside_at: int = 0
    after: list[str] = field(default_factory=list)
    blank: bool = False
    reach: int = 0


@dataclass(slots=True)
class Written:
    """A whole file: comments above its first key, its keys, comments below its last."""

    head: list[str]
    root: Part
    foot: list[str]


@dataclass(frozen=True, slots=True)
class _Comment:
    spot: Spot
    text: str
    alone: bool


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A member that begins a line of its own, after those it stands in, from the outermost on."""

    chain: tuple[Member, ...]

    @property
    def member(self) -> Member:
        return self.chain[-1]


def written(text: str) -> Written:
    """The file of that text, each comment with what it belongs to."""
    lines = text.split("\n")
    root = _root(text, lines)
    found = list(_comments(lines, root))
    _open(root, [comment.spot for comment in found])
    return _attached(root, found, lines)


def comments(text: str) -> list[str]:
    """Every comment of a text, in its order."""
    lines = text.split("\n")
    return [comment.text for comment in _comments(lines, _root(text, lines))]


def _root(text: str, lines: Sequence[str]) -> Part:
    events = iter(YAML(typ="safe", pure=True).parse(text))
    return _part(next(one for one in events if isinstance(one, NodeEvent)), events, lines)


def _spot(mark: Any) -> Spot:
    return mark.line, mark.column


def _part(event: Any, events: Iterator[Any], lines: Sequence[str]) -> Part:
    part = Part(_spot(event.start_mark), _spot(event.end_mark))
    if isinstance(event, ScalarEvent):
        part.text, part.style = event.value, event.style
        return part
    part.members, part.keyed, part.flow = [], isinstance(event, MappingStartEvent), bool(event.flow_style)
    while not isinstance(event := next(events), MappingEndEvent | SequenceEndEvent):
        first = _part(event, events, lines)
        if part.keyed:
            part.members.append(Member(first.start, first, _part(next(events), events, lines)))
        else:
            part.members.append(Member(first.start if part.flow else _dash(first.start, lines), None, first))
    part.end = _spot(event.end_mark)
    return part


def _dash(start: Spot, lines: Sequence[str]) -> Spot:
    """Where the dash stands of an item that begins at `start`."""
    line, before = start[0], lines[start[0]][: start[1]]
    while "-" not in before and line:
        line -= 1
        before = lines[line]
    return line, max(before.rfind("-"), 0)


def _scalars(part: Part) -> Iterator[Part]:
    for member in part.members or ():
        yield from filter(None, (member.key,))
        yield from _scalars(member.part)
    if part.members is None:
        yield part


def _comments(lines: Sequence[str], root: Part) -> Iterator[_Comment]:
    """What follows a `#` that stands in no text; in the head line of a text with lines of its own, it may."""
    spans = [((one.start[0] + 1, 0) if one.style in ("|", ">") else one.start, one.end) for one in _scalars(root)]
    inside = iter(sorted(spans))
    span = next(inside, None)
    for number, line in enumerate(lines):
        for found in HASH.finditer(line):
            spot = (number, found.start())
            while span and span[1] <= spot:
                span = next(inside, None)
            if not span or spot < span[0]:
                yield _Comment(spot, line[found.start() :].rstrip(), not line[: found.start()].strip())
                break


def _open(part: Part, spots: Sequence[Spot]) -> None:
    """What stands in brackets around a comment will stand in lines."""
    part.flow = part.flow and not any(part.start < spot < part.end for spot in spots)
    for member in part.members or ():
        _open(member.part, spots)


def _anchors(part: Part, within: tuple[Member, ...] = ()) -> Iterator[_Anchor]:
    for member in part.members or ():
        yield _Anchor((*within, member))
        if not member.part.flow:
            yield from _anchors(member.part, (*within, member))


def _attached(root: Part, found: Sequence[_Comment], lines: Sequence[str]) -> Written:
    """Each comment goes to what it stands beside, else to what it stands above, else to what it stands below."""
    file = Written([], root, [])
    anchors = list(_anchors(root))
    for comment in found:
        earlier = [one for one in anchors if one.member.start <= comment.spot]
        later = next((one for one in anchors if one.member.start > comment.spot), None)
        place = _place(file, comment, earlier[-1] if earlier else None, later)
        if place is not None:
            place.extend(["", comment.text] if _gap(lines, comment.spot[0]) else [comment.text])
    if file.head and _gap(lines, anchors[0].member.start[0]):
        file.head.append("")
    _blanks(anchors, lines)
    return file


def _place(file: Written, comment: _Comment, last: _Anchor | None, later: _Anchor | None) -> list[str] | None:
    """Where a comment is to be put; None where it was put beside something."""
    if last is None:
        return file.head
    if not comment.alone:
        member = last.member
        if member.beside or (member.key is None and not member.part.flow and member.part.members):
            return member.before
        member.beside, member.beside_at = comment.text, comment.spot[1]
        return None
    column = comment.spot[1]
    if later is None and column == 0:
        return file.foot
    below = [one for one in last.chain if one.start[1] <= column] or [last.chain[0]]
    if later is not None and later.member.start[1] >= min(column, below[-1].start[1]):
        return later.member.before
    return below[-1].after


def _gap(lines: Sequence[str], number: int) -> bool:
    """Whether the line above is empty."""
    return number > 0 and not lines[number - 1].strip()


def _blanks(anchors: Sequence[_Anchor], lines: Sequence[str]) -> None:
    """Empty lines above members; above the first of several they say nothing."""
    led: set[int] = set()
    for anchor in anchors:
        member, gap = anchor.member, _gap(lines, anchor.member.start[0])
        parent = id(anchor.chain[-2]) if len(anchor.chain) > 1 else 0
        if member.before and gap:
            member.before.append("")
        blank = member.before.pop(0) == "" if member.before and not member.before[0] else gap and not member.before
        member.blank = blank and parent in led
        led.add(parent)
