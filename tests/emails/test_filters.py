from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from emails.parts import made, render, values
from nurture.core.errors import RenderError
from nurture.core.money import Money

NOON = datetime(2026, 11, 21, 21, 5, tzinfo=UTC)


def shown(expression: str, locale: str, **contact: Any) -> str:
    return made("x", subject="{{ " + expression + " }}", given=values(locale=locale, **contact)).subject


@pytest.mark.parametrize(
    ("expression", "locale", "text"),
    [
        ("contact.x|money", "en", "€1,234.50"),
        ("contact.x|money", "tr", "€1.234,50"),
        ("contact.x|money", "de-DE", "1.234,50\xa0€"),
        ("contact.at|day", "en", "November 22, 2026"),
        ("contact.at|day", "tr-TR", "22 Kasım 2026"),
        ("contact.at|time", "tr", "00:05"),
        ("contact.at|datetime", "tr", "22 Kasım 2026 00:05"),
        ("contact.born|day", "de", "29. Februar 1996"),
        ("'2026-11-24'|day", "tr", "24 Kasım 2026"),
        ("contact.n|number", "tr", "1.234,5"),
        ("0.125|percent", "en", "12.5%"),
        ("0.125|percent", "tr", "%12,5"),
        ("'ışık izi'|upper", "tr", "IŞIK İZİ"),
        ("'ışık izi'|upper", "en", "IŞIK IZI"),
        ("'IŞIK İZİ'|lower", "tr", "ışık izi"),
        ("'istanbul ili'|title", "tr", "İstanbul İli"),
        ("'istanbul'|capitalize", "tr", "İstanbul"),
        ("'a b/ç&'|urlencode", "en", "a%20b%2F%C3%A7%26"),
        ("contact.nothing|default('x')", "en", "x"),
        ("contact.empty|default('x', true)", "en", "x"),
        ("contact.none|default('x')", "en", "x"),
        ("[1, 2]|join(', ')", "en", "1, 2"),
        ("contact.list|first ~ contact.list|last ~ contact.list|length", "en", "ab2"),
        ("2.345|round(2)", "en", "2.34"),
        ("2.5|round", "en", "2"),
        ("'aXbX'|replace('X', '-')", "en", "a-b-"),
        ("'  a '|trim", "en", "a"),
        ("contact.x", "xx-weird", "1234.50 EUR"),
    ],
)
def test_filters_print(expression: str, locale: str, text: str) -> None:
    given = {"x": Money(123450, "EUR"), "at": NOON, "born": date(1996, 2, 29), "n": Decimal("1234.5")}
    assert shown(expression, locale, empty="", none=None, list=["a", "b"], **given) == text


@pytest.mark.parametrize(
    "expression",
    [
        "contact.none|day", "contact.text|day", "contact.naive|day", "contact.none|money", "12|money",
        "contact.text|number", "contact.none|upper", "contact.missing|day", "[]|first", "contact.text|join",
        "'2026-02-30'|day", "1|round(99)", "contact.text * 2", "1 / 0", "contact.text + 1",
    ],
)  # fmt: skip
def test_a_value_a_filter_cannot_use_is_refused(expression: str) -> None:
    with pytest.raises(RenderError, match=r"a\.html:4: "):
        render("{{ " + expression + " }}", none=None, text="x", naive=datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize("zone", [None, "", "Mars/Base", "../etc"])
def test_a_time_needs_a_zone_that_exists(zone: str | None) -> None:
    with pytest.raises(RenderError, match="timezone"):
        render("{{ contact.signed_up_at|day }}", timezone=zone)


def test_joining_escapes_what_people_typed() -> None:
    assert "&lt;b&gt;, c" in render("{{ contact.list|join(', ') }}", list=["<b>", "c"])
