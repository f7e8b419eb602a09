"""Names in templates that nobody knows: variables, and attributes of what is known, each with the nearest right one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache

from jinja2 import meta, nodes

from nurture.core.problem import Problem
from nurture.emails.build import tag
from nurture.emails.inherit import expand
from nurture.emails.source import Kind, Piece, Source, beside, cut, environment, versions

EVENT = frozenset({"event"})
"""Known besides in the emails of campaigns that people enter on an event."""

CONFIRM = frozenset({"links.confirm"})
"""Known besides in the emails of steps that ask for consent."""

COUPON = frozenset({"coupon"})
"""Known besides in the emails of steps that give one."""

REFERRAL = frozenset({"links.referral"})
"""Known besides where the project says where shared links lead."""

KNOWN = frozenset({"contact", "campaign", "project", "last_purchase", "links", "email", "_", "range"})
CONTACT = frozenset({
    "address", "first_name", "last_name", "locale", "country", "timezone", "stage", "signed_up_at", "account",
    "account_owner",
})  # fmt: skip
"""What nurture itself knows of everybody. Columns of a project's own stand beside these, so only typos are told."""

_FIXED = {
    "links": frozenset({"view", "preferences", "unsubscribe"}),
    "email": frozenset({"subject", "preheader"}),
    "campaign": frozenset({"name", "title"}),
    "coupon": frozenset({"code", "worth", "expires_at"}),
    "project": frozenset({"name", "postal_address", "legal", "currency"}),
    "last_purchase": frozenset({"order_id", "at", "total", "items"}),
}
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
_OTHER_PROGRAMS = {
    "fname": "contact.first_name", "firstname": "contact.first_name", "name": "contact.first_name",
    "lname": "contact.last_name", "lastname": "contact.last_name", "email_address": "contact.address",
    "unsub": "links.unsubscribe", "unsubscribe": "links.unsubscribe", "unsubscribe_url": "links.unsubscribe",
    "unsubscribe_link": "links.unsubscribe", "webversion": "links.view", "company": "contact.account",
}  # fmt: skip
"""How mail-merge programs call what nurture knows."""

_ALIKE = 0.85
_OWN = frozenset({"state", "county"})
"""Columns that many have, and that only look like a typo."""

RULE = "unknown-variable"


@dataclass(frozen=True, slots=True)
class Use:
    """A name that is not known, where it stands in the text that was read, and the names there are instead."""

    name: str
    line: int
    known: frozenset[str]


def undeclared(files: Mapping[str, str], template: str, more: frozenset[str] = frozenset()) -> list[Problem]:
    """Names in `template`, its subject and its layouts that no email knows, each with the nearest that it does.

    `more` are known besides, columns of the project's own as `contact.NAME`. Raises ProjectError where a file cannot
    be read at all.
    """
    problems: set[Problem] = set()
    for version in versions(files, template):
        front, pieces = expand(files, version.path, version.locale)
        problems.update(_unknown(pieces, KNOWN | more))
        for header in front.headers(version.path):
            problems.update(unknown_in(header, KNOWN | more))
        if other := beside(files, version.path, ".txt"):
            problems.update(_unknown(expand(files, other, version.locale)[1], KNOWN | more))
    return sorted(problems)


def unknown_in(source: Source, names: frozenset[str]) -> Iterator[Problem]:
    """Every use of a name that is not among `names` in one text. Raises ProjectError where it cannot be read."""
    return _unknown(cut(source), names)


def _unknown(pieces: Sequence[Piece], names: frozenset[str]) -> Iterator[Problem]:
    """Every use of an unknown name. The tags are parsed together, each on lines whose origin is remembered."""
    origin: list[tuple[Piece, int] | None] = [None]
    out = []
    for piece in pieces:
        if piece.kind is not Kind.TEXT:
            out.append(tag(piece))
            starts = [0, *(match.end() for match in re.finditer("\n", piece.text))]
            origin += [(piece, start) for start in starts]
    for use in _uses("".join(out), names):
        piece, start = origin[min(use.line, len(origin)) - 1] or (pieces[0], 0)
        yield _told(piece, start, use)


def _told(piece: Piece, start: int, use: Use) -> Problem:
    owner, _, last = use.name.rpartition(".")
    dotted = rf"\b{re.escape(owner)}\s*(?:\.\s*|\[\s*[\"'])" if owner else r"(?<![\w.])"
    found = re.compile(rf"{dotted}({re.escape(last)})\b").search(piece.text, start)
    at = found.start(1) if found else start
    if use.name in _ELSEWHERE:
        return piece.problem(RULE, *_ELSEWHERE[use.name], at)
    near = _meant(owner, last, use.known)
    shown = sorted(one for one in use.known - {"_", "range"} if "." not in one)
    listed = ", ".join(f"{owner}.{one}" if owner else one for one in shown)
    return piece.problem(RULE, f"{use.name!r} is not known to emails", near or f"known are {listed}", at)


def _meant(owner: str, last: str, known: frozenset[str]) -> str | None:
    """The name that was probably meant, as a hint."""
    alias = None if owner else _OTHER_PROGRAMS.get(last.lower())
    own = [] if owner else get_close_matches(last.lower(), sorted(CONTACT), 1, 0.9)
    near = get_close_matches(last, sorted(known), 1)
    full = alias or (f"contact.{own[0]}" if own else near and (f"{owner}.{near[0]}" if owner else near[0]))
    return f"did you mean {full}?" if full else None


@lru_cache(maxsize=1024)
def _uses(text: str, names: frozenset[str]) -> tuple[Use, ...]:
    tree = environment().parse(text)
    guarded = {
        id(node.node) for node in tree.find_all((nodes.Filter, nodes.Test)) if node.name in ("default", "defined")
    }
    return tuple(_used(tree, meta.find_undeclared_variables(tree) - names, names, guarded))


def _used(tree: nodes.Template, unknown: set[str], names: frozenset[str], guarded: set[int]) -> Iterator[Use]:
    for node in tree.find_all(nodes.Name):
        if node.name in unknown and node.ctx == "load":
            yield Use(node.name, node.lineno, names)
    asked: list[nodes.Getattr | nodes.Getitem] = [*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Getitem)]
    for one in asked:
        owner, last = getattr(one.node, "name", ""), _attribute(one)
        known = CONTACT if owner == "contact" else _FIXED.get(owner)
        if known is None or last is None or last in known or f"{owner}.{last}" in names:
            continue
        if owner != "contact" or (id(one) not in guarded and _typo(last)):
            yield Use(f"{owner}.{last}", one.lineno, known)


def _attribute(node: nodes.Getattr | nodes.Getitem) -> str | None:
    """The attribute that is asked for by name, after a dot or in brackets."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None


def _typo(name: str) -> bool:
    """Whether a column of the contact looks like one of nurture's own, misspelt."""
    if name in _OWN or any(char.isdigit() for char in name):
        return False
    return any(SequenceMatcher(None, name, one).ratio() >= _ALIKE for one in CONTACT)
