"""What a mailbox shows of an email before it is opened, for whomever it goes to; and how one gets out of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jinja2 import Template
from jinja2.exceptions import TemplateError

from nurture.core.problem import Problem
from nurture.emails.budget import Budget
from nurture.emails.build import text_template
from nurture.emails.filters import BUDGET
from nurture.emails.footer import left_out
from nurture.emails.inherit import expand
from nurture.emails.source import FOLDER, Kind, Piece, Source, Version, cut, environment, read, versions

SHOWN = 70
"""Characters of a subject that mailboxes on large screens show; on phones about half of them."""

_DAY = datetime(2026, 11, 27, 10, 7, tzinfo=UTC)
_CONTACT = {
    "address": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "locale": "en", "country": "GB",
    "timezone": "Europe/London", "stage": "lead", "signed_up_at": _DAY, "account": "Analytical Engines",
    "account_owner": "Grace Hopper",
}  # fmt: skip
PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "": _CONTACT,
    "with a long name": {**_CONTACT, "first_name": "Maximiliane-Alexandra", "last_name": "Papadopoulou-Schwarzenegger"},
    "without a name": {**_CONTACT, "first_name": "", "last_name": ""},
}
"""Contacts a subject is tried with, by what is unusual about them."""

_COUPON = {"code": "SPRING-4X7K9", "worth": "10%", "expires_at": _DAY}


@dataclass(frozen=True, slots=True)
class Said:
    """Something about a subject: the rule, what is wrong, what to write, how bad it is."""

    rule: str
    message: str
    hint: str
    severity: str


def mailbox(files: Mapping[str, str], template: str, known: Mapping[str, Any], own_subject: bool) -> list[Problem]:
    """What is not good about the subject, the preheader and the way out of `template`, in each of its locales.

    `known` are the values that are the same for everybody. Without `own_subject` the template's subject is not sent,
    and nothing is said of it. Raises ProjectError where a file cannot be read at all.
    """
    problems: set[Problem] = set()
    for version in versions(files, template):
        front, pieces = expand(files, version.path, version.locale)
        subject, _ = front.headers(version.path)
        for said in subject_said(subject, known) if own_subject else ():
            place = _value(files[version.path], front.subject_line, front.subject_column)
            problems.add(_problem(FOLDER + version.path, place, said))
        problems.update(_preheader(files, version))
        problems.update(_ways_out(version, pieces))
    return sorted(problems)


def subject_said(subject: Source, known: Mapping[str, Any]) -> Iterator[Said]:
    """What is wrong with a subject for some contact. What it says of orders and events is not known beforehand."""
    pieces = cut(subject)
    template = environment().from_string(text_template(pieces))
    texts = {who: _filled(template, {**known, "contact": person}) for who, person in PEOPLE.items()}
    if not subject.body.strip() or texts[""] is None:
        return
    empty = texts["without a name"]
    if empty is not None and not empty.strip():
        first = next((piece.text for piece in pieces if piece.kind is Kind.VALUE), "contact.first_name")
        hint = f"say something to them too: {{{{ {first} or 'Hello' }}}}"
        yield Said("empty-subject", "the subject is empty for a contact without a name", hint, "error")
    for who, severity in (("", "warning"), ("with a long name", "note")):
        text = texts[who]
        if text is not None and len(text) > SHOWN:
            whom = f" for a contact {who}" if who else ""
            message = f"the subject has {len(text)} characters{whom}, and mailboxes show about {SHOWN}"
            yield Said("long-subject", message, "say what matters first, in fewer words", severity)
            return


def _filled(template: Template, values: Mapping[str, Any]) -> str | None:
    context = {"coupon": _COUPON, **values, BUDGET: Budget("en", "UTC")}
    try:
        return template.render(context)
    except (TemplateError, ValueError, TypeError, KeyError):
        return None


def _value(text: str, line: int, column: int) -> tuple[int, int]:
    """Where a value of the front matter begins, its quote included."""
    before = text.split("\n")[line - 1][: column - 1] if column > 1 else ""
    return line, column - 1 if before[-1:] in ("'", '"') else column


def _problem(path: str, place: tuple[int, int], said: Said) -> Problem:
    return Problem(path, *place, said.rule, said.message, said.hint, said.severity)


def _preheader(files: Mapping[str, str], version: Version) -> Iterator[Problem]:
    front = read(files, version.path).front
    if front.subject is not None and not (front.preheader or "").strip():
        message = "without a preheader, mailboxes show the first words of the email after its subject"
        hint = 'write one below the subject: preheader: "…"'
        yield Problem(FOLDER + version.path, front.subject_line, 1, "no-preheader", message, hint, "warning")


def _ways_out(version: Version, pieces: list[Piece]) -> Iterator[Problem]:
    for rule, message, hint in left_out(pieces):
        path, line, column = version.path, 1, 1
        for piece in pieces:
            if piece.kind is Kind.TEXT and (found := re.search(r"</body\s*>", piece.text, re.I)):
                path, (line, column) = piece.path, piece.place(found.start())
        yield Problem(FOLDER + path, line, column, rule, message, hint, "warning")
