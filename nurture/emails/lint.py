"""What can be said of a template without filling it: names nobody knows, and what mailboxes dislike."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache

from jinja2 import meta, nodes

from nurture.core.problem import Problem
from nurture.emails.build import literal, tag
from nurture.emails.compile import CompiledEmail
from nurture.emails.inherit import expand
from nurture.emails.marks import PIECE
from nurture.emails.source import FOLDER, Front, Kind, Piece, Source, beside, cut, environment, written

CLIPPED = 102_000
"""Bytes of HTML past which Gmail cuts an email off, its pixel and unsubscribe link with it."""

EVENT = frozenset({"event"})
"""Known besides in the emails of campaigns that people enter on an event."""

CONFIRM = frozenset({"links.confirm"})
"""Known besides in the emails of steps that ask for consent."""

COUPON = frozenset({"coupon"})
"""Known besides in the emails of steps that give one."""

KNOWN = frozenset({"contact", "campaign", "project", "last_purchase", "links", "email", "_", "range"})
_FIXED = {
    "links": frozenset({"view", "preferences", "unsubscribe"}),
    "email": frozenset({"subject", "preheader"}),
    "campaign": frozenset({"name", "title"}),
    "coupon": frozenset({"code", "worth", "expires_at"}),
    "project": frozenset({"name", "postal_address", "legal", "currency"}),
}
REFERRAL = frozenset({"links.referral"})
"""Known besides where the project says where shared links lead."""

_ELSEWHERE = {
    "links.referral": ("'links.referral' leads nowhere: nurture.yaml does not say where to",
                       "write it there: 'referral: {url: https://…}'"),
    "event": ("'event' is known only to emails of campaigns that people enter on an event",
              "write 'enter: {on: …}' in the campaign's file"),
    "coupon": ("'coupon' is known only to emails of steps that give one",
               "write 'coupon: {pool: …, valid_for: 7 days}' at the step"),
    "links.confirm": ("'links.confirm' is known only to emails of steps that ask for consent",
                      "write 'ask_consent: TOPIC' at the step"),
}  # fmt: skip
_IMAGE = re.compile(r"<(?:img|mj-image)(?=[\s>/])(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.I)
_ALT = re.compile(r"\salt(?=[\s=>/])", re.I)
_WIDTH = re.compile(r"\swidth=", re.I)
_SRC = re.compile(r"\ssrc=(?:\"([^\"]*)\"|'([^']*)'|([^\s>]*))", re.I)
_PLAIN_HTTP = re.compile(r"\s(?:href|src)=[\"']?\s*http://", re.I)


def lint(files: Mapping[str, str], template: str) -> list[Problem]:
    """What is not good about `template` in each of its locales: errors first need mending, warnings may stand.

    Raises ProjectError where a file cannot be read at all.
    """
    problems: set[Problem] = set()
    for path, front, pieces in _versions(files, template):
        if not (front.subject or "").strip():
            hint = 'write it between two lines of ---: subject: "…"'
            problems.add(Problem(FOLDER + path, 1, 1, "subject", "the email has no subject", hint))
        problems.update(_disliked(pieces))
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


def undeclared(files: Mapping[str, str], template: str, more: frozenset[str] = frozenset()) -> list[Problem]:
    """Names in `template`, its subject and its layouts that no email knows, each with the nearest that it does.

    `more` are known besides. Raises ProjectError where a file cannot be read at all.
    """
    problems: set[Problem] = set()
    names = KNOWN | more
    for path, front, pieces in _versions(files, template):
        problems.update(_unknown(pieces, names))
        for text, line in ((front.subject, front.subject_line), (front.preheader, front.preheader_line)):
            problems.update(_unknown(cut(Source(path, Front(), text or "", line)), names))
        if other := beside(files, path, ".txt"):
            problems.update(_unknown(expand(files, other, _locale(path, template))[1], names))
    return sorted(problems)


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
        Problem(FOLDER + path, 1, 1, owed.rule, owed.message, owed.hint, "warning")
        for path, _, pieces in _versions(files, template)
        if not any(piece.kind is not Kind.TEXT and owed.sought.search(piece.text) for piece in pieces)
    ]


def _versions(files: Mapping[str, str], template: str) -> Iterator[tuple[str, Front, list[Piece]]]:
    for locale, path in sorted(written(files, template).items()):
        yield (path, *expand(files, path, locale))


def _locale(path: str, template: str) -> str:
    return path.removeprefix(template).rpartition(".")[0].lstrip(".")


def _disliked(pieces: Sequence[Piece]) -> Iterator[Problem]:
    html = "".join(piece.text if piece.kind is Kind.TEXT else chr(PIECE) for piece in pieces)
    for match in _IMAGE.finditer(html):
        for rule, message, hint, severity in _image(match[0]):
            yield replace(_warning(pieces, match.start(), rule, message, hint), severity=severity)
    for match in _PLAIN_HTTP.finditer(html):
        yield _warning(pieces, match.start() + 1, "https", "this address is not https", "write https://")


def _image(tag: str) -> Iterator[tuple[str, str, str, str]]:
    """What is not good about an image, by rule. Where its address varies by contact, nothing is said of it."""
    if not _ALT.search(tag):
        hint = 'say what it shows, alt="…", or alt="" for decoration'
        yield "alt", "this image has no words for those who do not see it", hint, "warning"
    if not _WIDTH.search(tag):
        hint = 'write width="…" in pixels, without px; a style may make it narrower'
        yield "width", "this image has no width, and Outlook shows it as large as its file", hint, "warning"
    src = _SRC.search(tag)
    url = (src[1] or src[2] or src[3] or "").strip() if src else ""
    if not re.match(rf"https?://|{chr(PIECE)}", url, re.I):
        message = f"this image has no address that a mailbox can fetch: {url[:60]!r}"
        yield "image", message, "put the file on a web server and write its whole address, https://…", "error"


def _warning(pieces: Sequence[Piece], offset: int, rule: str, message: str, hint: str) -> Problem:
    starts, at = [], 0
    for piece in pieces:
        starts.append(at)
        at += len(piece.text) if piece.kind is Kind.TEXT else 1
    number = bisect_right(starts, offset) - 1
    piece = pieces[number]
    before = piece.text[: offset - starts[number]] if piece.kind is Kind.TEXT else ""
    column = len(before) - before.rfind("\n") if "\n" in before else 1
    line = piece.line + before.count("\n")
    return Problem(FOLDER + piece.path, line, column, rule, message, hint, "warning")


def _unknown(pieces: Sequence[Piece], names: frozenset[str]) -> Iterator[Problem]:
    """Every use of an unknown name. The tags are parsed together, each on lines whose origin is remembered."""
    origin: list[Piece | None] = [None]
    out = []
    for piece in pieces:
        if piece.kind is Kind.TEXT:
            out.append(literal(piece.text.replace("\n", " ")) if piece.text.strip() else " ")
        else:
            out.append(tag(piece))
            origin += [piece] * (1 + piece.text.count("\n"))
    for name, line, known in _uses("".join(out), names):
        piece = origin[min(line, len(origin)) - 1] or pieces[0]
        near = get_close_matches(name.rpartition(".")[2], sorted(known), 1)
        if name in _ELSEWHERE:
            yield piece.problem("name", *_ELSEWHERE[name])
            continue
        told = sorted(known - {"_", "range"} - REFERRAL)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(told)}"
        yield piece.problem("name", f"{name!r} is not known to emails", hint)


@lru_cache(maxsize=1024)
def _uses(text: str, names: frozenset[str]) -> tuple[tuple[str, int, frozenset[str]], ...]:
    tree = environment().parse(text)
    return tuple(_used(tree, meta.find_undeclared_variables(tree) - names, names))


def _used(tree: nodes.Template, unknown: set[str], names: frozenset[str]) -> Iterator[tuple[str, int, frozenset[str]]]:
    for node in tree.find_all((nodes.Name, nodes.Getattr)):
        if isinstance(node, nodes.Name):
            if node.name in unknown and node.ctx == "load":
                yield node.name, node.lineno, names
        elif isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
            fixed = _FIXED.get(node.node.name)
            name = f"{node.node.name}.{node.attr}"
            if fixed is not None and node.attr not in fixed and name not in names:
                yield name, node.lineno, fixed
