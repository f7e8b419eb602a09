from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from emails.parts import BRANDING, COUPON, ENVELOPE, EVENT, FOOT, SIGNER, compiled, email_file, made, values
from nurture.core.email import Mailbox
from nurture.core.errors import ProjectError
from nurture.emails.compile import compile_email, resolve_locale, variants
from nurture.emails.fill import FilledEmail, Filler
from nurture.emails.source import read

ROOT = Path(__file__).parents[2] / "templates" / "emails"


def from_files(files: dict[str, str], locale: str = "", **branding: object) -> FilledEmail:
    compiled_email = compile_email(files, "a", locale, replace(BRANDING, **branding))  # type: ignore[arg-type]
    filler = Filler(compiled_email, SIGNER)
    return filler.email(filler.render(values()), ENVELOPE)


def refused(files: dict[str, str] | str) -> str:
    files = {"a.html": email_file(files)} if isinstance(files, str) else files
    with pytest.raises(ProjectError) as caught:
        compile_email(files, "a", "", BRANDING)
    return str(caught.value)


def test_every_shipped_template_compiles_in_every_language() -> None:
    files = {str(path.relative_to(ROOT)): path.read_text() for path in ROOT.rglob("*") if path.is_file()}
    parts = ("layouts/", "blocks/")
    names = {path.split(".")[0] for path in files if path.endswith(".html") and not path.startswith(parts)}
    legal = {"trade_title": "Acme Ltd. Şti.", "mersis": "0123456789012345"}
    assert names
    for name in names:
        for locale in variants(files, name):
            filler = Filler(compile_email(files, name, locale, replace(BRANDING, legal=legal)), SIGNER)
            told = values(country="TR", locale=locale or "en", trial_ends="2026-11-24", account="Işık")
            told |= {"event": EVENT, "coupon": COUPON}
            email = filler.email(filler.render(told), ENVELOPE)
            assert BRANDING.postal_address in email.html and BRANDING.postal_address in email.text
            assert email.html.count("0123456789012345") == 1


def test_the_variant_of_the_locale_goes_before_its_language_and_the_plain_one() -> None:
    files = dict.fromkeys(["a.html", "a.tr.html", "a.tr-CY.html", "ab.html"], "")
    assert variants(files, "a") == ["", "tr", "tr-CY"]
    found = {locale: resolve_locale(files, "a", locale, "en") for locale in ("tr-CY", "tr-TR", "tr", "tr_CY", "de", "")}
    assert found == {
        "tr-CY": "a.tr-CY.html", "tr-TR": "a.tr.html", "tr": "a.tr.html", "tr_CY": "a.tr-CY.html", "de": "a.html",
        "": "a.html",
    }  # fmt: skip


def test_without_a_plain_one_the_projects_language_steps_in() -> None:
    assert resolve_locale({"a.tr.html": "", "a.de.html": ""}, "a", "fr", "tr") == "a.tr.html"


@pytest.mark.parametrize("name", ["nothing", "../a", "/etc/passwd", "a.html"])
def test_a_template_that_is_not_there_is_told(name: str) -> None:
    with pytest.raises(ProjectError):
        resolve_locale({"a.html": ""}, name, "", "en")


def test_the_words_of_the_layout_are_in_the_language_of_the_email() -> None:
    body = '{{ _("Unsubscribe") }} {{ _("Something else") }}'
    files = {"a.tr.html": email_file(body), "a.html": email_file(body)}
    assert "Abonelikten çık Something else" in from_files(files, "tr-TR").html
    assert "Unsubscribe Something else" in from_files(files).html


