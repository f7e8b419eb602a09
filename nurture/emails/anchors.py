"""The links of an email: found in its HTML or its text, numbered, and replaced by marks."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from nurture.core.problem import Problem
from nurture.emails.links import safe_url
from nurture.emails.marks import (
    ANY,
    CONFIRM,
    DYNAMIC,
    LINK,
    MAX_LINKS,
    PIECE,
    PLANES,
    PREFERENCES,
    REFERRAL,
    UNSUBSCRIBE,
    VIEW,
)
from nurture.emails.source import FOLDER, Kind, Piece, refuse

SYSTEM = {"view": VIEW, "preferences": PREFERENCES, "unsubscribe": UNSUBSCRIBE, "referral": REFERRAL,
          "confirm": CONFIRM}  # fmt: skip
"""`links.*`, and the mark each leaves."""

_SYSTEM = re.compile(r"links\s*\.\s*(view|preferences|unsubscribe|referral|confirm)\Z")
_ANCHOR = re.compile(r"<(?:a|area|v:roundrect|v:rect)(?=\s)(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.I)
_HREF = re.compile(r"(\shref=)(\"[^\"]*\"|'[^']*')", re.I)
_SWITCH = re.compile(r"\sdata-track=(?:\"([^\"]*)\"|'([^']*)')", re.I)
_UNTOUCHED = re.compile(r"\s*(?:#|mailto:|tel:|sms:|\Z)", re.I)
_BARE = re.compile(rf"https?://(?:[^\s<>\"]|[{PLANES}])+")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+([/?#]|\Z)", re.I)
_WHOLE = "write the whole address, https://… , without spaces"
_TRAILING = ".,;:!?)]}'"


@dataclass(slots=True)
class Anchors:
    """The links found so far. `links` holds the destination by number, None where it varies; `dynamic` the
    texts of those, with marks for their template tags; `plain` the numbers that are never tracked."""

    pieces: Sequence[Piece]
    links: list[str | None] = field(default_factory=list)
    dynamic: dict[int, str] = field(default_factory=dict)
    plain: set[int] = field(default_factory=set)

    def in_html(self, html: str) -> str:
        """`html` with the destination of every link replaced by its mark. Raises ProjectError."""
        return _ANCHOR.sub(lambda match: self._anchor(match[0]), html)

    def in_text(self, text: str) -> str:
        """`text` with every address that begins with http(s):// replaced by its mark."""
        return _BARE.sub(lambda match: self._bare(match[0]), text)

    def _anchor(self, tag: str) -> str:
        switch = _SWITCH.search(tag)
        tracked = switch is None or (switch[1] or switch[2] or "").lower() not in ("no", "false", "off")
        tag = _SWITCH.sub("", tag)
        return _HREF.sub(lambda match: f'{match[1]}"{self._href(match[2][1:-1], tracked)}"', tag, count=1)

    def _href(self, href: str, tracked: bool) -> str:
        url = entities.unescape(href).strip()
        if _UNTOUCHED.match(url) or self.system(url):
            return href
        for mark in ANY.findall(url):
            if self.system(mark):
                message = "links.view, links.preferences, links.unsubscribe and their like are whole addresses"
                raise refuse(self._piece(mark).problem("link", message, "leave nothing beside them in href"))
        if ANY.search(url):
            return self._varying(url, tracked)
        if not safe_url(url):
            raise refuse(self._unsafe(url))
        return self._constant(url) if tracked else href

    def _bare(self, url: str) -> str:
        kept = url.rstrip(_TRAILING)
        if any(self._piece(mark).kind is Kind.TAG for mark in ANY.findall(kept)):
            kept = next(part for part in ANY.split(kept))
        rest = url[len(kept) :]
        if ANY.search(kept):
            return self._varying(kept, True) + rest
        if not safe_url(kept):
            return url
        if kept in self.links:
            return chr(LINK + self.links.index(kept)) + rest
        return self._constant(kept) + rest

    def system(self, url: str) -> str | None:
        """The mark of `links.view` and its like, if `url` is just that."""
        if len(url) != 1 or not ANY.match(url):
            return None
        match = _SYSTEM.match(self._piece(url).text)
        return SYSTEM[match[1]] if match else None

    def _piece(self, mark: str) -> Piece:
        return self.pieces[ord(mark) - PIECE]

    def _constant(self, url: str) -> str:
        return chr(LINK + self._number(url))

    def _varying(self, url: str, tracked: bool) -> str:
        number = self._number(None)
        self.dynamic[number] = url
        if not tracked:
            self.plain.add(number)
        return chr(DYNAMIC + number)

    def _number(self, url: str | None) -> int:
        if len(self.links) >= MAX_LINKS:
            raise refuse(self.pieces[0].problem("links", f"the email has more than {MAX_LINKS} links"))
        self.links.append(url)
        return len(self.links) - 1

    def _unsafe(self, url: str) -> Problem:
        path, line, column = locate(self.pieces, url)
        message = f"this link cannot be followed from an email: {url[:80]!r}"
        whole = f"https://{url}"
        hint = f"did you mean '{whole}'?" if _HOST.match(url) and safe_url(whole) else _WHOLE
        return Problem(FOLDER + path, line, column, "link", message, hint)


def locate(pieces: Sequence[Piece], text: str) -> tuple[str, int, int]:
    """The file, line and column where `text` stands, else where the email begins."""
    for piece in pieces:
        for form in (text, entities.escape(text)):
            if piece.kind is Kind.TEXT and (at := piece.text.find(form)) >= 0:
                return piece.path, *piece.place(at)
    return (pieces[0].path, 1, 1) if pieces else ("", 1, 1)
