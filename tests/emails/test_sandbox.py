from __future__ import annotations

import pytest

from emails.parts import compiled, email_file, made, render, values
from nurture.core.errors import ProjectError, RenderError
from nurture.emails.compile import compile_email
from nurture.emails.fill import Filler
from nurture.emails.links import Signer

BOMBS = {
    "a text multiplied": "{{ 'a' * 10**8 }}",
    "a number to a power": "{{ 9 ** 9999999 }}",
    "a list multiplied": "{% set a = [1] * 100000000 %}{{ a|length }}",
    "numbers grown by squaring": "{% set ns = 10 %}{% for i in range(5) %}{{ 99999999999 * 99999999999 }}{% endfor %}",
    "nested loops": "{% for a in range(999) %}{% for b in range(999) %}{{ a }}{% endfor %}{% endfor %}",
    "empty nested loops": "{% for a in range(999) %}{% for b in range(999) %}{% endfor %}{% endfor %}",
    "a large range": "{% for a in range(100000000) %}{% endfor %}",
    "a text doubled by ~": "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "a text doubled by +": "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "a block doubled": "{% set a %}aaaaaaaaaa{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 40 + "{{ a }}",
    "a value block doubled": "{% set a = 'a' * 1 %}",
    "a wide format": "{{ '{:>999999999}'.format(1) }}",
    "a format by %": "{{ '%999999999d' % 1 }}",
    "ljust": "{{ 'a'.ljust(999999999) }}",
    "the method replace": "{{ 'aaaa'.replace('a', 'b' * 9999) }}",
    "the filter replace": "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a|replace('a', 'aaaaaaaaaa') %}" * 8 + "{{ a }}",
    "join": "{% set a = 'aaaaaaaaaa' %}" + "{% set a = [a, a, a, a]|join(a) %}" * 12 + "{{ a }}",
    "center": "{{ 'a'|center(99999999) }}",
    "indent": "{{ 'a'|indent(99999999) }}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a macro that calls itself twice": (
        "{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}"
    ),
    "lorem ipsum": "{{ lipsum(1000) }}",
    "a recursive loop": "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
}
ESCAPES = {
    "__class__": "{{ ''.__class__.__mro__ }}",
    "__class__ in brackets": "{{ ''['__class__'] }}",
    "__init__ of a macro": "{% macro m() %}{% endmacro %}{{ m.__init__ }}",
    "__globals__ of a function": "{{ _.__call__.__globals__ }}",
    "the method of a list": "{{ last_purchase['items'].append }}",
    "the attr filter": "{{ ''|attr('__class__') }}",
    "self": "{{ self.__init__ }}",
    "the context of a loop": "{% for a in [1] %}{{ loop._iterable }}{% endfor %}",
    "a function called through a method": "{{ ''.join.__self__ }}",
    "cycler": "{{ cycler(1) }}",
    "namespace": "{% set n = namespace() %}",
    "map": "{{ [1]|map('string')|join }}",
    "safe": "{{ contact.first_name|safe }}",
    "format_map": "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "links as text": "{{ links.view ~ 'x' }}",
    "a private character in a text": '{{ "\\U0010F005" }}',
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
def test_a_template_that_asks_too_much_is_refused(body: str) -> None:
    with pytest.raises((RenderError, ProjectError), match=r"templates/emails/a\.html:\d+"):
        render(body)


@pytest.mark.parametrize("body", ESCAPES.values(), ids=ESCAPES)
def test_there_is_no_way_out_of_the_sandbox(body: str) -> None:
    with pytest.raises((RenderError, ProjectError), match=r"templates/emails/a\.html:\d+"):
        render(body)


def test_a_value_that_is_too_long_is_refused() -> None:
    with pytest.raises(RenderError, match="prints more than"):
        render("{{ contact.plan }}", plan="x" * 600_000)


def test_an_email_that_grows_too_long_from_constant_text_is_refused() -> None:
    with pytest.raises(RenderError, match="longer than"):
        render("{% for i in range(900) %}" + "<p>constant</p>" * 50 + "{% endfor %}")


def test_a_missing_value_names_file_line_and_the_nearest_name() -> None:
    files = {"a.html": email_file("<p>\n\n{{ contact.frist_name }}</p>")}
    with pytest.raises(RenderError, match=r"templates/emails/a\.html:6: .*did you mean 'first_name'"):
        Filler(compile_email(files, "a", "", compiled("x").branding), Signer([b"k" * 32])).render(values())


def test_an_empty_value_is_not_printed_as_none() -> None:
    with pytest.raises(RenderError, match="no value to print"):
        render("{{ contact.plan }}")
    assert "free" in made("{{ contact.plan or 'free' }}").html


def test_a_list_is_not_printed() -> None:
    with pytest.raises(RenderError, match="cannot be printed"):
        render("{{ last_purchase['items'] }}")


def test_a_key_goes_before_a_method() -> None:
    assert "2 things" in made("{{ last_purchase.items|length }} things").html


def test_what_people_typed_is_escaped_and_stripped_of_controls_and_marks() -> None:
    email = made("<p>{{ contact.first_name }}</p>", given=values(first_name="<b>\U0010f005\U000f0000\x00\ud800&"))
    assert "<p>&lt;b&gt;&amp;</p>" in email.html
    assert "<b>&" in email.text


def test_a_loop_over_the_letters_of_a_name_works() -> None:
    assert "A-d-a-" in made("{% for letter in contact.first_name %}{{ letter }}-{% endfor %}").html


def test_arithmetic_and_joining_work_within_bounds() -> None:
    assert "7 and ab" in made("{{ 3 + 2 * 2 }} and {{ 'a' + 'b' }}").html
