"""The fast way and the plain way make the same email."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from emails.parts import BRANDING, CONTACT, ENVELOPE, PURCHASE, SIGNER
from emails.plain import Plain
from nurture.core.email import Mailbox
from nurture.core.money import Money
from nurture.emails.compile import CompiledEmail, compile_email
from nurture.emails.fill import Envelope, Filler

LAYOUT = """<!doctype html>
<html lang="{{ contact.locale }}"><head><title>{{ email.subject }}</title>
<style>p { color: #222 } a { color: red } a:hover { color: blue } @media (max-width: 600px) { p { margin: 0 } }</style>
</head><body class="{% if contact.country == 'TR' %}tr{% else %}other{% endif %}">
{% block body %}{% endblock %}
<p>{{ project.name }}, {{ project.postal_address }}<br><a href="{{ links.view }}">{{ _("View in browser") }}</a>
<a href="{{ links.preferences }}">{{ _("Choose what you hear") }}</a>
<a href='{{ links.unsubscribe }}'>{{ _("Unsubscribe") }}</a> {{ links.referral }} {{ links.confirm }}</p></body></html>
"""
BODIES = (
    "<h1>Hello{% if contact.first_name %} {{ contact.first_name }}{% endif %}</h1>"
    "<p>.dot\n.{{ contact.last_name }}</p>",
    "<table>{% for item in last_purchase.items %}<tr><td>{{ item.name }}</td><td>{{ item.price|money }}</td></tr>"
    "{% else %}<tr><td>nothing</td></tr>{% endfor %}</table><p>{{ last_purchase.at|datetime }}</p>",
    "<p><a href='https://shop.example/?q={{ contact.last_name|urlencode }}&amp;x=1'>{{ contact.last_name|upper }}</a> "
    "<a href='https://shop.example/a?b=1&amp;c={x}' data-track='no'>plain</a> "
    "<a href='https://shop.example/ü?c=&#39;{{ contact.first_name|urlencode }}' data-track='no'>plain</a></p>",
    "{% macro button(url, words) %}<a href='{{ url }}'>{{ words }}</a>{% endmacro %}"
    "<p>{{ button('https://shop.example/x', contact.first_name ~ '!') }}</p><p>{{ button(links.preferences, 'y') }}</p>"
    "{% set note %}<b>{{ contact.last_name }}</b> = 100%{% endset %}<div>{{ note }}{{ note }}</div>",
    "<p>{% raw %}{{ not }} a {% tag %}{% endraw %} {{ contact.first_name }}</p><ul>{% for i in range(3) %}"
    "<li>{{ i }} of {{ loop.length }}</li>{% endfor %}</ul><img src='https://x.example/a.png' alt='A picture'>",
)
SUBJECTS = ("Hello", "{{ contact.first_name or 'Hello' }}, ğüş — {{ contact.last_name }}", "A long subject " * 12)

name = st.text(st.characters(blacklist_categories=["Cs", "Co", "Cc", "Zl", "Zp"]), max_size=60).map(str.strip)
words = st.one_of(st.sampled_from(["Ada", "O'Neil", 'Doe, "J"', "İpek Ğ", "x" * 200, "", "."]), name)
prose = st.one_of(words, st.text(st.characters(blacklist_categories=["Cs"]), max_size=200))
items = st.lists(
    st.builds(
        lambda name, minor: {"name": name, "quantity": 1, "price": Money(minor, "TRY")}, prose, st.integers(0, 10**9)
    ),
    max_size=3,
)


@cache
def email(body: int, subject: int, locale: str) -> CompiledEmail:
    front = '---\nsubject: "' + SUBJECTS[subject] + '"\npreheader: "For {{ contact.last_name or 1 }}"\n---\n'
    text = front + '{% extends "base.html" %}{% block body %}' + BODIES[body] + "{% endblock %}"
    branding = replace(BRANDING, legal={"mersis": "0123"}, transactional=body == 1)
    return compile_email({"base.html": LAYOUT, f"a.{locale}.html": text}, "a", locale, branding)


def decoded(data: bytes) -> dict[str, object]:
    message = message_from_bytes(data, policy=default)
    assert isinstance(message, EmailMessage)
    text, html = message.iter_parts()
    known = {key: str(value) for key, value in message.items() if key not in ("Content-Type", "From", "To")}
    people = {key: [(squeezed(a.display_name), a.addr_spec) for a in message[key].addresses] for key in ("From", "To")}
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    kinds = message.get_content_type(), text.get_content_type(), html.get_content_type()
    return {**known, **people, "text": text.get_content(), "html": html.get_content(), "kinds": kinds}


@dataclass(frozen=True)
class Case:
    body: int
    subject: int
    first: str
    last: str
    bought: list[dict[str, object]]
    locale: str
    tracked: bool
    preview: bool
    moment: datetime

    def values(self) -> dict[str, object]:
        named = {"first_name": self.first, "last_name": self.last, "locale": self.locale}
        contact = {**CONTACT, **named, "country": "TR" if self.tracked else "DE"}
        return {"contact": contact, "last_purchase": {**PURCHASE, "items": self.bought}}

    def envelope(self) -> Envelope:
        recipient = Mailbox(self.first, "a@x.co")
        return Envelope("0a" * 16, "1b" * 16, recipient, self.moment, self.tracked, preview=self.preview)


cases = st.builds(
    Case,
    body=st.integers(0, len(BODIES) - 1),
    subject=st.integers(0, len(SUBJECTS) - 1),
    first=words,
    last=words,
    bought=items,
    locale=st.sampled_from(["en", "tr", "de-DE"]),
    tracked=st.booleans(),
    preview=st.booleans(),
    moment=st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)


@given(cases)
@settings(max_examples=200, deadline=None)
def test_the_compiled_email_decodes_to_what_the_plain_way_makes(case: Case) -> None:
    compiled = email(case.body, case.subject, case.locale[:2])
    filler = Filler(CompiledEmail.from_bytes(compiled.to_bytes()), SIGNER)
    plain = Plain(compiled, SIGNER)
    fast = filler.email(filler.render(case.values()), case.envelope())
    headline, html, text = plain.parts(case.values(), case.envelope())
    assert (fast.subject, fast.html, fast.text) == (headline, html, text)
    expected = decoded(plain.message(case.values(), case.envelope()).as_bytes())
    expected["Subject"] = headline  # the standard library may lose a space where it folds
    assert decoded(fast.as_bytes()) == expected
    assert_well_formed(fast.as_bytes())


def squeezed(name: str) -> str:
    """Without spaces: reading a name, the standard library puts one between encoded words (RFC 2047 has none)."""
    return "".join(name.split())


def assert_well_formed(data: bytes) -> None:
    """7-bit, CRLF only, lines of at most 78 but for the long headers, no body line that begins with a dot."""
    assert data.isascii()
    assert data.count(b"\r") == data.count(b"\n") == data.count(b"\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    assert all(len(line) <= 76 and line[:1] != b"." for line in body.split(b"\r\n"))
    assert all(len(line) <= 78 or line.startswith((b"List-", b"Content-Type")) for line in head.split(b"\r\n"))


def test_the_same_stream_and_envelope_give_the_same_bytes() -> None:
    filler = Filler(email(0, 1, "tr"), SIGNER)
    stream = filler.render({"contact": CONTACT})
    again = Filler(email(0, 1, "tr"), SIGNER)
    assert filler.email(stream, ENVELOPE).as_bytes() == again.email(stream, ENVELOPE).as_bytes()
