"""MJML: a template written in it becomes HTML while its tags stand by, before anything else is done with it.

Needs the extra `mjml` (the package `mrml`, https://github.com/jdrouet/mrml). Where MJML takes elements only, a tag
goes through as `<mj-raw>`; in texts and attributes as the one character that stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from nurture.core.problem import Problem
from nurture.emails.marks import MAX_PIECES, PIECE, SPLIT
from nurture.emails.source import FOLDER, Kind, Piece, refuse

ENDING = ".mjml"
_WORDS = frozenset({
    "mj-text", "mj-button", "mj-table", "mj-raw", "mj-title", "mj-preview", "mj-style", "mj-navbar-link",
    "mj-social-element", "mj-accordion-title", "mj-accordion-text",
})  # fmt: skip
_KNOWN = _WORDS | {
    "mjml", "mj-head", "mj-body", "mj-attributes", "mj-all", "mj-class", "mj-font", "mj-breakpoint",
    "mj-html-attributes", "mj-selector", "mj-html-attribute", "mj-section", "mj-wrapper", "mj-group", "mj-column",
    "mj-image", "mj-divider", "mj-spacer", "mj-hero", "mj-navbar", "mj-social", "mj-accordion", "mj-accordion-element",
    "mj-carousel", "mj-carousel-image",
}  # fmt: skip
_MARK = f"[{chr(PIECE)}-{chr(PIECE + MAX_PIECES - 1)}]"
_TOKEN = re.compile(
    rf"<!--.*?-->|<(?P<close>/?)(?P<name>mj[\w-]*)(?:[^>\"']|\"[^\"]*\"|'[^']*')*?(?P<empty>/?)>|(?P<mark>{_MARK})",
    re.S,
)
_ESCAPED = re.compile(r"\\u\{([0-9a-f]{2,6})\}")
_POSITION = re.compile(r"\s*(?:in root template)?(?:\s*at position (\d+):\d+)?\Z")
_NO_LANGUAGE = re.compile(r'\blang="und"')


def to_html(pieces: Sequence[Piece], language: str) -> list[Piece]:
    """The pieces of an MJML template as pieces of HTML in `language`. Raises ProjectError."""
    if len(pieces) > MAX_PIECES:
        raise refuse(pieces[0].problem("size", "the email has too many template tags"))
    source = _standing_by(pieces)
    html = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), _rendered(source, pieces))
    html = _NO_LANGUAGE.sub(f'lang="{language}"', html)
    out: list[Piece] = []
    path, line = pieces[0].path, 1
    for part in SPLIT.split(html):
        if len(part) == 1 and PIECE <= ord(part) < PIECE + len(pieces):
            out.append(pieces[ord(part) - PIECE])
            path, line = out[-1].path, out[-1].line
        elif part:
            # One line each: these lines are none of the marketer's, who is told of the nearest tag's.
            out.append(Piece(Kind.TEXT, part.replace("\n", " "), path, line))
    return out


def _standing_by(pieces: Sequence[Piece]) -> str:
    marked = "".join(p.text if p.kind is Kind.TEXT else chr(PIECE + n) for n, p in enumerate(pieces))
    elements: list[str] = []

    def step(match: re.Match[str]) -> str:
        if match["mark"]:
            words = not elements or elements[-1] in _WORDS
            return match[0] if words else f"<mj-raw>{match[0]}</mj-raw>"
        name = match["name"]
        if name and name not in _KNOWN:
            raise refuse(_unknown(name, _at(marked, len(marked[: match.start()].encode()), pieces)))
        if name and match["close"]:
            del elements[-1:]
        elif name and not match["empty"]:
            elements.append(name)
        return match[0]

    return _TOKEN.sub(step, marked)


def _unknown(name: str, piece: Piece) -> Problem:
    if name == "mj-include":
        return piece.problem("mjml", "mj-include is not available", 'write {% include "blocks/footer.mjml" %}')
    near = get_close_matches(name, sorted(_KNOWN), 1)
    return piece.problem("mjml", f"MJML has no element {name}", f"did you mean {near[0]}?" if near else None)


def _rendered(source: str, pieces: Sequence[Piece]) -> str:
    try:
        from mrml import to_html as render
    except ImportError:
        message, hint = "MJML templates need the extra 'mjml'", "pip install 'nurture[mjml]'"
        raise refuse(Problem(FOLDER + pieces[0].path, 1, 1, "mjml", message, hint)) from None
    try:
        made: Any = render(source)
    except OSError as error:
        raise refuse(_told(str(error), source, pieces)) from None
    return str(made.content)


def _told(message: str, source: str, pieces: Sequence[Piece]) -> Problem:
    position = _POSITION.search(message)
    words = message[: position.start()] if position else message
    piece = _at(source, int(position[1]), pieces) if position and position[1] else pieces[0]
    return piece.problem("mjml", f"the MJML cannot be read: {words.strip()}")


def _at(source: str, byte: int, pieces: Sequence[Piece]) -> Piece:
    """The piece at a position mrml tells, counted in bytes, with the line of the position."""
    before = source.encode()[:byte].decode(errors="ignore")
    marks = [ord(mark) - PIECE for mark in re.findall(_MARK, before)]
    last = pieces[marks[-1]] if marks else pieces[0]
    lines = before.rpartition(chr(PIECE + marks[-1]))[2].count("\n") if marks else before.count("\n")
    return Piece(Kind.TEXT, "", last.path, last.line + lines)
