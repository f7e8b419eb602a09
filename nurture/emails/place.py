"""Where in the HTML a template tag stands, told while reading what a person wrote from left to right."""

from __future__ import annotations

import re
from enum import Enum


class Place(Enum):
    """What surrounds a point of an HTML source."""

    TEXT = "text"
    TAG = "a tag"
    QUOTED = "a quoted value"
    BARE = "a value without quotes"
    COMMENT = "a comment"
    TITLE = "a title"
    STYLE = "a style sheet"
    SCRIPT = "a script"


_RAW = {"title": Place.TITLE, "textarea": Place.TITLE, "style": Place.STYLE, "script": Place.SCRIPT}
_OPENING = re.compile(r"<(?:(!--)|(/?)([A-Za-z][^\s/>]*)|([!?]))")
_IN_TAG = re.compile(r"=\s*([\"'])|=\s*(?=[^\s\"'>])|=\s*\Z|>")
_BARE_END = re.compile(r"[\s>]")
_ROW_PARTS = frozenset({"tr", "td", "th", "tbody", "thead", "tfoot", "caption", "colgroup", "col"})


class Reader:
    """Follows HTML from piece to piece. `place` is where it stands; `rows_need_body` whether a row that came
    now would stand right in its table, where an HTML parser opens a `<tbody>` of its own."""

    def __init__(self) -> None:
        self.place = Place.TEXT
        self._name = ""
        self._closing = False
        self._quote = ""
        self._tables: list[bool] = []

    @property
    def rows_need_body(self) -> bool:
        return bool(self._tables) and not self._tables[-1]

    def open_body(self) -> None:
        """A `<tbody>` was put in here."""
        self._tables[-1] = True

    def read(self, html: str) -> str | None:
        """Go over `html`. Returns the name of a row or cell that stands in no table, if one does."""
        position, stray = 0, None
        while position < len(html):
            before = self.place
            position = self._step(html, position)
            if before is Place.TEXT and self.place is Place.TAG and not self._closing:
                stray = stray or self._stray()
        return stray

    def _stray(self) -> str | None:
        return self._name if self._name in _ROW_PARTS and not self._tables else None

    def _step(self, html: str, position: int) -> int:
        match self.place:
            case Place.TEXT:
                return self._text(html, position)
            case Place.TAG:
                return self._tag(html, position)
            case Place.QUOTED:
                return self._until(html, position, self._quote, Place.TAG)
            case Place.BARE:
                return self._bare(html, position)
            case Place.COMMENT:
                return self._until(html, position, "-->", Place.TEXT)
            case _:
                return self._raw(html, position)

    def _until(self, html: str, position: int, end: str, then: Place) -> int:
        found = html.find(end, position)
        if found < 0:
            return len(html)
        self.place = then
        return found + len(end)

    def _text(self, html: str, position: int) -> int:
        match = _OPENING.search(html, position)
        if match is None:
            return len(html)
        if match[1]:
            self.place = Place.COMMENT
        else:
            self.place, self._closing = Place.TAG, bool(match[2])
            self._name = (match[3] or "").lower()
        return match.end()

    def _tag(self, html: str, position: int) -> int:
        match = _IN_TAG.search(html, position)
        if match is None:
            return len(html)
        if match[0] == ">":
            self._ended()
        elif match[1]:
            self.place, self._quote = Place.QUOTED, match[1]
        else:
            self.place = Place.BARE
        return match.end()

    def _bare(self, html: str, position: int) -> int:
        match = _BARE_END.search(html, position)
        if match is None:
            return len(html)
        if match[0] == ">":
            self._ended()
        else:
            self.place = Place.TAG
        return match.end()

    def _raw(self, html: str, position: int) -> int:
        match = re.compile(rf"</{self._name}(?=[\s/>])", re.I).search(html, position)
        if match is None:
            return len(html)
        self.place, self._closing = Place.TAG, True
        return match.end()

    def _ended(self) -> None:
        self.place = Place.TEXT if self._closing else _RAW.get(self._name, Place.TEXT)
        name, tables = self._name, self._tables
        if name == "table" and not self._closing:
            tables.append(False)
        elif tables and name == "table":
            tables.pop()
        elif tables and name in ("tbody", "thead", "tfoot"):
            tables[-1] = not self._closing
        elif tables and name == "tr":
            tables[-1] = True
