"""From a project's templates to a compiled email: all that never changes is done here, once.

The outcome holds one small Jinja2 template that prints marks for everything constant and the values of the
dynamic places, beside the constants, the links, and what the headers need. See `fill` for the other half.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nurture.core.email import Mailbox
from nurture.core.problem import Problem
from nurture.emails import mjml
from nurture.emails.anchors import Anchors
from nurture.emails.build import Builder, text_template
from nurture.emails.fold import assigned, fold
from nurture.emails.footer import completed
from nurture.emails.inherit import expand
from nurture.emails.inline import inline
from nurture.emails.marks import PIECE, PIXEL
from nurture.emails.mime import address_field, header_text
from nurture.emails.sandbox import Words
from nurture.emails.source import (
    FOLDER,
    Front,
    Kind,
    Piece,
    Source,
    beside,
    cut,
    environment,
    read,
    refuse,
    resolve_locale,
    variants,
)
from nurture.emails.text import derive

if TYPE_CHECKING:
    from nurture.emails.sandbox import Environment

__all__ = ["Branding", "CompiledEmail", "compile_email", "resolve_locale", "variants"]

FORMAT = 1
MAX_CONSTANT = 400_000
_BODY = re.compile(r"<body(?=[\s>])(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.I)
_HIDE = "display:none;max-height:0;max-width:0;overflow:hidden;mso-hide:all;font-size:1px;line-height:1px"
_PAD = "&#847;&zwnj;&nbsp;" * 30


@dataclass(frozen=True, slots=True)
class Branding:
    """What is the same in every email of one step: who writes, on whose behalf, in which campaign.

    `base_url` is where the links of nurture lead; `legal` maps keys like `mersis` to their text;
    `currency` and `default_locale` are the project's. `asks` are the topics that `links.confirm` agrees to.
    """

    project: str
    sender: Mailbox
    reply_to: str | None
    postal_address: str
    base_url: str
    campaign: str
    campaign_title: str
    step: str
    currency: str
    default_locale: str
    legal: Mapping[str, str] = field(default_factory=dict)
    transactional: bool = False
    asks: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        """The host of `base_url`, for List-Id."""
        return urlsplit(self.base_url).hostname or "localhost"


@dataclass(frozen=True)
class CompiledEmail:
    """One email, ready to be filled. Equal emails have equal bytes, on any machine, in any process.

    `links` holds the constant destination of each link by number, None where it varies by contact; `plain` the
    numbers that are never tracked. `locale` is the language it is written in.
    """

    template: str
    locale: str
    branding: Branding
    subject: str | None
    subject_source: str
    preheader: str | None
    preheader_source: str
    source: str
    constants: tuple[str, ...]
    links: tuple[str | None, ...]
    plain: tuple[int, ...]
    lines: tuple[tuple[str, int], ...]
    front_lines: tuple[tuple[str, int], ...]

    def to_bytes(self) -> bytes:
        """Canonical JSON: what is stored with a release."""
        fields = {"format": FORMAT, **asdict(self)}
        return json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> CompiledEmail:
        """The email `to_bytes` wrote. Raises ValueError for another format."""
        fields: dict[str, Any] = json.loads(data)
        if fields.pop("format") != FORMAT:
            raise ValueError("this email was compiled by an nurture that wrote another format")
        branding = fields.pop("branding")
        branding["sender"] = Mailbox(**branding["sender"])
        branding["asks"] = tuple(branding.get("asks", ()))
        fields["lines"] = tuple((path, line) for path, line in fields["lines"])
        fields["front_lines"] = tuple((path, line) for path, line in fields["front_lines"])
        for name in ("constants", "links", "plain"):
            fields[name] = tuple(fields[name])
        return cls(branding=Branding(**branding), **fields)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `to_bytes`, in hex: the name of this email."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def size(self) -> int:
        """UTF-8 bytes of all that is constant, HTML and text."""
        return sum(len(constant.encode()) for constant in self.constants)


def compile_email(
    files: Mapping[str, str],
    template: str,
    locale: str,
    branding: Branding,
    *,
    subject: str | None = None,
    preheader: str | None = None,
) -> CompiledEmail:
    """Compile `template` as a contact of `locale` gets it; "" asks for the project's own language.

    `files` maps paths below templates/emails to their text. `subject` and `preheader` go before those of the
    front matter. Raises ProjectError with every problem found at its line.
    """
    path = resolve_locale(files, template, locale, branding.default_locale)
    language = path.removeprefix(template).rpartition(".")[0].lstrip(".") or branding.default_locale
    front, pieces = expand(files, path, language)
    branding = replace(branding, sender=front.sender or branding.sender, base_url=branding.base_url.rstrip("/"))
    _check_addresses(branding)
    return _Compilation(files, template, path, language, branding).run(front, pieces, subject, preheader)


class _Compilation:
    """One run of the compiler, and what its stages share."""

    def __init__(self, files: Mapping[str, str], template: str, path: str, language: str, branding: Branding) -> None:
        self.files, self.template, self.path = files, template, path
        self.language, self.branding = language, branding
        self.env = environment()
        self.known = project_names(branding, language)

    def run(self, front: Front, pieces: list[Piece], subject: str | None, preheader: str | None) -> CompiledEmail:
        written = front.headers(self.path)
        subject_text, subject_piece = self._header(subject, written[0])
        if not subject_text.strip():
            message, hint = "the email has no subject", 'write it between two lines of ---: subject: "…"'
            line = 1 if read(self.files, self.path).first_line == 1 else 2
            raise refuse(Problem(FOLDER + self.path, line, 1, "subject", message, hint))
        preheader_text, preheader_piece = self._header(preheader, written[1])
        constant_subject = self._constant(subject_piece)
        constant_preheader = self._constant(preheader_piece)
        if constant_subject is not None and constant_preheader is not None:
            self.known["email"] = {"subject": constant_subject, "preheader": constant_preheader}
        anchors, builder = self._bodies(pieces, bool(preheader_text))
        lines = tuple((FOLDER + source.path, source.first_line) for source in (subject_piece, preheader_piece))
        return CompiledEmail(
            template=self.template,
            locale=self.language,
            branding=self.branding,
            subject=constant_subject,
            subject_source=text_template(cut(subject_piece)),
            preheader=constant_preheader,
            preheader_source=text_template(cut(preheader_piece)),
            source=builder.source,
            constants=tuple(builder.constants),
            links=tuple(anchors.links),
            plain=tuple(sorted(anchors.plain)),
            lines=tuple(builder.lines),
            front_lines=lines,
        )

    def _header(self, given: str | None, written: Source) -> tuple[str, Source]:
        source = written if given is None else Source(self.path, Front(), given, 1)
        return source.body, source

    def _constant(self, source: Source) -> str | None:
        """The text of a subject or preheader that is the same for everybody."""
        pieces = cut(source)
        folded = fold(self.env, pieces, self.known)
        if any(piece.kind is not Kind.TEXT and number not in folded for number, piece in enumerate(pieces)):
            return None
        text = "".join(folded.get(number, piece.text) for number, piece in enumerate(pieces))
        try:
            return header_text(text)
        except ValueError as error:
            problem = Problem(FOLDER + source.path, source.first_line, 1, "header", str(error))
            raise refuse(problem) from None

    def _bodies(self, pieces: list[Piece], preheader: bool) -> tuple[Anchors, Builder]:
        if self.path.endswith(mjml.ENDING):
            pieces = mjml.to_html(pieces, self.language)
        pieces = completed(pieces, self.branding.legal, html=True)
        pieces.append(Piece(Kind.VALUE, "email.preheader", self.path, 1))
        anchors = Anchors(pieces)
        html = anchors.in_html(_uncommented(inline(pieces[:-1]), pieces))
        other = beside(self.files, self.path, ".txt")
        builder = Builder(self.env, anchors, self.known)
        shown = preheader and not any("email.preheader" in piece.text for piece in pieces[:-1])
        builder.html(_with_pixel(html, chr(PIECE + len(pieces) - 1) if shown else ""), pieces)
        if other is None:
            builder.text(derive(html, pieces), pieces)
        else:
            self._written_text(other, anchors, builder)
        self._sound(builder)
        return anchors, builder

    def _written_text(self, path: str, anchors: Anchors, builder: Builder) -> None:
        front, pieces = expand(self.files, path, self.language)
        if front != Front():
            message = "front matter stands in the .html file, not here"
            raise refuse(Problem(FOLDER + path, 1, 1, "front-matter", message))
        pieces = completed(pieces, self.branding.legal, html=False)
        anchors.pieces = pieces
        marked = (chr(PIECE + n) if p.kind is not Kind.TEXT else p.text for n, p in enumerate(pieces))
        builder.text(anchors.in_text("".join(marked)).strip() + "\n", pieces)

    def _sound(self, builder: Builder) -> None:
        """Raise ProjectError for what only shows in the whole: size, reserved names, code that does not compile."""
        from jinja2.exceptions import TemplateSyntaxError

        if sum(map(len, builder.constants)) > MAX_CONSTANT:
            message = f"the email is larger than {MAX_CONSTANT} characters"
            raise refuse(Problem(FOLDER + self.path, 1, 1, "size", message))
        try:
            self._own_names(_given_away(self.env, builder.source), builder)
        except TemplateSyntaxError as error:
            path, at = builder.lines[error.lineno - 1]
            raise refuse(Problem(path, at, 1, "syntax", str(error.message))) from None
        except (SyntaxError, RecursionError, MemoryError):
            message, hint = "loops and conditions are nested too deeply here", "take out a level"
            raise refuse(Problem(FOLDER + self.path, 1, 1, "syntax", message, hint)) from None

    def _own_names(self, given_away: tuple[tuple[str, int], ...], builder: Builder) -> None:
        problems = set()
        for name, line in given_away:
            path, at = builder.lines[line - 1]
            problems.add(Problem(path, at, 1, "name", f"{name} is a name of nurture's own", "take another"))
        if problems:
            raise refuse(*problems)


@lru_cache(maxsize=1024)
def _given_away(env: Environment, source: str) -> tuple[tuple[str, int], ...]:
    """The reserved names that a template gives to something else, each with its line; raises where it is no template.

    The marks of constants stand in `source`, not their texts, so an edit of HTML or CSS finds it known already.
    """
    tree = env.parse(source)
    found = tuple(assigned(tree))
    env.compile(tree)
    return found


def project_names(branding: Branding, language: str) -> dict[str, Any]:
    """What templates know of the project and the campaign, and `_` in `language`."""
    project = {
        "name": branding.project,
        "postal_address": branding.postal_address,
        "legal": dict(branding.legal),
        "currency": branding.currency,
    }
    campaign = {"name": branding.campaign, "title": branding.campaign_title}
    return {"project": project, "campaign": campaign, "_": Words(language)}


def _check_addresses(branding: Branding) -> None:
    """Raise ProjectError where a header could not hold the project's own addresses."""
    try:
        address_field("From", branding.sender)
        if branding.reply_to:
            address_field("Reply-To", Mailbox("", branding.reply_to))
    except ValueError as error:
        raise refuse(Problem("nurture.yaml", 1, 1, "from", str(error))) from None


def _uncommented(html: str, pieces: list[Piece]) -> str:
    """`html` without comments, but for those that Outlook reads and those around template tags."""

    def keep(match: re.Match[str]) -> str:
        marks = [ord(mark) - PIECE for mark in re.findall("[\U000f0000-\U000fffff]", match[0])]
        tags = any(pieces[number].kind is Kind.TAG for number in marks)
        return match[0] if tags or match[0].startswith(("<!--[if", "<!--<![", "<![")) else ""

    return re.sub(r"<!--.*?-->", keep, html, flags=re.S)


def _with_pixel(html: str, preheader: str) -> str:
    """`html` with the hidden preheader first and the place of the pixel last in its body."""
    at = html.rfind("</body>")
    html = html[:at] + PIXEL + html[at:] if at >= 0 else html + PIXEL
    if not preheader:
        return html
    hidden = f'<div style="{_HIDE}">{preheader}{_PAD}</div>'
    return _BODY.sub(lambda match: match[0] + hidden, html, count=1)
