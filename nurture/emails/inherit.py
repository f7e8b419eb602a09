"""Layouts and parts, put together before anything runs: one flat list of pieces for each email.

`extends`, `block`, `super()` and `include` are resolved here as Jinja2 would at run time, each file in the
variant of the email's locale where there is one. `import` and `from` bring reusable blocks, see `blocks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from nurture.core.problem import Problem
from nurture.emails.blocks import Blocks
from nurture.emails.source import FOLDER, Front, Kind, Piece, cut, localised, read, refuse

MAX_DEPTH = 20
MAX_PIECES = 8_000
_QUOTED = re.compile(r"(?:extends|include)\s+(?:\"([^\"]+)\"|'([^']+)')\s*(?:with context)?\s*\Z")
_ASSIGNS = re.compile(r"set\s+[\w\s,.()]+=")
_OPENS = {"set": "endset", "macro": "endmacro"}


@dataclass(slots=True)
class Block:
    """`{% block name %}` with what stands in it."""

    name: str
    opened: Piece
    body: list[Item] = field(default_factory=list)


Item = Piece | Block


@dataclass(slots=True)
class Template:
    """One file: its body with blocks found, and the assignments and macros a child brings along."""

    path: str
    parent: Piece | None
    body: list[Item]
    blocks: dict[str, Block]
    brought: list[Piece]


def expand(files: Mapping[str, str], path: str, locale: str) -> tuple[Front, list[Piece]]:
    """The email at `path` as one list of pieces without inheritance. Raises ProjectError."""
    pieces = list(_Expansion(files, locale).flat(path, ()))
    if len(pieces) > MAX_PIECES:
        message = f"the email is made of more than {MAX_PIECES} pieces"
        raise refuse(Problem(FOLDER + path, 1, 1, "size", message, "include less"))
    return read(files, path).front, pieces


class _Expansion:
    """One walk through the files of one email."""

    def __init__(self, files: Mapping[str, str], locale: str) -> None:
        self.files, self.locale = files, locale
        self.count = 0
        self.blocks = Blocks(files, self._file)

    def flat(self, path: str, above: tuple[str, ...]) -> Iterator[Piece]:
        chain = [self._load(path, above)]
        while (parent := chain[-1].parent) is not None:
            seen = (*above, *(template.path for template in chain))
            chain.append(self._load(self._named(parent, seen), seen))
        _known_blocks(chain)
        return _Assembly(chain).emit(chain[-1].body, None)

    def _load(self, path: str, above: tuple[str, ...]) -> Template:
        pieces = [piece for piece in cut(read(self.files, path)) if piece.kind is not Kind.TEXT or piece.text]
        parent = next((piece for piece in pieces if not _blank(piece)), None)
        if parent is None or parent.word != "extends":
            parent = None
        else:
            pieces.remove(parent)
        resolved = self.blocks.resolve(pieces, (*above, path))
        included = list(self._include(resolved, (*above, path)))
        blocks: dict[str, Block] = {}
        body = _blocks(iter(included), blocks, None)
        return Template(path, parent, body, blocks, _brought(body) if parent else [])

    def _include(self, pieces: Iterable[Piece], above: tuple[str, ...]) -> Iterator[Piece]:
        for piece in pieces:
            self._within_reason(piece)
            if piece.word == "extends":
                raise refuse(piece.problem("extends", "extends stands first in a file, and once"))
            if piece.word != "include":
                yield piece
                continue
            yield Piece(Kind.TAG, "with", piece.path, piece.line, "with")
            yield from self.flat(self._named(piece, above), above)
            yield Piece(Kind.TAG, "endwith", piece.path, piece.line, "endwith")

    def _within_reason(self, piece: Piece) -> None:
        self.count += 1
        if self.count > 4 * MAX_PIECES:
            raise refuse(piece.problem("size", "the parts of this email include one another too often"))

    def _named(self, piece: Piece, above: tuple[str, ...]) -> str:
        """The file a tag names, in the email's locale."""
        match = _QUOTED.match(piece.text)
        if match is None:
            hint = f'write {{% {piece.word} "layouts/base.html" %}}'
            raise refuse(piece.problem("include", f"{piece.word} needs one name in quotes", hint))
        return self._file(piece, match[1] or match[2], above)

    def _file(self, piece: Piece, name: str, above: tuple[str, ...]) -> str:
        path = localised(self.files, name, self.locale)
        at = max(piece.text.find(name) - 1, 0)
        if path is None:
            near = get_close_matches(name, sorted(self.files), 1)
            hint = f"did you mean '{near[0]}'?" if near else "write that file, or name another"
            raise refuse(piece.problem("no-template", f"there is no {FOLDER}{name}", hint, at))
        if path in above or len(above) > MAX_DEPTH:
            raise refuse(piece.problem("include", f"{name} contains itself", at=at))
        return path


