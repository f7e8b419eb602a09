"""Blocks of other files, put in where they are called."""

from __future__ import annotations

import pytest

from emails.parts import BRANDING, ENVELOPE, SIGNER, email_file, values
from nurture.core.errors import ProjectError
from nurture.emails.compile import CompiledEmail, compile_email
from nurture.emails.fill import FilledEmail, Filler
from nurture.emails.lint import lint
from nurture.emails.names import undeclared

BUTTON = """{# where it leads, and what it says #}
{% macro button(url, words, kind="main") %}<p class="{{ kind }}"><a href="{{ url }}">{{ words }}</a></p>{% endmacro %}
"""
TAKE = '{% from "blocks/button.html" import button %}'


def compiled(body: str, more: dict[str, str] | None = None) -> CompiledEmail:
    files = {"a.html": email_file(body), "blocks/button.html": BUTTON, **(more or {})}
    return compile_email(files, "a", "", BRANDING)


def made(email: CompiledEmail) -> FilledEmail:
    filler = Filler(email, SIGNER)
    return filler.email(filler.render(values()), ENVELOPE)


def refused(body: str, files: dict[str, str] | None = None) -> str:
    given = {"a.html": email_file(body), "blocks/button.html": BUTTON, **(files or {})}
    with pytest.raises(ProjectError) as caught:
        compile_email(given, "a", "", BRANDING)
    return str(caught.value.problems[0])


def test_a_block_stands_where_it_is_called_with_its_words() -> None:
    email = made(compiled(TAKE + '{{ button("https://shop.example/?a=1&b=2", "Tea & more") }}'))
    assert '<p class="main"><a href="https://n.acme.example' in email.html
    assert ">Tea &amp; more</a></p>" in email.html
    assert "Tea & more" in email.text


def test_a_constant_address_in_a_block_stays_a_constant_link() -> None:
    email = compiled(TAKE + '{{ button("https://shop.example/?a=1&b=2", _("Unsubscribe")) }}')
    assert "https://shop.example/?a=1&b=2" in email.links
    assert None not in email.links


def test_a_block_that_says_only_what_never_changes_is_a_constant() -> None:
    plain = compiled('<p class="main"><a href="https://shop.example/">Look</a></p>')
    block = compiled(TAKE + '{{ button("https://shop.example/", "Look") }}')
    assert (plain.constants, plain.source) == (block.constants, block.source)


def test_a_block_shows_what_varies_by_contact() -> None:
    body = TAKE + "{{ button('https://shop.example/' ~ contact.first_name|lower, contact.first_name ~ '’s basket') }}"
    email = made(compiled(body))
    assert "Ada’s basket" in email.html
    assert "https://shop.example/ada" in email._filler.render(values())


def test_a_block_sees_the_names_around_it_and_keeps_its_own() -> None:
    row = "<tr><td>{{ name|upper }}</td><td>{{ price|money }}</td></tr>"
    rows = "{% macro row(name, price=item.price) %}" + row + "{% endmacro %}"
    body = (
        '{% from "blocks/rows.html" import row as line %}<table><tbody>{% for item in last_purchase.items %}'
        "{{ line(item.name) }}{% endfor %}</tbody></table>"
    )
    html = made(compiled(body, {"blocks/rows.html": rows})).html
    assert "<td>BEANS &lt;DARK&gt;</td><td>€6.25</td>" in html
    assert html.count("<tr>") == 2


def test_a_block_around_what_stands_between() -> None:
    card = '{% macro card(title) %}<div class="card"><h2>{{ title }}</h2>{{ caller() }}</div>{% endmacro %}'
    body = (
        '{% import "blocks/card.html" as parts %}'
        '{% call parts.card("One") %}<p>{{ contact.first_name }}</p>{% endcall %}'
    )
    html = made(compiled(body, {"blocks/card.html": card})).html
    assert '<div class="card"><h2>One</h2><p>Ada</p></div>' in html


def test_blocks_call_one_another_and_hand_on_their_words() -> None:
    offer = TAKE + "{% macro offer(link, say) %}<h2>{{ say }}</h2>{{ button(link, words=say) }}{% endmacro %}"
    body = '{% from "blocks/offer.html" import offer %}{{ offer("https://shop.example/o", "Half off") }}'
    email = compiled(body, {"blocks/offer.html": offer})
    assert "https://shop.example/o" in email.links
    assert "<h2>Half off</h2>" in made(email).html


def test_a_block_comes_in_the_language_of_the_email() -> None:
    turkish = '{% macro button(url, words) %}<p><a href="{{ url }}">{{ words }} (tr)</a></p>{% endmacro %}'
    body = TAKE + '{{ button("https://shop.example/", "Look") }}'
    files = {"a.html": email_file(body), "a.tr.html": email_file(body)}
    files |= {"blocks/button.html": BUTTON, "blocks/button.tr.html": turkish}
    assert "Look (tr)" in made(compile_email(files, "a", "tr", BRANDING)).html
    assert "Look (tr)" not in made(compile_email(files, "a", "en", BRANDING)).html


