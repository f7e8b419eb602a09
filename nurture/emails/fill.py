"""From a compiled email and one contact's values to the email they get.

`render` runs the template: it gives the stream, marks for what is constant and the values in between, which is
all that is kept of a message. `email` puts the stream together with the constants and the signed links; no
template code runs, and the same stream and envelope always give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from jinja2 import Template
from markupsafe import escape

from nurture.core.email import Mailbox
from nurture.core.errors import RenderError
from nurture.emails import mime
from nurture.emails.anchors import SYSTEM
from nurture.emails.budget import MAX_CALLS, MAX_OUTPUT, MAX_ROUNDS, Budget
from nurture.emails.compile import CompiledEmail, project_names
from nurture.emails.filters import BUDGET
from nurture.emails.links import PATHS, Purpose, Signer, safe_url
from nurture.emails.marks import CONSTANT, DYNAMIC, END, LINK, PIXEL, SECTION, SPLIT, is_dynamic
from nurture.emails.sandbox import LinkMark, enter
from nurture.emails.source import environment

T = TypeVar("T", str, bytes)
MAX_SUBJECT = 1_000
ONE_CLICK = "List-Unsubscribe=One-Click"
_DESTINATION = re.compile(f"([\U00108000-\U00109fff])([^{END}]*)({END}?)")
_SYSTEM_MARKS = frozenset(SYSTEM.values())


@dataclass(frozen=True, slots=True)
class Envelope:
    """To whom, when, and how one email goes.

    Ids are 32 hex digits; `date` is aware UTC. `tracked` puts in the pixel and counts clicks; `preview` leaves
    both out whatever it says. `kid` is the key the links were first signed with, None for the current one.
    `sender` is whom it is from, None for whom the template or the project says.
    """

    contact_id: str
    message_id: str
    recipient: Mailbox
    date: datetime
    tracked: bool
    kid: int | None = None
    preview: bool = False
    sender: Mailbox | None = None


class Filler:
    """Fills one compiled email, as often as wanted, from any number of threads."""

    def __init__(self, compiled: CompiledEmail, signer: Signer) -> None:
        self.compiled, self.signer = compiled, signer
        branding = compiled.branding
        marks = [chr(CONSTANT + number) for number in range(len(compiled.constants))]
        self.texts = dict(zip(marks, compiled.constants, strict=True))
        self.encoded = {mark: mime.quoted_printable(text) for mark, text in self.texts.items()}
        self.names = {**environment().globals, **project_names(branding, compiled.locale)}
        self.names["links"] = {name: LinkMark(name, mark) for name, mark in SYSTEM.items()}
        self.headers = _Headers(compiled)
        # What is quoted-printable never holds "=_", so one boundary serves every message.
        self.boundary = b"=_" + compiled.digest[:32].encode()
        self.dynamic = None in compiled.links
        self.escaped_base = str(escape(branding.base_url))
        self._template = environment().from_string(compiled.source)
        self._subject = _template_of(compiled.subject, compiled.subject_source)
        self._preheader = _template_of(compiled.preheader, compiled.preheader_source)

    def render(self, values: Mapping[str, Any]) -> str:
        """The stream for one contact: what is kept of the message. `values` holds plain values by name.

        Raises RenderError, with the marketer's file and line, for a value that is missing, a template that asks
        too much, a subject that would break its header, and a destination that is not safe.
        """
        contact = values.get("contact", {})
        locale = contact.get("locale") or self.compiled.branding.default_locale
        budget = Budget(locale, contact.get("timezone"))
        scope = {name: enter(value) for name, value in values.items()}
        scope.update(self.names)
        scope[BUDGET] = budget
        subject = self._header(self._subject, scope, self.compiled.subject, 0)
        preheader = self._header(self._preheader, scope, self.compiled.preheader, 1)
        scope["email"] = {"subject": subject, "preheader": preheader}
        stream = self._run(self._template, scope, self.compiled.lines)
        self._within_bounds(stream, budget)
        if self.dynamic:
            self._safe(stream)
        return stream if self._subject is None else f"{stream}{SECTION}{subject}"

    def email(self, stream: str, envelope: Envelope) -> FilledEmail:
        """The email of `stream` as `envelope` sends it. Raises RenderError for a recipient no header can hold."""
        sections = stream.split(SECTION)
        if len(sections) != (2 if self._subject is None else 3):
            raise RenderError(f"What was kept of this message does not belong to {self.compiled.template}.")
        subject = self.compiled.subject if self._subject is None else sections[2]
        return FilledEmail(self, sections[0], sections[1], subject or "", envelope)

    def _header(self, template: Template | None, scope: dict[str, Any], constant: str | None, which: int) -> str:
        if template is None:
            return constant or ""
        path, line = self.compiled.front_lines[which]
        try:
            text = mime.header_text(self._run(template, scope, ((path, line),)))
        except ValueError as error:
            raise RenderError(f"{path}:{line}: {error}") from None
        if len(text) > MAX_SUBJECT or (which == 0 and not text):
            raise RenderError(f"{path}:{line}: the text is {'too long' if text else 'empty'} for this contact")
        return text

    def _run(self, template: Template, scope: dict[str, Any], lines: tuple[tuple[str, int], ...]) -> str:
        parts, size = [], 0
        try:
            for part in template.root_render_func(template.new_context(scope, shared=True)):
                size += len(part)
                if size > MAX_OUTPUT:
                    raise ValueError(f"this template prints more than {MAX_OUTPUT} characters")
                parts.append(part)
        except Exception as error:
            path, line = _place(error, lines)
            text = "the template calls itself without end" if isinstance(error, RecursionError) else str(error)
            raise RenderError(f"{path}:{line}: {text}") from error
        return "".join(parts)

    def _within_bounds(self, stream: str, budget: Budget) -> None:
        """A template without loops and calls prints each constant once; only others need counting."""
        if budget.rounds == MAX_ROUNDS and budget.calls == MAX_CALLS:
            return
        texts = self.texts
        if sum(len(texts.get(char, char)) for char in stream) > MAX_OUTPUT:
            raise RenderError(f"{self.compiled.lines[0][0]}: the email is longer than {MAX_OUTPUT} characters")

    def _safe(self, stream: str) -> None:
        for mark, url, end in _DESTINATION.findall(stream):
            if not end or not (url in _SYSTEM_MARKS or safe_url(url.strip())):
                number = ord(mark) - DYNAMIC + 1
                raise RenderError(
                    f"{self.compiled.front_lines[0][0]}: link {number} leads to {url[:80]!r}, which is no whole "
                    "http or https address"
                )


class FilledEmail:
    """One email to one person; its parts are put together when they are asked for."""

    __slots__ = ("_cache", "_envelope", "_filler", "_html", "_text", "_to", "recipient", "subject", "urls")

    def __init__(self, filler: Filler, html: str, text: str, subject: str, envelope: Envelope) -> None:
        self._filler, self._html, self._text, self._envelope = filler, html, text, envelope
        self.subject, self.recipient = subject, envelope.recipient
        self.urls = _Urls(filler, envelope)
        self._cache: bytes | None = None
        try:
            self._to = mime.address_field("To", envelope.recipient, international=True)
        except ValueError as error:
            raise RenderError(f"The recipient cannot be written to: {error}.") from None

    @property
    def sender(self) -> Mailbox:
        return self._envelope.sender or self._filler.compiled.branding.sender

    @property
    def reply_to(self) -> str | None:
        return self._filler.compiled.branding.reply_to

    @property
    def html(self) -> str:
        return "".join(_put_together(self._html, self.urls, True, self._filler.texts, str))

    @property
    def text(self) -> str:
        return "".join(_put_together(self._text, self.urls, False, self._filler.texts, str))

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Message-ID, List-Unsubscribe and its Post, List-Id, Feedback-ID; none of them folded or encoded."""
        fixed = self._filler.headers
        return (
            ("Message-ID", f"<{self._envelope.message_id}@{fixed.domain}>"),
            ("List-Unsubscribe", f"<{self.urls.one_click()}>"),
            ("List-Unsubscribe-Post", ONE_CLICK),
            ("List-Id", fixed.list_id),
            ("Feedback-ID", fixed.feedback_id),
        )

    def as_bytes(self) -> bytes:
        """The whole message: multipart/alternative, plain first, quoted-printable, CRLF.

        ASCII, but for an address in To that is not: it stands there in UTF-8 (RFC 6532).
        """
        if self._cache is None:
            self._cache = self._assemble()
        return self._cache

    def _assemble(self) -> bytes:
        filler, envelope, urls = self._filler, self._envelope, self.urls
        fixed, encoded, enc = filler.headers, filler.encoded, mime.quoted_printable
        boundary = filler.boundary
        varying = (
            f"Date: {mime.date_text(envelope.date)}\r\nMessage-ID: <{envelope.message_id}@{fixed.domain}>\r\n"
            f"List-Unsubscribe: <{urls.one_click()}>\r\n"
        ).encode()
        subject = fixed.subject or mime.field("Subject", self.subject)
        sender = mime.address_field("From", envelope.sender) if envelope.sender else fixed.sender
        return b"".join(
            [
                *(sender, self._to, fixed.reply_to, subject, varying, fixed.rest, boundary),
                *(b'"\r\n\r\n--', boundary, _PART % b"plain"),
                *_put_together(self._text, urls, False, encoded, enc),
                *(b"\r\n--", boundary, _PART % b"html"),
                *_put_together(self._html, urls, True, encoded, enc),
                *(b"\r\n--", boundary, b"--\r\n"),
            ]
        )


