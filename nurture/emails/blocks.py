"""Reusable blocks: macros of another file, put in where they are called, when the email is compiled.

`{% from "blocks/button.html" import button %}` (or `{% import "blocks/button.html" as parts %}`) brings them, in
the variant of the email's locale. A call stands alone, `{{ button("https://…", "Read on") }}`, or around what
the block's `caller()` shows, `{% call card() %}…{% endcall %}`. It becomes the block's own pieces with the words
and addresses in their places, so a constant link stays one and its CSS is inlined where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from markupsafe import escape

from nurture.emails.fold import RESERVED
from nurture.emails.source import Kind, Piece, cut, environment, read, refuse

MAX_DEPTH = 20
MAX_PIECES = 32_000
_FILE = r"(?:\"([^\"]+)\"|'([^']+)')"
_FROM = re.compile(rf"from\s+{_FILE}\s+import\s+(.+?)(?:\s+with(?:out)?\s+context)?\s*\Z", re.S)
_IMPORT = re.compile(rf"import\s+{_FILE}\s+as\s+(\w+)(?:\s+with(?:out)?\s+context)?\s*\Z", re.S)
_NAMED = re.compile(r"(\w+)(?:\s+as\s+(\w+))?\Z")
_MACRO = re.compile(r"macro\s+(\w+)\s*(\(.*\))\Z", re.S)
_CALL = re.compile(r"(?:call\s+)?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)\s*(\(.*\))\Z", re.S)
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")

Given = tuple[str, str]
"""A parameter's name ("" for one given by its place) and the expression behind it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One macro of a file of blocks; `known` are the blocks its own file can call."""

    name: str
    params: tuple[tuple[str, str | None], ...]
    body: tuple[Piece, ...]
    known: Mapping[str, Block]


