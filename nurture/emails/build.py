"""The last stage of compiling: marked HTML and text become one Jinja2 template and a list of constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import escape

from nurture.emails.anchors import Anchors
from nurture.emails.fold import fold
from nurture.emails.marks import CONSTANT, DYNAMIC, END, LINK, PIXEL, SECTION, SPLIT, is_dynamic
from nurture.emails.sandbox import Environment
from nurture.emails.source import FOLDER, Kind, Piece, refuse

MAX_CONSTANTS = 0x8000


class Builder:
    """Collects the template. `lines` tells for each line of `source` the file and line it comes from."""

    def __init__(self, env: Environment, anchors: Anchors, known: Mapping[str, Any]) -> None:
        self.env, self.anchors, self.known = env, anchors, known
        self.constants: list[str] = []
        self.lines: list[tuple[str, int]] = [("", 1)]
        self._numbers: dict[str, int] = {}
        self._out: list[str] = []

    @property
    def source(self) -> str:
        return "".join(self._out)

    def html(self, marked: str, pieces: Sequence[Piece]) -> None:
        """Add the HTML; what it prints is escaped."""
        self._section(marked.rstrip() + "\n", pieces, "true")

    def text(self, marked: str, pieces: Sequence[Piece]) -> None:
        """Add the plain text; what it prints stands as it is."""
        self._out.append(SECTION)
        self._section(marked, pieces, "false")

    def _section(self, marked: str, pieces: Sequence[Piece], escaped: str) -> None:
        self._out.append(f"{{% autoescape {escaped} %}}{{% with %}}")
        folded = fold(self.env, pieces, self.known)
        pending = ""
        for part, mark in _parts(marked):
            number = ord(mark) - CONSTANT if mark else -1
            pending += part
            if number in folded:
                pending += str(escape(folded[number])) if escaped == "true" else folded[number]
            elif mark:
                self._constant(pending)
                pending = ""
                self._mark(mark, pieces)
        self._constant(pending)
        self._out.append("{% endwith %}{% endautoescape %}")

    def _constant(self, text: str) -> None:
        if not text:
            return
        if text not in self._numbers:
            if len(self.constants) >= MAX_CONSTANTS:
                raise refuse(self.anchors.pieces[0].problem("size", "the email has too many pieces"))
            self._numbers[text] = len(self.constants)
            self.constants.append(text)
        self._out.append(chr(CONSTANT + self._numbers[text]))

    def _mark(self, mark: str, pieces: Sequence[Piece]) -> None:
        if is_dynamic(mark):
            self._out.append(f"{mark}{{% autoescape false %}}")
            self._destination(self.anchors.dynamic[ord(mark) - DYNAMIC], pieces)
            self._out.append(f"{{% endautoescape %}}{END}")
        elif ord(mark) >= LINK or mark == PIXEL:
            self._out.append(mark)
        else:
            self._out.append(self.anchors.system(mark) or self._tag(pieces[ord(mark) - CONSTANT]))

    def _destination(self, marked: str, pieces: Sequence[Piece]) -> None:
        for part, mark in _parts(marked):
            if part:
                self._out.append(literal(part))
            if mark:
                self._out.append(self._tag(pieces[ord(mark) - CONSTANT]))

    def _tag(self, piece: Piece) -> str:
        """The tag on a line of its own, so that an error at run time leads back to the marketer's line."""
        self.lines += [(FOLDER + piece.path, piece.line)] * (1 + piece.text.count("\n"))
        return tag(piece)


def _parts(marked: str) -> Iterator[tuple[str, str]]:
    parts = SPLIT.split(marked)
    return zip(parts[::2], [*parts[1::2], ""], strict=True)


def tag(piece: Piece) -> str:
    """A template tag as Jinja2 reads it."""
    return f"{{{{\n{piece.text} }}}}" if piece.kind is Kind.VALUE else f"{{%\n{piece.text} %}}"


def literal(text: str) -> str:
    """`text` as Jinja2 prints it unchanged."""
    return f"{{% raw %}}{text}{{% endraw %}}" if "{" in text else text


def text_template(pieces: Sequence[Piece]) -> str:
    """A template that prints `pieces` unescaped, for a subject or preheader."""
    inner = "".join(literal(piece.text) if piece.kind is Kind.TEXT else tag(piece) for piece in pieces)
    return f"{{% autoescape false %}}{inner}{{% endautoescape %}}"
