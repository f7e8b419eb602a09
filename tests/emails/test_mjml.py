"""MJML templates: the same front matter, Jinja2, links and footer as in HTML."""

from __future__ import annotations

import sys

import pytest

from emails.parts import BRANDING, ENVELOPE, SIGNER, values
from nurture.core.errors import ProjectError
from nurture.emails.compile import compile_email, variants
from nurture.emails.fill import FilledEmail, Filler
from nurture.emails.lint import lint
from nurture.emails.names import undeclared

LAYOUT = """<mjml>
<mj-head><mj-title>{{ email.subject }}</mj-title></mj-head>
<mj-body>{% block body %}{% endblock %}
<mj-section><mj-column><mj-text>{{ project.postal_address }}
<a href="{{ links.unsubscribe }}">{{ _("Unsubscribe") }}</a>
</mj-text></mj-column></mj-section></mj-body></mjml>
"""
EMAIL = """---
subject: "Hello {{ contact.first_name }}"
preheader: "Two things"
---
{% extends "layouts/base.mjml" %}
{% from "blocks/knob.mjml" import knob %}
{% block body %}
{% if contact.country == "DE" %}<mj-section><mj-column><mj-text>Guten Tag</mj-text></mj-column></mj-section>{% endif %}
<mj-section><mj-column>
<mj-text><h1>Hello {{ contact.first_name }}</h1>
<ul>{% for item in last_purchase.items %}<li>{{ item.name }}</li>{% endfor %}</ul></mj-text>
{{ knob("https://shop.example/?a=1&b=2", "Look") }}
{% for item in last_purchase.items %}
<mj-button href="https://shop.example/{{ item.name|urlencode }}">{{ item.name }}</mj-button>
{% endfor %}
<mj-image src="https://cdn.example/a.png" alt="A cup" width="300px" />
</mj-column></mj-section>
{% endblock %}
"""
KNOB = '{% macro knob(url, words) %}<mj-button href="{{ url }}">{{ words }}</mj-button>{% endmacro %}'
FILES = {"a.mjml": EMAIL, "layouts/base.mjml": LAYOUT, "blocks/knob.mjml": KNOB}


def made(files: dict[str, str], **contact: object) -> FilledEmail:
    filler = Filler(compile_email(files, "a", str(contact.get("locale", "")), BRANDING), SIGNER)
    return filler.email(filler.render(values(**contact)), ENVELOPE)


def refused(body: str) -> str:
    with pytest.raises(ProjectError) as caught:
        compile_email({"a.mjml": "---\nsubject: x\n---\n" + body}, "a", "", BRANDING)
    return str(caught.value.problems[0])


def test_an_email_in_mjml_is_an_email() -> None:
    email = made(FILES)
    assert email.subject == "Hello Ada"
    assert "<mj-" not in email.html
    assert "Hello Ada</h1>" in email.html
    assert "<li>Beans &lt;dark&gt;</li><li>Çay</li>" in email.html
    assert "Guten Tag" in email.html
    assert "Guten Tag" not in made(FILES, country="GB").html
    assert 'lang="en"' in email.html
    assert "Two things" in email.html
    assert email.html.count(BRANDING.postal_address) == 1


def test_its_links_are_counted_and_its_text_is_derived() -> None:
    compiled = compile_email(FILES, "a", "", BRANDING)
    assert "https://shop.example/?a=1&b=2" in compiled.links
    email = made(FILES)
    assert "https://shop.example/?a" not in email.html
    assert "Look: https://n.acme.example/c/" in email.text
    assert "Çay" in email.text


def test_it_comes_in_the_language_of_the_contact() -> None:
    turkish = EMAIL.replace("Hello {{", "Merhaba {{").replace("Look", "Bakın")
    files = {**FILES, "a.tr.mjml": turkish}
    assert variants(files, "a") == ["", "tr"]
    email = made(files, locale="tr")
    assert "Merhaba Ada" in email.html
    assert 'lang="tr"' in email.html
    assert "Abonelikten çık" in email.html


def test_an_email_without_a_way_out_gets_the_footer() -> None:
    body = "<mjml><mj-body><mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section></mj-body></mjml>"
    email = made({"a.mjml": "---\nsubject: x\n---\n" + body})
    assert BRANDING.postal_address in email.html
    assert "/u/" in email.html


def test_images_and_names_are_checked_in_mjml_too() -> None:
    inner = "\n<mj-image src='a.png' />\n<mj-text>{{ nobody }}</mj-text>"
    body = f"---\nsubject: x\n---\n<mjml><mj-body>{inner}</mj-body></mjml>"
    files = {"a.mjml": body}
    assert [(p.line, p.rule) for p in lint(files, "a")] == [(5, "alt"), (5, "image"), (5, "width")]
    assert [p.line for p in undeclared(files, "a")] == [6]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "<mjml>\n<mj-body>\n<mj-colum></mj-colum></mj-body></mjml>",
            "6:1: MJML has no element mj-colum. did you mean mj-column?",
        ),
        ("<mjml><mj-body>\n<mj-text>x</mj-body></mjml>", "the MJML cannot be read"),
        ("<mjml><mj-body>\n<mj-include path='x.mjml'/></mj-body></mjml>", "mj-include is not available"),
        ("<p>no MJML</p>", "the MJML cannot be read"),
    ],
)
def test_what_mjml_cannot_read_is_told(body: str, told: str) -> None:
    text = refused(body)
    assert told in text
    assert text.startswith("templates/emails/a.mjml:")


def test_an_email_is_written_in_html_or_in_mjml() -> None:
    with pytest.raises(ProjectError, match="is the same email"):
        compile_email({**FILES, "a.html": "---\nsubject: x\n---\n<p>x</p>"}, "a", "", BRANDING)


def test_without_the_extra_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mrml", None)
    assert "pip install 'nurture[mjml]'" in refused("<mjml><mj-body></mj-body></mjml>")
