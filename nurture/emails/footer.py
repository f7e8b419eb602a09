"""What the law asks of every email, added where the template does not say it itself.

Postal address and a way to stop (15 USC 7704; ePrivacy, Art. 13); in Türkiye trade title and MERSIS number
(Law 6563, Regulation m. 8), for contacts there, unless the template shows `project.legal` itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nurture.emails.inline import OPENS, opens
from nurture.emails.source import Kind, Piece

LEGAL_TITLES = {
    "trade_title": "Trade title",
    "mersis": "MERSIS number",
    "tax_number": "Tax number",
    "contact": "Contact",
}
_WAYS_OUT = re.compile(r"links\s*\.\s*(unsubscribe|preferences)\b")
_ADDRESS = re.compile(r"project\s*\.\s*postal_address\b")
_LEGAL = re.compile(r"project\s*\.\s*legal\b")
_BODY_END = re.compile(r"</body\s*>", re.I)
_STYLE = 'style="padding: 16px; font-size: 12px; line-height: 1.5; color: #666666;"'


def completed(pieces: Sequence[Piece], legal: Mapping[str, str], html: bool) -> list[Piece]:
    """`pieces` with what is missing added at the end of the body."""
    path = pieces[0].path if pieces else ""
    missing = list(_missing(pieces, legal, html))
    if not missing:
        return list(pieces)
    opening, closing = (f"<div {_STYLE}>", "</div>\n") if html else ("\n\n", "")
    missing = [("text", opening), *missing, ("text", closing)]
    footer = [_piece(kind, text, path) for kind, text in missing]
    return _placed(list(pieces), footer) if html else [*pieces, *footer]


def left_out(pieces: Sequence[Piece]) -> Iterator[tuple[str, str, str]]:
    """What the law asks for and the template does not show to everybody: a rule, what is missing, what to write."""
    always = " ".join(_always(pieces))
    if not _WAYS_OUT.search(always):
        message = "this email shows no way to stop it, so nurture puts a plain footer below"
        yield "no-unsubscribe", message, 'write <a href="{{ links.unsubscribe }}">…</a> where it fits'
    if not _ADDRESS.search(always):
        message = "this email shows no postal address, so nurture puts a plain footer below"
        yield "no-postal-address", message, "write {{ project.postal_address }} where it fits"


def _missing(pieces: Sequence[Piece], legal: Mapping[str, str], html: bool) -> Iterable[tuple[str, str]]:
    always = " ".join(_always(pieces))
    end = "<br>\n" if html else "\n"
    if not _ADDRESS.search(always):
        yield from [("value", "project.name"), ("text", ", "), ("value", "project.postal_address"), ("text", end)]
    if legal and not any(_LEGAL.search(piece.text) for piece in pieces if piece.kind is not Kind.TEXT):
        yield "tag", "if contact.country == 'TR'"
        for key in legal:
            label = LEGAL_TITLES.get(key, key.replace("_", " ").capitalize())
            yield from [("value", f"_({label!r})"), ("text", ": "), ("value", f"project.legal[{key!r}]")]
            yield "text", end
        yield "tag", "endif"
    if not _WAYS_OUT.search(always):
        yield from _ways_out(html)


def _ways_out(html: bool) -> Iterable[tuple[str, str]]:
    entries = {"view": "View in browser", "preferences": "Choose what you hear", "unsubscribe": "Unsubscribe"}
    for number, (name, words) in enumerate(entries.items()):
        if html:
            yield "text", ' · <a href="' if number else '<a href="'
            yield from [("value", f"links.{name}"), ("text", '">'), ("value", f"_('{words}')"), ("text", "</a>")]
        else:
            yield from [("value", f"_('{words}')"), ("text", ": "), ("value", f"links.{name}"), ("text", "\n")]


def _always(pieces: Sequence[Piece]) -> Iterable[str]:
    """The expressions that every contact gets to see: those within no condition, loop or macro."""
    depth = 0
    for piece in pieces:
        if piece.kind is Kind.VALUE and not depth:
            yield piece.text
        elif piece.kind is Kind.TAG and piece.word not in ("with", "endwith", "autoescape", "endautoescape"):
            depth += opens(piece) - (piece.word in OPENS.values())


def _piece(kind: str, text: str, path: str) -> Piece:
    kinds = {"text": Kind.TEXT, "value": Kind.VALUE, "tag": Kind.TAG}
    return Piece(kinds[kind], text, path, 1, text.split(maxsplit=1)[0] if kind == "tag" else "")


def _placed(pieces: list[Piece], footer: list[Piece]) -> list[Piece]:
    for number in range(len(pieces) - 1, -1, -1):
        piece = pieces[number]
        found = list(_BODY_END.finditer(piece.text)) if piece.kind is Kind.TEXT else []
        if found:
            before, after = piece.text[: found[-1].start()], piece.text[found[-1].start() :]
            line = piece.line + before.count("\n")
            halves = Piece(Kind.TEXT, before, piece.path, piece.line), Piece(Kind.TEXT, after, piece.path, line)
            return [*pieces[:number], halves[0], *footer, halves[1], *pieces[number + 1 :]]
    return [*pieces, *footer]
