"""What is said of a contact, read from text: names, times, countries, tags, switches, attribute values.

Each reader takes one cell and returns a clean value, or raises ValueError whose text says what to write instead.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from nurture.core.zone import from_local

NAME_LENGTH = 200
WORD_LENGTH = 64
TEXT_LENGTH = 2000

_COUNTRIES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM
    FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN
    MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT
    PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL
    TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"""
COUNTRIES = frozenset(_COUNTRIES.split())
"""ISO 3166-1 alpha-2, officially assigned."""

YES = frozenset({"yes", "y", "true", "1", "on", "evet"})
NO = frozenset({"no", "n", "false", "0", "off", "hayır", "hayir"})
SWITCHES = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
SEPARATORS = re.compile(r"[;|]")
ID = re.compile(r"[0-9a-f]{32}")
INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,14}")


def clean_text(text: str, limit: int = TEXT_LENGTH) -> str:
    """NFC without control characters but new lines and tabs; NUL, lone surrogates and excess length are refused."""
    if not text.isprintable():
        text = _without_controls(text, keep="\n\t")
    if len(text) > limit:
        raise ValueError(f"is {len(text)} characters long; at most {limit} are kept")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def clean_line(text: str, limit: int = NAME_LENGTH) -> str:
    """One line for a name: like `clean_text`, and a line break, by which headers could be forged, is refused."""
    if not text.isprintable() and any(mark in text for mark in "\r\n\v\f\x85\u2028\u2029"):
        raise ValueError("has a line break in it; write it on one line")
    if not text.isprintable():
        text = _without_controls(text, keep="").strip()
    return clean_text(text, limit)


def _without_controls(text: str, keep: str) -> str:
    if "\0" in text:
        raise ValueError("has a NUL character in it; take it out")
    if any(0xD800 <= ord(mark) <= 0xDFFF for mark in text):
        raise ValueError("has half of a character in it (a lone surrogate); write it anew")
    return "".join(mark for mark in text if mark in keep or unicodedata.category(mark) != "Cc")


def split_name(full: str) -> tuple[str | None, str]:
    """First and last name of a full one, parted at the last space; a single word is the first name."""
    first, _, last = full.rpartition(" ")
    return (first.strip(), last) if first else (last, "")


def parse_instant(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """ISO 8601 as aware UTC; without an offset it is local time in `zone`, a date alone means 00:00 there.

    Raises ValueError for other spellings, for times before 1970, and for what lies after `now`.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time; write it like 2026-11-21 or 2026-11-21T10:00:00+03:00") from None
    if not 1970 <= read.year <= 9000:
        raise ValueError(f"{text!r} lies before 1970; years have four digits")
    at = read.astimezone(UTC) if read.tzinfo else from_local(read.date(), read.time(), zone, fold=read.fold)
    if at > now:
        raise ValueError(f"{text!r} lies in the future")
    return at


def parse_id(text: str) -> str:
    """An id that nurture gave: 32 hex digits."""
    if not ID.fullmatch(text):
        raise ValueError(f"{text!r} is not an id of nurture; it has 32 hex digits")
    return text


def parse_switch(text: str) -> bool:
    """Yes or no."""
    word = text.lower()
    if word in YES:
        return True
    if word in NO:
        return False
    raise ValueError(f"{text!r} is neither yes nor no")


def parse_country(text: str) -> str:
    """A country by its two letters (ISO 3166-1), upper case."""
    code = text.upper() if text.isascii() else text
    if code not in COUNTRIES:
        hint = "; the United Kingdom is GB" if code == "UK" else ""
        raise ValueError(f"{text!r} is not a country; write two letters like TR or DE (ISO 3166){hint}")
    return code


def split_tags(text: str) -> tuple[str, ...]:
    """Tags parted by ; or |, each once, in their order."""
    tags = dict.fromkeys(clean_line(part.strip(), WORD_LENGTH) for part in SEPARATORS.split(text) if part.strip())
    return tuple(tags)


def plain_value(text: str) -> int | float | bool | str:
    """An attribute's cell as a campaign file reads the same letters: 5 and 1.5 are numbers, true is a switch.

    Only what is spelled exactly so: 007, 1.50, +1, yes and 1e3 stay text.
    """
    if INTEGER.fullmatch(text) and text != "-0":
        return int(text)
    if DECIMAL.fullmatch(text):
        number = float(text)
        if repr(number) == text:
            return number
    switch = SWITCHES.get(text)
    return clean_text(text) if switch is None else switch


def _finite(number: float) -> float:
    if not isfinite(number):
        raise ValueError("is no number that can be kept; write it as text")
    return number


def attribute_value(value: Any, depth: int = 0) -> Any:
    """An attribute as it is kept: a value of JSON keeps its kind (`plain_value` reads cells).

    Raises ValueError for numbers beyond 64 bits, text beyond 2,000 characters, more than 100 items or 4 levels.
    """
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Decimal | float):
        return _finite(float(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError("is a number too large to keep; write it as text")
        return value
    if depth >= 4 or len(value) > 100:
        raise ValueError("holds too much; at most 100 items and 4 levels are kept")
    if isinstance(value, dict):
        return {clean_line(str(key)): attribute_value(item, depth + 1) for key, item in value.items()}
    return [attribute_value(item, depth + 1) for item in value]
