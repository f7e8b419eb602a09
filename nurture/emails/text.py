"""Plain text from an email's HTML, with template tags and links as marks in it.

Headings and paragraphs become paragraphs, list items lines with a dash, table rows lines; a link is
`its words (its address)`, or `its words: its address` where it stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from nurture.emails.marks import MAX_PIECES, PIECE, SPLIT
from nurture.emails.source import Kind, Piece

_PARAGRAPH = frozenset({
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote", "pre", "hr", "form", "dl",
})  # fmt: skip
_LINE = frozenset({
    "div", "tr", "li", "br", "section", "article", "header", "footer", "main", "center", "dt", "dd", "body",
    "caption",
})  # fmt: skip
_HIDDEN = frozenset({"head", "title", "style", "script", "template", "noscript"})
_SPACES = re.compile(r"[ \t\r\n\f]+")
_SHOWN_SCHEMES = ("mailto:", "tel:", "sms:")


def derive(html: str, pieces: Sequence[Piece]) -> str:
    """The text of `html`, ending with a line end."""
    writer = _Writer(pieces)
    writer.feed(html)
    writer.close()
    return writer.finished()


class _Writer(HTMLParser):
    """Writes text while reading HTML. Line breaks wait until something follows them, so that they stand inside
    of conditions; what a branch leaves waiting is settled where the branches meet. A loop begins on the line it
    needs, and each round ends with its own break: `loop` is where the `for` stands until something follows it,
    `written` how many breaks were written since the last words."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces = pieces
        self.out: list[str] = []
        self.breaks = self.written = 0
        self.loop: int | None = None
        self.space = False
        self.started = self.at_start = False
        self.hidden = 0
        self.cells: list[int] = []
        self.branches: list[int] = []
        self.anchor: tuple[str, int, bool] | None = None
        self.address: tuple[str, bool] | None = None

    def finished(self) -> str:
        self._settle(alone=True)
        return "".join(self.out).rstrip(" \n") + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _HIDDEN:
            self.hidden += 1
        elif tag == "a":
            self._settle(alone=False)
            self.anchor = (given.get("href") or "", len(self.out), self.at_start or self.breaks > 0)
        elif tag == "img":
            self._words(given.get("alt") or "")
        else:
            self._boundary(tag)
            self._opened(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def _opened(self, tag: str) -> None:
        if tag == "tr":
            self.cells.append(0)
        elif tag in ("td", "th") and self.cells:
            if self.cells[-1]:
                self._settle(alone=True)
                self.out.append("  ")
                self.space = False
            self.cells[-1] += 1
        elif tag == "li":
            self._put("- ")
            self.at_start = True
        elif tag == "hr":
            self._put("-" * 20)
            self._break(2)

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        elif tag == "a" and self.anchor is not None:
            self._anchored(*self.anchor)
            self.anchor = None
        else:
            self._boundary(tag)
            if tag == "tr" and self.cells:
                self.cells.pop()

    def handle_data(self, data: str) -> None:
        for part in SPLIT.split(data):
            if len(part) == 1 and PIECE <= ord(part) < PIECE + MAX_PIECES:
                self._mark(part)
            elif part:
                self._words(part)

    def _boundary(self, tag: str) -> None:
        if tag in _PARAGRAPH:
            self._break(2)
        elif tag in _LINE:
            self._break(1)

    def _break(self, lines: int) -> None:
        self._settle(alone=True)
        self.space = False
        if self.started:
            self.breaks = max(self.breaks, lines)
        if self.loop is not None:
            self._flush(self.loop)
        self.at_start = True

    def _flush(self, at: int) -> None:
        """Write the line breaks that wait, at that place of what is written so far."""
        missing = max(0, self.breaks - self.written)
        if missing:
            self.out.insert(at, "\n" * missing)
            self.space = False
        self.written, self.breaks = self.written + missing, 0
        if self.loop is not None and missing:
            self.loop += 1

    def _words(self, text: str) -> None:
        if self.hidden:
            return
        words = _SPACES.sub(" ", text)
        if words[:1] == " ":
            self.space = True
        if words.strip(" "):
            self._put(words.strip(" "))
            self.space = words[-1:] == " "

    def _mark(self, mark: str) -> None:
        if self.pieces[ord(mark) - PIECE].kind is Kind.VALUE:
            if not self.hidden:
                self._put(mark)
        else:
            self._tag(mark, self.pieces[ord(mark) - PIECE].word)

    def _tag(self, mark: str, word: str) -> None:
        """A control tag: branches begin with what waited before them; what waits after is the most of any."""
        self._settle(alone=self.breaks > 0)
        if word in ("for", "endfor"):
            self._flush(len(self.out))
        self._spaced()
        if word == "for":
            self.loop = len(self.out)
        self.out.append(mark)
        if word in ("if", "for"):
            self.branches.append(self.breaks)
        elif word in ("else", "elif") and self.branches:
            self.breaks = self.branches[-1]
        elif word in ("endif", "endfor") and self.branches:
            self.breaks = max(self.breaks, self.branches.pop())

    def _put(self, text: str) -> None:
        self._settle(alone=False)
        self.loop = None
        self._flush(len(self.out))
        self._spaced()
        self.out.append(text)
        self.written, self.started, self.at_start = 0, True, False

    def _spaced(self) -> None:
        if self.space and not self.at_start and not self.breaks and self.out and self.out[-1][-1] not in " \n":
            self.out.append(" ")
        self.space = False

    def _anchored(self, href: str, since: int, alone: bool) -> None:
        words = "".join(self.out[since:]).strip()
        shown = href.strip()
        for scheme in _SHOWN_SCHEMES:
            if shown.lower().startswith(scheme):
                shown = shown[len(scheme) :].split("?")[0]
        if shown and not shown.startswith("#") and shown not in words:
            self.address = (shown, alone) if words else (shown, False)

    def _settle(self, alone: bool) -> None:
        """Write the address of the link just ended: `alone` says whether its line ends here."""
        if self.address is None:
            return
        address, begun = self.address
        self.address = None
        space = self.space
        self.out.append(f": {address}" if alone and begun else f" ({address})")
        self.space = space
