"""Nearest words, and what was probably meant by a value."""

from __future__ import annotations

import pytest

from nurture.core.campaign import STEP_KINDS, Campaign
from nurture.core.condition import BY_KEY
from nurture.core.values import WEEKDAYS
from nurture.files import shape
from nurture.files.fixes import meant
from nurture.files.nearest import nearest
from nurture.files.places import COUNTRIES, country_meant, is_currency, is_locale


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("tilte", "title"),
        ("audiense", "audience"),
        ("sendwindow", "send_window"),
        ("exit-when", "exit_when"),
        ("Step", "steps"),
    ],
)
def test_a_misspelt_key_finds_its_right_word(wrong: str, right: str) -> None:
    assert nearest(wrong, shape.keys(Campaign)) == right


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("clickd", "clicked"),
        ("recieved", "received"),
        ("tags", "tag"),
        ("puchased", "purchased"),
        ("not_", "not"),
        ("ALL", "all"),
    ],
)
def test_a_misspelt_condition_finds_its_right_word(wrong: str, right: str) -> None:
    assert nearest(wrong, BY_KEY) == right


@pytest.mark.parametrize("word", ["", "x", "plan", "qwertz"])
def test_a_word_like_none_of_them_finds_none(word: str) -> None:
    assert nearest(word, [*BY_KEY, *STEP_KINDS, *WEEKDAYS]) is None


@pytest.mark.parametrize(
    ("text", "complaint", "right"),
    [
        ("3 dya", "is not a length of time", "3 days"),
        ("1 days.", "is not a length of time", "1 day"),
        ("3d", "is not a length of time", "3 days"),
        ("a week", "is not a length of time", "1 week"),
        ("2 months", "is not a length of time", "60 days"),
        ("soon", "is not a length of time", None),
        ("60 days", "is not a time in the past", "60 days ago"),
        ("180 dys after leaving", "says not when; ", "180 days after leaving"),
        ("nevr", "says not when; ", "never"),
        ("10.00", "is not a time of day", "10:00"),
        ("3:00 PM", "is not a time of day", "15:00"),
        ("12 am", "is not a time of day", "00:00"),
        ("25:00", "is not a time of day", None),
        ("9am to 6pm", "are not hours", "09:00-18:00"),
        ("Monday – Friday", "is not a weekday", "mon-fri"),
        ("weekend", "is not a weekday", "sat, sun"),
        ("0.1", "is not a share", "10%"),
        ("10 percent", "is not a share", "10%"),
        ("140", "is not a share", None),
        ("€49,90", "is not an amount", "49.90 EUR"),
        ("50 try", "is not an amount", "50 TRY"),
        ("1 per day", "is not a limit", "1 per 24 hours"),
        ("3 emails a week", "is not a limit", "3 per 7 days"),
        ("every day at 10:00", "says not when to look", "daily at 10:00"),
        ("Monday at 9", "says not when to look", "mondays at 09:00"),
        ("immediately", "says not when to look", "at once"),
        ("Istanbul", "is not a timezone", "Europe/Istanbul"),
        ("ture", "is not a switch", "yes"),
        ("anything", "is a complaint nobody makes", None),
    ],
)
def test_a_value_is_guessed_only_where_it_can_be_read(text: str, complaint: str, right: str | None) -> None:
    assert meant(text, complaint) == right


def test_countries_are_the_assigned_ones() -> None:
    assert len(COUNTRIES) == 249
    assert {"TR", "DE", "GB", "NO"} <= COUNTRIES
    assert not {"UK", "EU", "XX", "ZZ"} & COUNTRIES


@pytest.mark.parametrize(
    ("text", "code"), [("tr", "TR"), ("UK", "GB"), ("Germny", "DE"), ("Turkey", "TR"), ("XQ", None)]
)
def test_a_country_is_guessed_by_case_alias_and_name(text: str, code: str | None) -> None:
    assert country_meant(text) == code


@pytest.mark.parametrize(
    ("name", "known"), [("tr", True), ("en-GB", True), ("en_TR", True), ("xx", False), ("en-ZZ", False), ("", False)]
)
def test_a_locale_is_a_language_with_or_without_a_country(name: str, known: bool) -> None:
    assert is_locale(name) is known


def test_currencies_are_those_of_iso_4217() -> None:
    assert is_currency("TRY")
    assert not is_currency("TYR")