def test_layouts_blocks_and_parts_are_put_together() -> None:
    files = {
        "base.html": "<html><body><h1>{% block head required %}{% endblock %}</h1>{% block body %}base{% endblock %}"
        + FOOT
        + "</body></html>",
        "middle.html": '{% extends "base.html" %}{% block body %}[{{ super() }} middle]{% endblock %}',
        "part.html": "<i>{{ contact.first_name }}</i>",
        "part.tr.html": "<i>TR</i>",
        "a.html": '---\nsubject: s\n---\n{% extends "middle.html" %}{% set x = 3 %}\n'
        "{% block head %}H{{ x }}{% endblock %}"
        '{% block body %}({{ super() }} {% include "part.html" %}){% endblock %}',
    }
    files["a.tr.html"] = files["a.html"]
    assert "<h1>H3</h1>([base middle] <i>Ada</i>)" in from_files(files).html
    assert "<i>TR</i>" in from_files(files, "tr").html


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{% import "x.html" as x %}', "there is no templates/emails/x.html"),
        ('{% from "x.html" import x %}', "there is no templates/emails/x.html"),
        ('{% include "gone.html" %}', "there is no templates/emails/gone.html"),
        ('{% include "a.html" %}', "contains itself"),
        ("{% include name %}", "needs one name in quotes"),
        ("<p>{{ contact.x </p>", "a.html:5:4: the '{{' that opens here is not closed"),
        ("{% if x %}{% endfor %}", "a.html:5:1: the 'if' that begins here is not ended"),
        ("{{ contact.x|mony }}", "did you mean 'money'"),
        ("{{ super() }}", "super() stands in a block"),
        ("{{ project.nmae }}", "did you mean 'name'"),
        ("{% set project = 1 %}", "project is a name of nurture's own"),
        ("{% for contact in [1] %}{% endfor %}", "contact is a name of nurture's own"),
        ("<p {% if x %}class='y'{% endif %}>x</p>", "cannot stand in a tag"),
        ("<style>{% if x %}p { color: red }{% endif %}</style>", "cannot stand in a style sheet"),
        ("<script>{{ x }}</script>", "cannot stand in a script"),
        ("{% if contact.x %}<div>{% endif %}</div>", "does not close what it opens"),
        ("<p>{% if contact.x %}<div>x</div>{% endif %}</p>", "does not close what it opens"),
        ("{% macro row() %}<tr><td>x</td></tr>{% endmacro %}", "<tr> stands in no table"),
        ('<a href="/new">x</a>', "cannot be followed"),
        ('<a href="{{ links.view }}?a=1">x</a>', "leave nothing beside them"),
        ('<a href="javascript:alert(1)">x</a>', "cannot be followed"),
        ("<p style='color:'>\U000f0000</p>", "private use"),
    ],
)
def test_what_cannot_work_is_told_with_its_line(body: str, told: str) -> None:
    text = refused("<p>first</p>\n" + body)
    assert told in text
    assert text.startswith("templates/emails/a.html:5:")


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ("subjekt: x", "a.html:2:1: 'subjekt' is no key here"),
        ("subject: x\nsubject: y", "a.html:3:1"),
        ("subject: [x]", "subject needs a text"),
        ("subject: 'x", "is not YAML"),
        ("- x", "needs keys"),
        ("preheader: x", "has no subject"),
        ("subject: ''", "has no subject"),
        ("subject: x\nfrom: nobody", "from needs an address"),
        ("subject: x\nfrom: {address: nobody}", "is no address"),
        ('subject: "a\\nb"', "a header cannot hold a line break"),
        ("subject: '{{ contact.x'", "a.html:2:11: the '{{' that opens here is not closed"),
    ],
)
def test_mistakes_in_front_matter_are_told(front: str, told: str) -> None:
    assert told in refused({"a.html": f"---\n{front}\n---\n<p>{FOOT}</p>"})


def test_a_mistake_in_a_layout_is_told_where_it_is() -> None:
    files = {"base.html": "<p>\n{{ project.nmae }}{% block b %}{% endblock %}", "a.html": email_file("")}
    files["a.html"] = '---\nsubject: s\n---\n{% extends "base.html" %}{% block b %}{% endblock %}'
    assert refused(files).startswith("templates/emails/base.html:2:4")


def test_text_outside_of_blocks_is_told() -> None:
    files = {
        "base.html": "<p>{% block b %}{% endblock %}",
        "a.html": '---\nsubject: s\n---\n{% extends "base.html" %}\nlost',
    }
    assert "stands outside of every block" in refused(files)


def test_a_sender_can_stand_in_front_matter() -> None:
    source = read({"a.html": "---\nsubject: s\nfrom: {name: Ada, address: ada@bücher.example}\n---\n"}, "a.html")
    assert source.front.sender == Mailbox("Ada", "ada@xn--bcher-kva.example")
    files = {"a.html": "---\nsubject: s\nfrom: {name: Ada, address: ada@mail.example}\n---\nx"}
    email = from_files(files)
    assert email.sender == Mailbox("Ada", "ada@mail.example")
    assert dict(email.headers)["Message-ID"].endswith("@mail.example>")


def test_a_subject_given_by_the_step_goes_first() -> None:
    files = {"a.html": email_file("<p>x</p>", preheader="p")}
    email = compile_email(files, "a", "", BRANDING, subject="Other", preheader="{{ contact.first_name }}")
    filler = Filler(email, SIGNER)
    assert email.subject == "Other"
    assert ">Ada&#847;" in filler.email(filler.render(values()), ENVELOPE).html


