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
DATA = {
    "last_update_date": "2025-09-09 18:08:06 +0000",
    "data": [
        {"slug": "css-display-grid", "category": "css", "last_test_date": "2019-02-28", "stats": {
            "apple-mail": {"macos": {"12.4": "y"}, "ios": {"9": "y", "12.1": "a #1"}},
            "gmail": {"desktop-webmail": {"2019-02": "y", "2021-03": "n #1"}, "android": {"2019-02": "y"}},
            "outlook": {"windows": {"2007": "y", "2019": "n"}, "outlook-com": {"2024-04": "y", "2024-01": "n"}},
        }},
        {"slug": "html-video", "category": "html", "last_test_date": "2019-02-28", "stats": {}},
    ],
}  # fmt: skip
"""Data of Can I email: answers by version, with notes, and not always in order."""


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


@pytest.mark.parametrize(
    "style",
    ["user-select: none", "margin-inline: auto", "font-size: 1.2rem", "font-size: clamp(1rem, 2vw, 2rem)",
     "color: oklch(60% 0.1 200)", "border-inline-start-width: 2px", "text-wrap: balance", "width: fit-content"],
)  # fmt: skip
def test_of_all_properties_and_values_that_were_tested_the_ignored_are_told(style: str) -> None:
    assert told(f'<p style="color: red; {style}">x</p>')


@pytest.mark.parametrize("style", ["padding: 4px", "font: 16px Arial", "color-scheme: light dark", "mso-hide: all"])
def test_and_those_that_are_shown_or_were_not_tested_are_passed_over(style: str) -> None:
    assert told(f'<p style="{style}">x</p>') == []


def test_every_thing_that_is_told_has_data_and_the_data_say_where_they_are_from() -> None:
    data = json.loads((ROOT / "nurture/emails/caniemail/support.json").read_text())
    assert {*css.WRITTEN, "css-at-import"} <= set(data["features"])
    assert len(data["features"]) >= 210
    assert "caniemail" in data["source"]
    assert data["date"] >= "2025-09-09"
    assert "MIT License" in (ROOT / "nurture/emails/caniemail/LICENSE").read_text()
    assert all(set(one["support"]) <= set("ynau") for one in data["features"].values())


def test_the_newest_answer_of_each_program_is_taken_from_the_data() -> None:
    found = runpy.run_path(str(ROOT / "scripts/caniemail.py"))["reduced"](DATA)
    assert found["date"] == "2025-09-09"
    assert found["features"] == {"css-display-grid": {"tested": "2019-02-28", "support": "nyanyuu"}}