_PART = b'\r\nContent-Type: text/%s; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'


class _Headers:
    """The headers that are the same for everybody, encoded once."""

    def __init__(self, compiled: CompiledEmail) -> None:
        branding = compiled.branding
        self.domain = branding.sender.address.rpartition("@")[2]
        title = mime.header_text(branding.campaign_title)[:100]
        name = mime.phrase(title, 9).replace("\r\n", "") + " " if title else ""
        self.list_id = f"{name}<{_slug(branding.campaign)}.{branding.domain}>"
        named = (branding.campaign, branding.step, branding.project)
        self.feedback_id = ":".join([*map(_slug, named), "nurture"])
        self.sender = mime.address_field("From", branding.sender)
        reply_to = branding.reply_to
        self.reply_to = mime.address_field("Reply-To", Mailbox("", reply_to)) if reply_to else b""
        self.subject = mime.field("Subject", compiled.subject) if compiled.subject is not None else b""
        self.rest = (
            mime.verbatim("List-Unsubscribe-Post", ONE_CLICK)
            + mime.verbatim("List-Id", self.list_id)
            + mime.verbatim("Feedback-ID", self.feedback_id)
            + b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="'
        )


class _Urls:
    """The links of one message, each signed once, when it is first needed."""

    __slots__ = ("_envelope", "_filler", "_known", "_tracked")

    def __init__(self, filler: Filler, envelope: Envelope) -> None:
        self._filler, self._envelope = filler, envelope
        self._tracked = envelope.tracked and not envelope.preview
        self._known: dict[str, str] = {}

    def one_click(self) -> str:
        return self._filler.compiled.branding.base_url + self._path(Purpose.UNSUBSCRIBE)

    def fixed(self, mark: str, escaped: bool) -> str:
        """What stands for the mark of a constant link, of `links.*`, or of the pixel."""
        if mark == PIXEL:
            return self._pixel()
        if not self._tracked and mark not in _SYSTEM_MARKS:
            url = self._filler.compiled.links[ord(mark) - LINK] or ""
            return str(escape(url)) if escaped else url
        path = self._known.get(mark)
        if path is None:
            path = self._known[mark] = self._signed(mark)
        return (self._filler.escaped_base if escaped else self._filler.compiled.branding.base_url) + path

    def dynamic(self, mark: str, url: str, escaped: bool) -> str:
        """What stands for a link to `url`, which varies."""
        if url in _SYSTEM_MARKS:
            return self.fixed(url, escaped)
        number, filler = ord(mark) - DYNAMIC, self._filler
        if not self._tracked or number in filler.compiled.plain:
            return str(escape(url)) if escaped else url
        base = filler.escaped_base if escaped else filler.compiled.branding.base_url
        return base + self._path(Purpose.CLICK, number, url)

    def _signed(self, mark: str) -> str:
        if mark == SYSTEM["view"]:
            return self._path(Purpose.VIEW)
        if mark == SYSTEM["referral"]:
            return self._path(Purpose.REFERRAL)
        if mark == SYSTEM["confirm"]:
            return self._path(Purpose.CONFIRM, 0, ",".join(self._filler.compiled.branding.asks))
        if mark == SYSTEM["preferences"] or self._filler.compiled.branding.transactional:
            return self._path(Purpose.PREFERENCES if mark in _SYSTEM_MARKS else Purpose.CLICK, _number(mark))
        return self._path(Purpose.UNSUBSCRIBE if mark in _SYSTEM_MARKS else Purpose.CLICK, _number(mark))

    def _pixel(self) -> str:
        if not self._tracked:
            return ""
        src = self._filler.escaped_base + self._path(Purpose.OPEN)
        return f'<img src="{src}" width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">'

    def _path(self, purpose: Purpose, link: int | None = None, url: str | None = None) -> str:
        envelope = self._envelope
        before, after = PATHS[purpose]
        ids = envelope.contact_id, envelope.message_id
        token = self._filler.signer.token(purpose, *ids, link, url, kid=envelope.kid)
        return before + token + after