def test_css_is_inlined_and_what_cannot_be_stays() -> None:
    style = "<style>p { color: red } a:hover { color: blue } @media (max-width: 9px) { p { color: green } }</style>"
    html = made(style + "<p>x</p>").html
    assert '<p style="color: red;">x</p>' in html
    assert "a:hover" in html and "@media" in html


def test_a_loop_right_in_a_table_repeats_rows_and_not_their_body() -> None:
    html = made("<table>{% for i in range(3) %}<tr><td>{{ i }}</td></tr>{% endfor %}</table>").html
    assert "<table><tbody><tr><td>0</td></tr><tr><td>1</td></tr><tr><td>2</td></tr></tbody></table>" in html


def test_conditions_within_attributes_work() -> None:
    html = made(
        "<p class=\"{% if contact.country == 'DE' %}de{% else %}other{% endif %} {{ contact.stage }}\">x</p>"
    ).html
    assert '<p class="de inactive">' in html


def test_comments_are_dropped_but_for_those_outlook_reads() -> None:
    html = made(
        '<!-- note --><!--[if mso]><a href="https://shop.example/mso">{{ contact.first_name }}</a><![endif]-->'
    ).html
    assert "note" not in html
    assert "<!--[if mso]>" in html and ">Ada</a><![endif]-->" in html
    assert "shop.example" not in html


def test_the_preheader_is_hidden_and_first() -> None:
    html = made("<p>x</p>", preheader="Look {{ contact.first_name }} <3").html
    assert html.index("Look Ada &lt;3") < html.index("<p>x</p>")
    assert "display:none" in html.partition("Look")[0].rpartition("<div")[2]


def test_a_footer_is_added_where_the_template_has_none() -> None:
    files = {"a.html": "---\nsubject: s\n---\n<body><p>x</p></body>"}
    email = from_files(files, legal={"mersis": "0123"})
    for part in (email.html, email.text):
        assert BRANDING.postal_address in part
        assert "/u/" in part and "/p/" in part and "/v/" in part
        assert "0123" not in part
    assert email.html.index("Acme Ltd") < email.html.index("</body>")


def test_legal_lines_are_shown_in_turkey() -> None:
    files = {"a.tr.html": email_file("x")}
    branding = replace(BRANDING, legal={"mersis": "0123", "trade_title": "Acme Ltd. Şti."})
    filler = Filler(compile_email(files, "a", "tr", branding), SIGNER)
    text = filler.email(filler.render(values(country="TR")), ENVELOPE).text
    assert "MERSİS numarası: 0123" in text
    assert "Ticaret unvanı: Acme Ltd. Şti." in text


def test_a_way_out_that_only_some_see_is_not_enough() -> None:
    body = (
        '{% if contact.country == "TR" %}<a href="{{ links.unsubscribe }}">x</a>{% endif %}{{ project.postal_address }}'
    )
    email = from_files({"a.html": f"---\nsubject: s\n---\n<body>{body}</body>"})
    assert "/u/" in email.html


def test_a_text_file_goes_before_the_derived_text() -> None:
    files = {
        "a.html": email_file('<p><a href="https://shop.example/new">x</a></p>'),
        "a.txt": "Hi {{ contact.first_name }} <3,\nsee https://shop.example/new.\n"
        "Or https://shop.example/?n={{ contact.first_name }}",
    }
    email = from_files(files)
    assert email.text.startswith("Hi Ada <3,\nsee https://n.acme.example/c/")
    assert "shop.example" not in email.text
    assert "Unsubscribe: https://n.acme.example/u/" in email.text
    assert compile_email(files, "a", "", BRANDING).links == ("https://shop.example/new", None)


def test_the_same_files_compile_to_the_same_bytes() -> None:
    body = "<p>{{ contact.first_name }}</p>" * 3
    assert compiled(body).to_bytes() == compiled(body).to_bytes()


def test_loops_nested_beyond_what_python_takes_are_refused() -> None:
    assert "nested too deeply" in refused("{% for a in [1] %}" * 30 + "x" + "{% endfor %}" * 30)
    assert "nested too deeply" in refused("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}")


def test_a_layout_that_shows_the_preheader_itself_shows_it_once() -> None:
    html = made("<div>{{ email.preheader }}</div>", preheader="Look here").html
    assert html.count("Look here") == 1


def test_a_sender_no_header_can_hold_is_refused() -> None:
    with pytest.raises(ProjectError, match=r"nurture\.yaml"):
        compile_email({"a.html": email_file("x")}, "a", "", replace(BRANDING, sender=Mailbox("A\nB", "a@x.co")))


def test_a_slash_at_the_end_of_the_base_url_does_no_harm() -> None:
    email = from_files({"a.html": email_file("x")}, base_url="https://n.acme.example/")
    assert "https://n.acme.example/u/" in email.html
