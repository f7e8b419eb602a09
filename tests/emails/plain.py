"""The plain way to make the same email: render all of it with Jinja2, hand it to `EmailMessage`, serialise.

It starts from the compiled email with its marks put back: constants as text, links as calls of `_link`. So CSS
inlining and inheritance are not part of it. The property test holds it beside `Filler`; the bench measures it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import cached_property
from typing import Any

from jinja2 import Template
from markupsafe import Markup, escape

from nurture.emails.anchors import SYSTEM
from nurture.emails.budget import Budget
from nurture.emails.compile import CompiledEmail, project_names
from nurture.emails.fill import ONE_CLICK, Envelope
from nurture.emails.filters import BUDGET
from nurture.emails.links import PATHS, Purpose, Signer
from nurture.emails.marks import CONSTANT, DYNAMIC, END, LINK, PIXEL, SECTION, SPLIT
from nurture.emails.sandbox import enter
from nurture.emails.source import environment

PIXEL_TAG = '<img src="{}" width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">'


class Verbatim(EmailPolicy):
    """The standard library's policy, but for headers that must not be encoded (RFC 8058)."""

    RAW = frozenset({"list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id", "message-id"})

    def fold(self, name: str, value: Any) -> str:
        return f"{name}: {value}{self.linesep}" if name.lower() in self.RAW else super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode() if name.lower() in self.RAW else super().fold_binary(name, value)


POLICY = Verbatim(linesep="\r\n")


class Plain:
    """One email the plain way."""

    def __init__(self, compiled: CompiledEmail, signer: Signer) -> None:
        self.compiled, self.signer = compiled, signer

    @cached_property
    def templates(self) -> tuple[Template, Template, Template, Template]:
        """The templates of subject, preheader, HTML and text."""
        env = environment()
        html, text = self.compiled.source.split(SECTION)
        return (
            env.from_string(self.compiled.subject_source),
            env.from_string(self.compiled.preheader_source),
            env.from_string(self._unmarked(html, "_html_link")),
            env.from_string(self._unmarked(text, "_text_link")),
        )

    def _unmarked(self, source: str, link: str) -> str:
        parts = SPLIT.split(source)
        out = [parts[0]]
        for mark, following in zip(parts[1::2], parts[2::2], strict=True):
            out += [self._meaning(mark, link), following]
        return "".join(out)

    def _meaning(self, mark: str, link: str) -> str:
        if mark == PIXEL:
            return "{{ _pixel }}"
        if mark == END:
            return "{% endset %}{{ " + link + "(_at, _to) }}"
        if mark in SYSTEM.values():
            return "{{ " + next(f"links.{name}" for name, known in SYSTEM.items() if known == mark) + " }}"
        if ord(mark) >= DYNAMIC:
            return "{% set _at = " + str(ord(mark) - DYNAMIC) + " %}{% set _to %}"
        if ord(mark) >= LINK:
            return "{{ " + link + "(" + str(ord(mark) - LINK) + ") }}"
        return "{% raw %}" + self.compiled.constants[ord(mark) - CONSTANT] + "{% endraw %}"

    def parts(self, values: Mapping[str, Any], envelope: Envelope) -> tuple[str, str, str]:
        """Subject, HTML and text."""
        subject, preheader, html, text = self.templates
        scope = self._scope(values, envelope)
        headline = subject.render(scope).strip()
        scope["email"] = {"subject": headline, "preheader": preheader.render(scope).strip()}
        return headline, html.render(scope), text.render(scope)

    def _scope(self, values: Mapping[str, Any], envelope: Envelope) -> dict[str, Any]:
        contact = values["contact"]
        tracked = envelope.tracked and not envelope.preview
        urls = self.urls(envelope)
        scope = {name: enter(value) for name, value in values.items()}
        scope.update(project_names(self.compiled.branding, self.compiled.locale))
        scope["links"] = {name: Markup(escape(urls[name])) for name in SYSTEM}
        scope["_html_link"] = Called(self._linker(envelope, tracked, lambda url: str(escape(url)), Markup))
        scope["_text_link"] = Called(self._linker(envelope, tracked, str, str))
        scope["_pixel"] = Markup(PIXEL_TAG.format(escape(urls["open"]))) if tracked else ""
        locale = contact.get("locale") or self.compiled.branding.default_locale
        scope[BUDGET] = Budget(locale, contact["timezone"])
        return scope

    def _linker(
        self, envelope: Envelope, tracked: bool, form: Callable[[str], str], kind: Callable[[str], str]
    ) -> Callable[..., str]:
        own = set(self.urls(envelope).values())

        def link(number: int, varying: str | None = None) -> str:
            url = self.compiled.links[number] if varying is None else str(varying).strip()
            if tracked and number not in self.compiled.plain and url not in own:
                url = self.url(Purpose.CLICK, envelope, number, None if varying is None else url)
            return kind(form(str(url)))

        return link

    def url(self, purpose: Purpose, envelope: Envelope, link: int | None = None, url: str | None = None) -> str:
        before, after = PATHS[purpose]
        ids = envelope.contact_id, envelope.message_id
        token = self.signer.token(purpose, *ids, link, url, kid=envelope.kid)
        return self.compiled.branding.base_url + before + token + after

    def urls(self, envelope: Envelope) -> dict[str, str]:
        leave = Purpose.PREFERENCES if self.compiled.branding.transactional else Purpose.UNSUBSCRIBE
        return {
            "view": self.url(Purpose.VIEW, envelope),
            "preferences": self.url(Purpose.PREFERENCES, envelope),
            "unsubscribe": self.url(leave, envelope),
            "referral": self.url(Purpose.REFERRAL, envelope),
            "confirm": self.url(Purpose.CONFIRM, envelope, 0, ",".join(self.compiled.branding.asks)),
            "open": self.url(Purpose.OPEN, envelope),
        }

    def message(self, values: Mapping[str, Any], envelope: Envelope) -> EmailMessage:
        """The whole message, as the standard library writes it."""
        from email.headerregistry import Address

        subject, html, text = self.parts(values, envelope)
        branding = self.compiled.branding
        message = EmailMessage(policy=POLICY)
        message["From"] = Address(branding.sender.name, addr_spec=branding.sender.address)
        message["To"] = Address(envelope.recipient.name, addr_spec=envelope.recipient.address)
        if branding.reply_to:
            message["Reply-To"] = branding.reply_to
        message["Subject"] = subject
        message["Date"] = format_datetime(envelope.date)
        message["Message-ID"] = f"<{envelope.message_id}@{branding.sender.address.partition('@')[2]}>"
        message["List-Unsubscribe"] = f"<{self.url(Purpose.UNSUBSCRIBE, envelope)}>"
        message["List-Unsubscribe-Post"] = ONE_CLICK
        message["List-Id"] = f"{branding.campaign_title} <{branding.campaign}.{branding.domain}>"
        message["Feedback-ID"] = f"{branding.campaign}:{branding.step}:{branding.project.replace(' ', '-')}:nurture"
        message.set_content(text, cte="quoted-printable")
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        return message


class Called:
    """A function the sandbox lets a template call."""

    def __init__(self, function: Callable[..., str]) -> None:
        self._function = function
        self.__self__ = ""
        self.__name__ = "split"

    def __call__(self, *args: Any) -> str:
        return self._function(*args)