def test_a_part_comes_in_the_language_of_the_email() -> None:
    files = {f"a.{locale}.html": email_file('{% include "blocks/foot.html" %}') for locale in ("en", "tr")}
    files |= {"blocks/foot.html": "<p>See you</p>", "blocks/foot.tr.html": "<p>Görüşürüz</p>"}
    assert "Görüşürüz" in made(compile_email(files, "a", "tr", BRANDING)).html
    assert "See you" in made(compile_email(files, "a", "en", BRANDING)).html


def test_a_text_file_has_blocks_of_its_own() -> None:
    text = '{% from "blocks/b.txt" import b %}{{ b("Tea & more") }} {{ links.unsubscribe }}'
    files = {"a.html": email_file("x"), "a.txt": text}
    files["blocks/b.txt"] = "{% macro b(words) %}> {{ words }}{% endmacro %}"
    assert "> Tea & more" in made(compile_email(files, "a", "", BRANDING)).text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{% from "blocks/knob.html" import knob %}', "there is no templates/emails/blocks/knob.html"),
        ('{% from "blocks/button.html" import knob %}', "there is no block 'knob'"),
        ("{% from name import button %}", "needs a file in quotes"),
        (TAKE + '{{ button("https://x.example") }}', "block button needs words"),
        (TAKE + '{{ button("https://x.example", "x", colour="red") }}', "has no parameter 'colour'"),
        (TAKE + '{{ button("https://x.example", "x", "main", "y") }}', "is given too much"),
        (TAKE + '{% set it = button("https://x.example", "x") %}', "cannot be part of an expression"),
        (TAKE + '{{ button("a", "b") ~ button("c", "d") }}', "cannot be part of an expression"),
        (TAKE + '{{ button("no address", "x") }}', "cannot be followed"),
    ],
)
def test_what_cannot_work_is_told_with_its_line(body: str, told: str) -> None:
    text = refused("<p>first</p>\n" + body)
    assert told in text
    assert text.startswith("templates/emails/a.html:5:")


def test_a_block_that_calls_itself_is_told() -> None:
    again = "{% macro button(a) %}<p>{{ button(a) }}</p>{% endmacro %}"
    assert "calls itself" in refused(TAKE + "{{ button(1) }}", {"blocks/button.html": again})


def test_blocks_that_double_one_another_are_told() -> None:
    macros = [f"{{% macro m{n}() %}}{{{{ m{n + 1}() }}}}{{{{ m{n + 1}() }}}}{{% endmacro %}}" for n in range(18)]
    text = "\n".join([*macros, "{% macro m18() %}x{% endmacro %}"])
    assert "too often" in refused('{% from "b.html" import m0 %}{{ m0() }}', {"b.html": text})


def test_a_file_of_blocks_holds_nothing_else() -> None:
    told = refused(TAKE, {"blocks/button.html": BUTTON + "<p>stray</p>"})
    assert told.startswith("templates/emails/blocks/button.html:2:")
    assert "nothing beside them" in told


def test_a_mistake_in_a_block_is_told_at_its_line() -> None:
    files = {"a.html": email_file(TAKE + '{{ button("https://x.example", "x") }}')}
    files["blocks/button.html"] = "{% macro button(url, words) %}\n{{ wrds }}\n{% endmacro %}"
    told = undeclared(files, "a")
    assert [(p.path, p.line) for p in told] == [("templates/emails/blocks/button.html", 2)]


def test_blocks_are_no_unknown_names() -> None:
    files = {"a.html": email_file(TAKE + '{{ button("https://x.example", "x") }}'), "blocks/button.html": BUTTON}
    assert undeclared(files, "a") == lint(files, "a") == []


IMAGE = '<p><img src="https://cdn.example/tea.jpg" alt="A cup of tea" width="300"></p>'


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (IMAGE, []),
        (IMAGE.replace('alt="A cup of tea"', 'alt=""'), []),
        (IMAGE.replace("https://cdn.example/tea.jpg", "{{ contact.picture }}"), []),
        (IMAGE.replace('alt="A cup of tea"', ""), [("alt", "warning")]),
        (IMAGE.replace('width="300"', ""), [("width", "warning")]),
        (IMAGE.replace('width="300"', 'style="width: 100%; max-width: 300px"'), [("width", "warning")]),
        (IMAGE.replace("https:", "http:"), [("https", "warning")]),
        (IMAGE.replace("https://cdn.example/", "images/"), [("image", "error")]),
        (IMAGE.replace("https://cdn.example/tea.jpg", "data:image/png;base64,AAAA"), [("image", "error")]),
        (IMAGE.replace('src="https://cdn.example/tea.jpg"', ""), [("image", "error")]),
    ],
)
def test_images_are_checked(image: str, told: list[tuple[str, str]]) -> None:
    files = {"a.html": email_file(image)}
    assert [(p.rule, p.severity) for p in lint(files, "a")] == told


def test_images_of_blocks_are_checked_where_they_stand() -> None:
    files = {"a.html": email_file('{% from "b.html" import photo %}\n{{ photo("tea.jpg") }}')}
    files["b.html"] = '{% macro photo(src) %}\n\n<p><img src="{{ src }}" alt="" width="20"></p>{% endmacro %}'
    assert [(p.path, p.line, p.rule) for p in lint(files, "a")] == [("templates/emails/b.html", 3, "image")]