def _number(mark: str) -> int | None:
    return None if mark in _SYSTEM_MARKS else ord(mark) - LINK


def _put_together(
    stream: str, urls: _Urls, escaped: bool, constants: Mapping[str, T], enc: Callable[[str], T]
) -> list[T]:
    """The pieces of one body: constants as they are, values and links through `enc`."""
    parts = SPLIT.split(stream)
    out = [enc(parts[0])] if parts[0] else []
    marks = zip(parts[1::2], parts[2::2], strict=True)
    for mark, value in marks:
        constant = constants.get(mark)
        if constant is not None:
            out.append(constant)
        elif is_dynamic(mark):
            url, rest = _destination(value, marks)
            out.append(enc(urls.dynamic(mark, url, escaped)))
            if rest:
                out.append(enc(rest))
            continue
        elif text := urls.fixed(mark, escaped):
            out.append(enc(text))
        if value:
            out.append(enc(value))
    return out


def _destination(url: str, marks: Any) -> tuple[str, str]:
    """The destination that ends at END, and the text after it."""
    for mark, value in marks:
        if mark == END:
            return url.strip(), value
        url += mark + value
    raise RenderError("What was kept of this message is damaged: a link has no end.")


def _template_of(constant: str | None, source: str) -> Template | None:
    return environment().from_string(source) if constant is None else None


def _place(error: BaseException, lines: tuple[tuple[str, int], ...]) -> tuple[str, int]:
    """The marketer's file and line where the template failed."""
    trace, line = error.__traceback__, 0
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return lines[min(max(line - 1, 0), len(lines) - 1)]


def _slug(text: str) -> str:
    """`text` in letters, digits and dashes, for identifiers within headers."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:60] or "x"