def _known_blocks(chain: list[Template]) -> None:
    """Raise ProjectError for a block that no layout has a place for, so that nobody would ever see it."""
    for number, template in enumerate(chain[:-1]):
        known = {name for layout in chain[number + 1 :] for name in layout.blocks}
        for block in template.body:
            if isinstance(block, Block) and block.name not in known:
                near = get_close_matches(block.name, sorted(known), 1)
                hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(sorted(known)) or 'no blocks'}"
                at = block.opened.text.find(block.name, len("block"))
                message = f"the layout has no block '{block.name}', so what stands in it is never shown"
                raise refuse(block.opened.problem("unknown-block", message, hint, at))


def _blank(piece: Piece) -> bool:
    return piece.kind is Kind.TEXT and not piece.text.strip()


def _blocks(pieces: Iterator[Piece], found: dict[str, Block], within: Block | None) -> list[Item]:
    """Pieces with blocks as one item each; every block also goes into `found`."""
    items: list[Item] = []
    for piece in pieces:
        if piece.word == "endblock":
            return items
        if piece.word != "block":
            items.append(piece)
            continue
        block = Block(piece.text.split()[1], piece)
        if block.name in found:
            raise refuse(piece.problem("block", f"block {block.name} stands twice"))
        found[block.name] = block
        block.body = _blocks(pieces, found, block)
        items.append(block)
    return items


def _brought(body: list[Item]) -> list[Piece]:
    """The assignments and macros of a child, which Jinja2 runs before the layout. Raises ProjectError for text."""
    brought: list[Piece] = []
    closing: list[str] = []
    for item in body:
        if isinstance(item, Block):
            continue
        if item.kind is Kind.TAG:
            brought.append(item)
            if closing and item.word == closing[-1]:
                closing.pop()
            elif item.word == "macro" or (item.word == "set" and not _ASSIGNS.match(item.text)):
                closing.append(_OPENS[item.word])
            elif not closing and item.word != "set":
                raise refuse(_outside(item))
        elif closing:
            brought.append(item)
        elif not _blank(item):
            raise refuse(_outside(item))
    return brought


def _outside(piece: Piece) -> Problem:
    return piece.problem(
        "outside-block",
        "this stands outside of every block, so the layout never shows it",
        "move it into {% block … %}",
    )


class _Assembly:
    """A child over its layouts: `chain` runs from the child to the outermost layout."""

    def __init__(self, chain: list[Template]) -> None:
        self.chain = chain

    def emit(self, items: list[Item], inside: tuple[str, int] | None) -> Iterator[Piece]:
        for item in items:
            if isinstance(item, Block):
                yield from self._block(item.name, 0, item.opened)
            elif item.kind is Kind.VALUE and item.text.replace(" ", "") == "super()":
                if inside is None:
                    raise refuse(item.problem("super", "super() stands in a block"))
                yield from self._block(inside[0], inside[1] + 1, item)
            else:
                yield item

    def _block(self, name: str, level: int, at: Piece) -> Iterator[Piece]:
        owners = [template for template in self.chain if name in template.blocks]
        if level >= len(owners):
            raise refuse(at.problem("super", f"no layout has a block {name} above this one"))
        block = owners[level].blocks[name]
        if "required" in block.opened.text.split()[2:] and level == len(owners) - 1:
            raise refuse(block.opened.problem("block", f"block {name} is required, and nothing fills it"))
        pieces = [*owners[level].brought, *self.emit(block.body, (name, level))]
        if not any(piece.word in ("set", "macro") for piece in pieces):
            yield from pieces
            return
        yield Piece(Kind.TAG, "with", at.path, at.line, "with")
        yield from pieces
        yield Piece(Kind.TAG, "endwith", at.path, at.line, "endwith")
