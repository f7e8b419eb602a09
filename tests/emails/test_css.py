"""CSS that large mail programs ignore: what is told, what is passed over, and where the data come from."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from emails.parts import email_file
from nurture.emails import css
from nurture.emails.lint import lint

ROOT = Path(__file__).parents[2]
FEATURE = """---
title: "display:grid"
last_test_date: "2019-02-28"
stats: {
\tapple-mail: {
\t\tmacos: {
\t\t\t"12.4": "y"
\t\t},
\t\tios: {
\t\t\t"12.1": "y"
\t\t}
\t},
    gmail: {
        desktop-webmail: {
            "2019-02":"y",
            "2021-03":"n #1",
        },
        android: {
            "2019-02": "a #1"
        }
    },
    outlook: {
        windows: {
            "2007": "n",
            "2019": "n"
        },
        outlook-com: {
            "2019-02": "n",
            "2024-01": "y",
        }
    }
}
notes_by_num: {
    "1": "Partial. Not for everybody: {never}."
}
---
"""
"""A file of Can I email in all its untidiness: tabs, commas before braces, notes behind the answers."""


def told(html: str) -> list[str]:
    return [one.written for one in css.ignored(html)]


@pytest.mark.parametrize(
    "style",
    ["display: flex", "DISPLAY:grid", "position: absolute", "float: left", "box-shadow: 0 1px 2px #000",
     "background: linear-gradient(#fff, #000)", "width: calc(100% - 20px)", "--brand: #0a5c4a"],
)  # fmt: skip
def test_what_large_mail_programs_ignore_is_told_in_attributes_and_in_style(style: str) -> None:
    assert len(told(f'<p style="color: red; {style}">x</p>')) == 1
    assert len(told(f"<style>p {{ color: red; {style}; }}</style>")) == 1


@pytest.mark.parametrize(
    "style",
    ["border-radius: 4px", "max-width: 600px", "display: block", "position: static", "float: none",
     "background: #fff", "display: inline-block", "overflow: hidden", "color: red"],
)  # fmt: skip
def test_what_most_show_or_nobody_misses_is_passed_over(style: str) -> None:
    assert told(f'<p style="{style}">x</p>') == []


def test_what_is_written_for_those_who_read_it_is_passed_over() -> None:
    style = "@media (max-width: 600px) { .a { display: flex } .b { color: red } } /* .c { float: left } */"
    assert told(f"<style>{style} @charset 'utf-8'; .d:hover {{ color: red }}</style>") == []


def test_rules_behind_a_media_rule_are_told() -> None:
    assert told("<style>@media print { a { color: red } } .b { position: fixed }</style>") == ["position: fixed"]


def test_the_warning_says_who_ignores_what_since_when_and_stands_at_the_property() -> None:
    body = '<p>\n{{ contact.first_name }} <b style="color: red; display: grid">x</b></p>'
    (problem,) = (one for one in lint({"a.html": email_file(body)}, "a") if one.rule == "css-ignored")
    source = email_file(body).split("\n")
    assert source[problem.line - 1][problem.column - 1 :].startswith("display: grid")
    assert problem.message == (
        "'display: grid' is ignored by Gmail on the web, Gmail on Android, Outlook for Windows, Outlook on iPhones "
        "and Yahoo Mail on the web (caniemail.com, tested 2019-02-28)"
    )


def test_every_tested_thing_has_data_and_the_data_say_where_they_are_from() -> None:
    data = json.loads((ROOT / "nurture/emails/caniemail/support.json").read_text())
    assert set(data["features"]) == {*css.WRITTEN, "css-at-import"}
    assert "caniemail" in data["source"]
    assert data["date"] >= "2026-11-22"
    assert "MIT License" in (ROOT / "nurture/emails/caniemail/LICENSE").read_text()
    assert all(set(one["support"]) <= set("ynau") for one in data["features"].values())


def test_the_newest_answer_of_each_program_is_taken_from_the_data() -> None:
    script = runpy.run_path(str(ROOT / "scripts/caniemail.py"))
    assert script["reduced"](FEATURE) == {"tested": "2019-02-28", "support": "naynyuu"}
