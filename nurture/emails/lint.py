"""What can be said of a template without filling it: what mailboxes and people dislike."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from nurture.core.problem import Problem
from nurture.emails import css
from nurture.emails.compile import CompiledEmail
from nurture.emails.inherit import expand
from nurture.emails.marks import PIECE
from nurture.emails.source import FOLDER, Kind, Piece, read, versions

CLIPPED = 102_000
"""Bytes of HTML past which Gmail cuts an email off, its pixel and unsubscribe link with it."""

_IMAGE = re.compile(r"<(?:img|mj-image)(?=[\s>/])(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.I)
_ALT = re.compile(r"\salt(?=[\s=>/])", re.I)
_WIDTH = re.compile(r"\swidth=", re.I)
_SRC = re.compile(r"\ssrc=(?:\"([^\"]*)\"|'([^']*)'|([^\s>]*))", re.I)
_ADDRESS = re.compile(r"\s(?:href|src)=[\"']?\s*(https?://[^\s\"'<>]*)", re.I)
_HOME = re.compile(r"(?:\A|\.)(?:localhost|local|internal|intranet|lan|home|corp)\Z", re.I)


@dataclass(frozen=True, slots=True)
class Dislike:
    """Something not good at an offset of the HTML."""

    at: int
    rule: str
    message: str
    hint: str
    severity: str = "warning"


def lint(files: Mapping[str, str], template: str, at_home: bool = True) -> list[Problem]:
    """What is not good about `template` in each of its locales: errors first need mending, warnings may stand.

    `at_home` says that the project is not reached from outside yet, so its links need not be. Raises ProjectError
    where a file cannot be read at all.
    """
    problems: set[Problem] = set()
    for version in versions(files, template):
        front, pieces = expand(files, version.path, version.locale)
        if not (front.subject or "").strip():
            hint = 'write it between two lines of ---: subject: "…"'
            line = 1 if read(files, version.path).first_line == 1 else 2
            problems.add(Problem(FOLDER + version.path, line, 1, "subject", "the email has no subject", hint))
        problems.update(_disliked(pieces, at_home))
    return sorted(problems)


def oversize(compiled: CompiledEmail) -> Problem | None:
    """The warning that Gmail would clip this email, if it would, before any value is filled in."""
    html = compiled.source.split("\U0010f002")[0]
    size = sum(len(text.encode()) for n, text in enumerate(compiled.constants) if chr(PIECE + n) in html)
    if size <= CLIPPED:
        return None
    path = compiled.front_lines[0][0]
    message = f"the email has {size // 1000} kB of HTML, and Gmail cuts it off after {CLIPPED // 1000} kB"
    return Problem(path, 1, 1, "size", message, "shorten it, or move styles out of style attributes", "warning")


@dataclass(frozen=True, slots=True)
class Owed:
    """What an email of such a step must hold somewhere, and what is said where it does not."""

    rule: str
    sought: re.Pattern[str]
    message: str
    hint: str


CODE = Owed(
    "coupon", re.compile(r"\bcoupon\s*(?:\.\s*code|\[)"),
    "this email gives a coupon, and its code is shown nowhere", "print it: {{ coupon.code }}",
)  # fmt: skip
CONFIRMATION = Owed(
    "ask-consent", re.compile(r"\blinks\s*(?:\.\s*confirm\b|\[)"),
    "this email asks for consent, and leads to the page that takes it nowhere",
    'link to it: <a href="{{ links.confirm }}">…</a>',
)  # fmt: skip


def missing(files: Mapping[str, str], template: str, owed: Owed) -> list[Problem]:
    """The warning that an email holds nowhere what its step owes, in each of its locales that does not.

    Raises ProjectError where a file cannot be read at all.
    """
    return [
        Problem(FOLDER + version.path, 1, 1, owed.rule, owed.message, owed.hint, "warning")
        for version in versions(files, template)
        if not any(
            piece.kind is not Kind.TEXT and owed.sought.search(piece.text)
            for piece in expand(files, version.path, version.locale)[1]
        )
    ]


def _disliked(pieces: Sequence[Piece], at_home: bool) -> Iterator[Problem]:
    html = "".join(piece.text if piece.kind is Kind.TEXT else chr(PIECE) for piece in pieces)
    where = Offsets(pieces)
    for one in (*_images(html), *_addresses(html, at_home), *_styles(html)):
        yield where.problem(one)


def _images(html: str) -> Iterator[Dislike]:
    """What is not good about images. Where an address varies by contact, nothing is said of it."""
    for match in _IMAGE.finditer(html):
        tag, at = match[0], match.start()
        if not _ALT.search(tag):
            hint = 'say what it shows, alt="…", or alt="" for decoration'
            yield Dislike(at, "alt", "this image has no words for those who do not see it", hint)
        if not _WIDTH.search(tag):
            hint = 'write width="…" in pixels, without px; a style may make it narrower'
            yield Dislike(at, "width", "this image has no width, and Outlook shows it as large as its file", hint)
        src = _SRC.search(tag)
        url = (src[1] or src[2] or src[3] or "").strip() if src else ""
        if not re.match(rf"https?://|{chr(PIECE)}", url, re.I):
            message = f"this image has no address that a mailbox can fetch: {url[:60]!r}"
            hint = "put the file on a web server and write its whole address, https://…"
            yield Dislike(at, "image", message, hint, "error")


def _addresses(html: str, at_home: bool) -> Iterator[Dislike]:
    """Addresses that strangers cannot reach, or not in private."""
    for match in _ADDRESS.finditer(html):
        url, at = match[1], match.start(1)
        if is_private(url):
            message = f"only your own network can reach this: {url[:60]}"
            hint = "write the address under which everybody reaches it"
            yield Dislike(at, "private-link", message, hint, "warning" if at_home else "error")
        elif url.lower().startswith("http://"):
            safe = "https" + url[4:] if chr(PIECE) not in url else "https://…"
            yield Dislike(at, "https", "this address is not https", f"write {safe}")


def is_private(url: str) -> bool:
    """Whether an address is one of a machine or network of somebody's own (RFC 6761, RFC 6762, RFC 1918)."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if not host or chr(PIECE) in host:
        return False
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or _HOME.search(host) is not None


def _styles(html: str) -> Iterator[Dislike]:
    for one in css.ignored(html):
        yield Dislike(one.at, "css-ignored", one.message, one.hint)


class Offsets:
    """Where the offsets of an email's HTML, each tag one character in it, stand in its files."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        self.starts = []
        at = 0
        for piece in pieces:
            self.starts.append(at)
            at += len(piece.text) if piece.kind is Kind.TEXT else 1

    def problem(self, one: Dislike) -> Problem:
        """The dislike with its file, line and column."""
        number = bisect_right(self.starts, one.at) - 1
        piece = self.pieces[number]
        line, column = piece.place(one.at - self.starts[number] if piece.kind is Kind.TEXT else 0)
        return Problem(FOLDER + piece.path, line, column, one.rule, one.message, one.hint, one.severity)