class Blocks:
    """The blocks of one email. `find` tells the path a tag names, given the files it stands in.

    Every method raises ProjectError at the line of what is wrong.
    """

    def __init__(self, files: Mapping[str, str], find: Callable[[Piece, str, tuple[str, ...]], str]) -> None:
        self.files, self.find = files, find
        self.count = 0

    def resolve(self, pieces: Sequence[Piece], above: tuple[str, ...]) -> Iterator[Piece]:
        """`pieces` of one file without imports, every call of an imported block replaced by its pieces."""
        rest, known = self._imports(pieces, above)
        return self._put_in(rest, known, {}, (), above[0].endswith(".txt")) if known else iter(rest)

    def _imports(self, pieces: Sequence[Piece], above: tuple[str, ...]) -> tuple[list[Piece], dict[str, Block]]:
        known: dict[str, Block] = {}
        rest = []
        for piece in pieces:
            if piece.word in ("from", "import"):
                known |= self._imported(piece, above)
            else:
                rest.append(piece)
        return rest, known

    def _imported(self, piece: Piece, above: tuple[str, ...]) -> dict[str, Block]:
        if match := _IMPORT.match(piece.text):
            blocks = self._file(self.find(piece, match[1] or match[2], above), above)
            return {f"{match[3]}.{name}": block for name, block in blocks.items()}
        match = _FROM.match(piece.text)
        if match is None:
            hint = 'write {% from "blocks/button.html" import button %}'
            raise refuse(piece.problem("import", f"{piece.word} needs a file in quotes, and names", hint))
        path = self.find(piece, match[1] or match[2], above)
        blocks, taken = self._file(path, above), {}
        for part in match[3].rstrip(" ,\n").split(","):
            named = _NAMED.match(part.strip())
            if named is None or named[1] not in blocks:
                near = get_close_matches(named[1] if named else part.strip(), sorted(blocks), 1)
                hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(sorted(blocks)) or 'none'}"
                message = f"there is no block {part.strip()!r} in {path}"
                raise refuse(piece.problem("unknown-macro", message, hint, piece.text.rfind(part.strip())))
            taken[named[2] or named[1]] = blocks[named[1]]
        return taken

    def _file(self, path: str, above: tuple[str, ...]) -> dict[str, Block]:
        """The blocks a file defines. They know one another, and what their file imports."""
        pieces, known = self._imports(cut(read(self.files, path)), (*above, path))
        own: dict[str, Block] = {}
        walk = iter(pieces)
        for piece in walk:
            if piece.word == "macro":
                body = tuple(_until(walk, "macro", "endmacro"))
                block = Block(*_signature(piece), body, known)
                own[block.name] = block
            elif piece.kind is not Kind.TEXT or piece.text.strip():
                hint = "move it into {% macro … %}"
                raise refuse(piece.problem("import", "a file of blocks holds macros and nothing beside them", hint))
        known |= own
        return own

    def _put_in(
        self,
        pieces: Sequence[Piece],
        known: Mapping[str, Block],
        bound: Mapping[str, Piece],
        within: tuple[str, ...],
        plain: bool,
        caller: Sequence[Piece] = (),
    ) -> Iterator[Piece]:
        """`bound` are the parameters that simply stand for something; `within` the blocks that are being put in."""
        walk = iter(pieces)
        for piece in walk:
            self._count(piece)
            if piece.kind is Kind.VALUE and piece.text in bound:
                yield _shown(bound[piece.text], plain)
            elif within and piece.kind is Kind.VALUE and piece.text.replace(" ", "") == "caller()":
                yield from caller
            elif (call := _call(piece, known)) is not None:
                block, given = call
                inner = list(_until(walk, "call", "endcall")) if piece.word == "call" else []
                around = tuple(self._put_in(inner, known, bound, within, plain, caller))
                if len(within) >= MAX_DEPTH:
                    raise refuse(piece.problem("import", f"block {block.name} calls itself"))
                yield from self._called(piece, block, [_meant(one, bound) for one in given], within, plain, around)
            else:
                yield piece

    def _called(
        self,
        at: Piece,
        block: Block,
        given: list[Given],
        within: tuple[str, ...],
        plain: bool,
        caller: Sequence[Piece],
    ) -> Iterator[Piece]:
        values, defaults = _fitted(at, block, given)
        simple = {name: _argued(at, text) for name, text in values if _simple(text)}
        simple |= {name: _argued(at, text) for name, text in defaults if _simple(text)}
        body = list(self._put_in(block.body, block.known, simple, (*within, block.name), plain, caller))
        needed = "\n".join(piece.text for piece in body if piece.kind is not Kind.TEXT)
        opening = [", ".join(f"{name}={text}" for name, text in values if _uses(needed, name))]
        opening += [f"{name}={text}" for name, text in defaults if _uses(needed, name)]
        if not any(opening):
            opening = [""] * any(piece.word in ("set", "macro") for piece in body)
        opening = [text for text in opening if text] or opening[:1]
        for text in opening:
            yield Piece(Kind.TAG, f"with {text}".strip(), at.path, at.line, "with")
        yield from body
        for _ in opening:
            yield Piece(Kind.TAG, "endwith", at.path, at.line, "endwith")

    def _count(self, piece: Piece) -> None:
        self.count += 1
        if self.count > MAX_PIECES:
            raise refuse(piece.problem("size", "the blocks of this email call one another too often"))


def _until(walk: Iterator[Piece], opens: str, closes: str) -> Iterator[Piece]:
    """The pieces up to the tag that closes what was opened, which is taken off too."""
    depth = 0
    for piece in walk:
        if piece.word == closes and not depth:
            return
        depth += (piece.word == opens) - (piece.word == closes)
        yield piece


def _signature(piece: Piece) -> tuple[str, tuple[tuple[str, str | None], ...]]:
    match = _MACRO.match(piece.text)
    parts = _arguments(match[2]) if match else None
    if match is None or parts is None:
        raise refuse(piece.problem("import", "this macro cannot be read", "write {% macro button(url, words) %}"))
    return match[1], tuple((name or text, text if name else None) for name, text in parts)


