from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emails.parts import CONTACT, ENVELOPE, FOOT, PURCHASE, made, values


def text(body: str, **contact: Any) -> str:
    whole = made(body, envelope=replace(ENVELOPE, tracked=False), given=values(**contact)).text
    return whole.partition("Acme Ltd")[0].strip()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("<h1>Hello</h1><p>One\n  two</p><p>three<br>four</p>", "Hello\n\nOne two\n\nthree\nfour"),
        ("<ul><li>a</li><li>b</li></ul><p>c</p>", "- a\n- b\n\nc"),
        ("<p>See <a href='https://x.example/'>this</a> now</p>", "See this (https://x.example/) now"),
        ("<p><a href='https://x.example/'>this</a></p><p>b</p>", "this: https://x.example/\n\nb"),
        ("<p><a href='mailto:a@x.co'>write</a> <a href='mailto:a@x.co'>a@x.co</a></p>", "write (a@x.co) a@x.co"),
        ("<p>a<a href='#top'>up</a></p>", "aup"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a  b\nc"),
        ("<p><img src='x.png' alt='A cat'> and <img src='y.png' alt=''></p>", "A cat and"),
        ("<style>p { color: red }</style><p>x &amp; y &lt;3&nbsp;z</p>", "x & y <3\xa0z"),
        ("<p>a<b>b</b> <i>c</i>d</p>", "ab cd"),
        ("<p>a</p><hr><p>b</p>", "a\n\n--------------------\n\nb"),
        ("<!-- hidden --><p>a</p>", "a"),
    ],
)
def test_html_reads_well_as_text(body: str, shown: str) -> None:
    assert text(body) == shown


def test_rows_of_a_loop_stand_one_under_the_other() -> None:
    body = (
        "<p>You bought:</p><table>{% for item in last_purchase.items %}\n<tr><td>{{ item.name }}</td>"
        "<td>{{ item.quantity }}</td></tr>\n{% endfor %}</table><p>Thanks</p>"
    )
    assert text(body) == "You bought:\n\nBeans <dark>  2\nÇay  1\n\nThanks"


def test_a_loop_over_nothing_leaves_no_gap() -> None:
    body = "<p>a</p>{% for item in contact.list %}<p>{{ item }}</p>{% endfor %}<p>b</p>"
    assert text(body, list=[]) == "a\n\nb"
    assert text(body, list=["x", "y"]) == "a\n\nx\n\ny\n\nb"


def test_a_condition_leaves_no_gap_where_it_does_not_hold() -> None:
    body = "<p>a</p>{% if contact.plan %}<p>{{ contact.plan }}</p>{% else %}{% endif %}<p>b</p>"
    assert text(body, plan="x") == "a\n\nx\n\nb"
    assert text(body) == "a\n\nb"


def test_words_and_conditions_keep_their_spaces() -> None:
    body = "<h1>Hello{% if contact.first_name %} {{ contact.first_name }}{% endif %}!</h1>"
    assert text(body) == "Hello Ada!"
    assert text(body, first_name="") == "Hello!"


def test_the_footer_is_readable() -> None:
    email = made(
        "<p>x</p>", envelope=replace(ENVELOPE, tracked=False), given={"contact": CONTACT, "last_purchase": PURCHASE}
    )
    assert "Unsubscribe (https://n.acme.example/u/" in email.text
    assert FOOT not in email.text
