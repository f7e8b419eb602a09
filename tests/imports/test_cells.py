"""Cells of contacts: what they are read as, and what is refused with the words to mend it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.actions.addresses import plain_address, read_address, validated_address
from nurture.actions.import_contacts import parse_locale, parse_stage, parse_timezone
from nurture.actions.importing import guarded, unguarded
from nurture.actions.repeats import Seen, quick_key
from nurture.core.contact import (
    attribute_value,
    clean_line,
    clean_text,
    parse_country,
    parse_instant,
    parse_switch,
    plain_value,
    split_name,
    split_tags,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ISTANBUL = ZoneInfo("Europe/Istanbul")
LOCAL = st.text("aZ09.+_-'\"İı éK@ ", min_size=1, max_size=20)
DOMAIN = st.text("aZ09.-ıü", min_size=1, max_size=20)
ADDRESS = (
    st.builds("{}@{}".format, LOCAL, DOMAIN)
    | st.builds(
        "{}@{}.{}".format,
        st.from_regex(r"[A-Za-z0-9_+.-]{1,40}", fullmatch=True),
        st.from_regex(r"[a-z0-9-]{1,40}(\.[a-z0-9-]{1,8})?", fullmatch=True),
        st.sampled_from(["com", "example", "test", "local", "x", "c1", "museum"]),
    )
    | st.sampled_from(["INFO@x.example", "Sales@x.example", "a@xn--bcher-kva.de", "a@b--c.example", "-a@x.example"])
)


@given(ADDRESS)
def test_the_quick_way_accepts_only_what_the_validator_does_and_says_the_same(text: str) -> None:
    quick = plain_address(text)
    if quick is not None:
        assert quick == validated_address(text)


@given(ADDRESS)
def test_the_quick_key_of_an_address_is_its_key(text: str) -> None:
    try:
        _, key = read_address(text)
    except ValueError:
        return
    assert quick_key(text) == key


@pytest.mark.parametrize("text", ["ada@example.com", "Ada.B+tag@mail.example.org", "a_b-c@x1.example.co"])
def test_everyday_addresses_take_the_quick_way(text: str) -> None:
    assert plain_address(text) == (text, text.lower())


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("user@bücher.de", "user@xn--bcher-kva.de"),
        ("user@faß.de", "user@xn--fa-hia.de"),
        ("josé@example.com", "josé@example.com"),
        ('"a b"@x.co', '"a b"@x.co'),
        ('"a@b"@x.co', '"a@b"@x.co'),
        ("A@X.CO", "a@x.co"),
        ("gıthub@x.co", "gıthub@x.co"),
    ],
)
def test_unusual_addresses_are_taken(text: str, key: str) -> None:
    assert read_address(text)[1] == key


@pytest.mark.parametrize(
    "text",
    ["a..b@x.co", ".a@x.co", "a b@x.co", "a@x", "a@x.test", "Ada <a@x.co>", "a@x.co\r\nBcc: b@x.co", "a\0@x.co",
     "@x.co", "a@x.co, b@x.co", "a" * 65 + "@x.co", "a@localhost", "a@[127.0.0.1]"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an email address"):
        read_address(text)


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\u2028", "\u2029", "\x85", "\v", "\f"])
def test_a_name_with_a_line_break_is_refused(break_: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        clean_line(f"A{break_}Bcc: x@y.example")


def test_other_control_characters_are_taken_out_of_names() -> None:
    assert clean_line("A\x07da\t") == "Ada"
    assert clean_line('Doe, "J" <x@evil>') == 'Doe, "J" <x@evil>'


@pytest.mark.parametrize("read", [clean_line, clean_text])
@pytest.mark.parametrize("text", ["A\0da", "A\ud800da"])
def test_what_no_database_can_keep_is_refused(read: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"NUL|surrogate"):
        read(text)


def test_a_name_beyond_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="201 characters long; at most 200"):
        clean_line("x" * 201)


def test_letters_are_composed() -> None:
    assert clean_line("I\u0307lke") == "İlke"


def test_notes_keep_their_lines() -> None:
    assert clean_text("one\ntwo\x07") == "one\ntwo"


def test_a_full_name_is_parted_at_its_last_space() -> None:
    assert split_name("Ada Augusta Lovelace") == ("Ada Augusta", "Lovelace")
    assert split_name("Ada") == ("Ada", "")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-19", "2026-11-18T21:00:00+00:00"),
        ("20261119", "2026-11-18T21:00:00+00:00"),
        ("2026-11-19 10:00", "2026-11-19T07:00:00+00:00"),
        ("2026-11-19T10:00:00Z", "2026-11-19T10:00:00+00:00"),
        ("2026-11-19T10:00:00+05:45", "2026-11-19T04:15:00+00:00"),
    ],
)
def test_times_without_a_zone_are_the_projects(text: str, at: str) -> None:
    assert parse_instant(text, ISTANBUL, NOW) == datetime.fromisoformat(at)


def test_a_time_in_a_gap_is_moved_out_of_it() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert parse_instant("2026-03-29 02:30", berlin, NOW) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("19.11.2026", "write it like 2026-11-21"),
        ("2026-11-21T12:00:01Z", "lies in the future"),
        ("0026-11-21", "before 1970"),
        ("9999-12-31T23:59:59-12:00", "before 1970|future"),
        ("2026-02-30", "is not a time"),
    ],
)
def test_times_that_cannot_be_are_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_instant(text, ISTANBUL, NOW)


@pytest.mark.parametrize(
    ("text", "is_on"), [("yes", True), ("TRUE", True), ("1", True), ("No", False), ("hayır", False)]
)
def test_switches_have_several_spellings(text: str, is_on: bool) -> None:
    assert parse_switch(text) is is_on


def test_a_country_is_two_letters_that_exist() -> None:
    assert parse_country("tr") == "TR"
    for text in ("XX", "Türkiye", "ıt", "T"):
        with pytest.raises(ValueError, match="two letters"):
            parse_country(text)
    with pytest.raises(ValueError, match="is GB"):
        parse_country("UK")


def test_tags_are_parted_and_come_once() -> None:
    assert split_tags("vip; fair|vip ;") == ("vip", "fair")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5), ("-12", -12), ("0", 0), ("1.5", 1.5), ("0.021", 0.021), ("true", True), ("False", False),
        ("007", "007"), ("1.50", "1.50"), ("+905551112233", "+905551112233"), ("1e3", "1e3"), ("yes", "yes"),
        ("no", "no"), ("1,5", "1,5"), ("-0", "-0"), ("12345678901234567890", "12345678901234567890"), ("NaN", "NaN"),
        ("tRUE", "tRUE"), ("٣", "٣"),
    ],
)  # fmt: skip
def test_a_cell_of_ones_own_becomes_what_it_is_spelled_as(text: str, value: object) -> None:
    read = plain_value(text)
    assert (read, type(read)) == (value, type(value))


@given(st.integers(-(10**14), 10**14) | st.floats(-1e9, 1e9).filter(lambda x: "e" not in repr(x)))
def test_a_number_is_read_only_where_it_would_be_written_the_same(number: float) -> None:
    read = plain_value(repr(number))
    assert repr(read) == repr(number) or read == repr(number)


def test_attributes_of_json_keep_their_kind() -> None:
    assert attribute_value({"a": [1, Decimal("1.5"), True, None, "x"]}) == {"a": [1, 1.5, True, None, "x"]}
    for value in (2**63, Decimal("1e999"), [[[[[1]]]]], list(range(101)), "x" * 2001, {"a\n": 1}):
        with pytest.raises(ValueError):
            attribute_value(value)


def test_locales_are_written_one_way() -> None:
    assert [parse_locale(text) for text in ("tr", "pt_BR", "en-gb")] == ["tr", "pt-BR", "en-GB"]
    for text in ("turkish", "xx", "english_UK", "../x"):
        with pytest.raises(ValueError, match="is not a locale"):
            parse_locale(text)


def test_timezones_and_stages_are_known_ones() -> None:
    assert parse_timezone("Asia/Kathmandu") == "Asia/Kathmandu"
    for parse, text in ((parse_timezone, "Mars/Olympus"), (parse_timezone, "../etc/passwd"), (parse_stage, "active")):
        with pytest.raises(ValueError, match="write one"):
            parse(text)


@given(st.text("'=+-@\t a1", max_size=8))
def test_a_cell_made_safe_for_spreadsheets_comes_back_as_it_was(cell: str) -> None:
    safe = guarded(cell)
    assert not safe or safe[0] not in "=+-@\t"
    assert unguarded(safe) == cell


def test_what_was_seen_is_known_again() -> None:
    seen = Seen()
    names = [f"user{n}@x.example" for n in range(20_000)]
    first = [seen.meet(name) for name in names]
    assert sum(first) < 20
    assert all(seen.meet(name) for name in names)
