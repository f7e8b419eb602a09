"""CSS into style attributes, while the template tags stand by as characters that HTML parsers leave alone.

In text a tag becomes a comment around its character; within attributes, titles and comments the character
alone. What comes back is checked: every tag is still there, closes what it closed, and its HTML is balanced.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from nurture.core.problem import Problem
from nurture.emails.marks import MAX_PIECES, PIECE
from nurture.emails.place import Place, Reader
from nurture.emails.source import FOLDER, Kind, Piece, refuse

if TYPE_CHECKING:
    from css_inline import CSSInliner

OPENS = {
    "if": "endif",
    "for": "endfor",
    "with": "endwith",
    "macro": "endmacro",
    "call": "endcall",
    "filter": "endfilter",
    "set": "endset",
    "autoescape": "endautoescape",
}
_MIDDLE = frozenset({"else", "elif"})
_COMMENTED = re.compile(f"<!--([{chr(PIECE)}-{chr(PIECE + MAX_PIECES - 1)}])-->")
_ROW = re.compile(r"\s*(?:<!--.*?-->\s*)*<tr[\s>]", re.I | re.S)
_ASSIGNS = re.compile(r"set\s+[\w\s,.()]+=")
WALK = re.compile(
    r"<!--.*?-->|<(?P<close>/?)(?P<name>[A-Za-z][^\s/>]*)(?:[^>\"']|\"[^\"]*\"|'[^']*')*>"
    f"|(?P<mark>[{chr(PIECE)}-{chr(PIECE + MAX_PIECES - 1)}])",
    re.S,
)
VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
})  # fmt: skip


def inline(pieces: Sequence[Piece]) -> str:
    """The HTML of `pieces` with its CSS inlined, the n-th piece as the character `PIECE + n` where it is a tag.

    Rules that cannot be inlined (`@media`, `:hover`) stay in a `<style>`. Raises ProjectError.
    """
    if len(pieces) > MAX_PIECES:
        raise refuse(pieces[0].problem("size", "the email has too many template tags"))
    html = _inlined("".join(_marked(pieces)), pieces)
    html = _COMMENTED.sub(r"\1", html)
    _check(html, pieces)
    return html


def _inlined(html: str, pieces: Sequence[Piece]) -> str:
    from css_inline import InlineError

    try:
        return _inliner().inline(html)
    except (InlineError, ValueError) as error:
        path = pieces[0].path if pieces else ""
        message = f"the CSS of this email cannot be read: {error}"
        hint = "look for a style with a missing value or bracket, in it and in its layout"
        raise refuse(Problem(FOLDER + path, 1, 1, "css", message, hint)) from None


@cache
def _inliner() -> CSSInliner:
    from css_inline import CSSInliner

    return CSSInliner(
        keep_style_tags=True, remove_inlined_selectors=True, keep_at_rules=True, load_remote_stylesheets=False
    )


def _marked(pieces: Sequence[Piece]) -> Iterator[str]:
    reader = Reader()
    for number, piece in enumerate(pieces):
        if piece.kind is Kind.TEXT:
            if stray := reader.read(piece.text):
                message = f"<{stray}> stands in no table, and mail programs drop it there"
                raise refuse(piece.problem("html", message, "write the whole <table> around it"))
            yield piece.text
            continue
        if piece.kind is Kind.TAG and reader.rows_need_body and _row_follows(pieces, number):
            reader.open_body()
            yield "<tbody>"
        yield _character(piece, number, reader.place)


def _row_follows(pieces: Sequence[Piece], number: int) -> bool:
    following = next((p for p in pieces[number + 1 :] if p.kind is Kind.VALUE or p.text.strip()), None)
    while following is not None and following.kind is Kind.TAG:
        number += 1
        following = next((p for p in pieces[number + 1 :] if p.kind is Kind.VALUE or p.text.strip()), None)
    return following is not None and following.kind is Kind.TEXT and bool(_ROW.match(following.text))


def _character(piece: Piece, number: int, place: Place) -> str:
    character = chr(PIECE + number)
    if place is Place.TEXT:
        return f"<!--{character}-->"
    if place in (Place.QUOTED, Place.BARE, Place.COMMENT, Place.TITLE):
        return character
    if place is Place.STYLE and piece.kind is Kind.VALUE:
        return character
    hint = 'in a tag, write it within the quotes: class="{% if … %}small{% endif %}"'
    raise refuse(piece.problem("place", f"a template tag cannot stand in {place.value} here", hint))


def _check(html: str, pieces: Sequence[Piece]) -> None:
    """Raise ProjectError unless every tag is there once, pairs as before, around balanced HTML."""
    seen = Counter(ord(mark) - PIECE for mark in re.findall(f"[{chr(PIECE)}-{chr(PIECE + MAX_PIECES - 1)}]", html))
    for number, piece in enumerate(pieces):
        wanted = seen[number]
        if (piece.kind is Kind.TAG and wanted != 1) or (piece.kind is Kind.VALUE and not wanted):
            hint = "move it out of the tag or style it stands in"
            raise refuse(piece.problem("place", "this template tag would be lost in the HTML here", hint))
    _Balance(pieces).walk(html)


class _Balance:
    """Walks HTML with its template tags, keeping the elements open at each point."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        self.elements: list[int] = []
        self.open: list[tuple[int, tuple[int, ...]]] = []
        self.partner = _partners(pieces)

    def walk(self, html: str) -> None:
        for match in WALK.finditer(html):
            if match["mark"]:
                self._tag(ord(match["mark"]) - PIECE)
            elif match["close"]:
                del self.elements[-1:]
            elif match["name"] and match["name"].lower() not in VOID:
                self.elements.append(match.start())

    def _tag(self, number: int) -> None:
        piece = self.pieces[number]
        if piece.kind is not Kind.TAG:
            return
        opener = self.partner.get(number)
        if opener is None:
            if number in self.partner.values():
                self.open.append((number, tuple(self.elements)))
            return
        if not self.open or self.open[-1] != (opener, tuple(self.elements)):
            raise refuse(self._unbalanced(self.pieces[opener]))
        if piece.word not in _MIDDLE:
            self.open.pop()

    def _unbalanced(self, piece: Piece) -> Problem:
        message = f"the HTML inside this {piece.word} does not close what it opens, or is not allowed where it is"
        hint = "each branch opens and closes its own elements; <p> cannot hold <div>, <p> or <table>"
        return piece.problem("balance", message, hint)


def _partners(pieces: Sequence[Piece]) -> dict[int, int]:
    """For each tag that goes on or ends something, the number of the tag that began it."""
    stack: list[int] = []
    partner: dict[int, int] = {}
    for number, piece in enumerate(pieces):
        if opens(piece):
            stack.append(number)
        elif stack and (piece.word in _MIDDLE or piece.word == OPENS[pieces[stack[-1]].word]):
            partner[number] = stack[-1]
            if piece.word not in _MIDDLE:
                stack.pop()
    return partner


def opens(piece: Piece) -> bool:
    """Whether a tag begins something that another tag ends."""
    return piece.word in OPENS and not (piece.word == "set" and _ASSIGNS.match(piece.text))