def _call(piece: Piece, known: Mapping[str, Block]) -> tuple[Block, list[Given]] | None:
    """The block a piece calls and what it gives, None where it calls none."""
    if piece.kind is Kind.TEXT or (piece.kind is Kind.TAG and not known):
        return None
    match = _CALL.match(piece.text) if piece.kind is Kind.VALUE or piece.word == "call" else None
    if match and match[1] in known:
        given = _arguments(match[2])
        if given is not None:
            return known[match[1]], given
    for name in known:
        if re.search(rf"(?<![\w.\"']){re.escape(name)}\s*\(", piece.text):
            example = f"write it alone: {{{{ {name}(…) }}}}, or {{% call {name}(…) %}}"
            raise refuse(piece.problem("import", f"block {name} cannot be part of an expression", example))
    return None


def _arguments(text: str) -> list[Given] | None:
    """What stands between brackets, cut at its commas; None where the bracket closes before the end."""
    lexed = [(token, value) for _, token, value in environment().lex("{{" + text.strip() + "}}")]
    parts: list[list[tuple[str, str]]] = [[]]
    depth = 0
    for token, value in lexed[2:-2]:
        sign = value if token == "operator" else ""
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if depth < 0:
            return None
        if sign == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append((token, value))
    return [_argument(part) for part in parts if "".join(value for _, value in part).strip()]


def _argument(tokens: list[tuple[str, str]]) -> Given:
    solid = [(token, value) for token, value in tokens if token != "whitespace"]
    if len(solid) > 2 and solid[0][0] == "name" and solid[1][1] == "=":
        at = next(n for n, (_, value) in enumerate(tokens) if value == "=")
        return solid[0][1], "".join(value for _, value in tokens[at + 1 :]).strip()
    return "", "".join(value for _, value in tokens).strip()


def _fitted(at: Piece, block: Block, given: list[Given]) -> tuple[list[Given], list[Given]]:
    """What is given by the name of its parameter, and the defaults of the others."""
    names = [name for name, _ in block.params]
    values: dict[str, str] = {}
    for place, (name, text) in enumerate(given):
        to = name or (names[place] if place < len(names) else "")
        if to not in names or to in values:
            told = f"has no parameter {name!r}" if name and name not in names else "is given too much"
            hint = f"it takes {', '.join(names) or 'nothing'}"
            raise refuse(at.problem("import", f"block {block.name} {told}", hint))
        values[to] = text
    missing = [name for name, default in block.params if default is None and name not in values]
    if missing:
        raise refuse(at.problem("import", f"block {block.name} needs {', '.join(missing)}"))
    return list(values.items()), [(name, text) for name, text in block.params if text and name not in values]


def _meant(given: Given, bound: Mapping[str, Piece]) -> Given:
    """A parameter handed on to another block is what it stands for."""
    name, text = given
    return (name, bound[text].text) if text in bound else given


@lru_cache(maxsize=4096)
def _simple(text: str) -> bool:
    """Whether an expression means the same anywhere: a literal, or made of nurture's own names."""
    try:
        tree = environment().parse("{{" + text + "}}")
    except TemplateSyntaxError:
        return False
    called = (node.node for node in tree.find_all(nodes.Call))
    return all(node.name in RESERVED for node in tree.find_all(nodes.Name)) and all(
        isinstance(node, nodes.Name) and node.name == "_" for node in called
    )


def _argued(at: Piece, text: str) -> Piece:
    """What is given in a call, as a value of its own, at its own place."""
    line, column = at.place(max(at.text.find(text), 0))
    return replace(at, kind=Kind.VALUE, text=text, word="", line=line, column=column)


def _shown(value: Piece, plain: bool) -> Piece:
    """The place of a parameter: its words where they never change, else the expression."""
    (output,) = environment().parse("{{" + value.text + "}}").body
    node = output.nodes[0] if isinstance(output, nodes.Output) else None
    if isinstance(node, nodes.Const) and isinstance(node.value, str | int | float) and node.value is not True:
        text = str(node.value) if plain else str(escape(str(node.value)))
        return Piece(Kind.TEXT, text, value.path, value.line)
    return value


def _uses(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}\b", text) is not None
