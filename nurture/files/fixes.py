"""What somebody probably meant by a value that could not be read.

Each guess is offered only when the value's own parser takes it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from zoneinfo import available_timezones

from nurture.core import values
from nurture.core.dates import parse_moment
from nurture.files.nearest import nearest

UNITS = {word + end: word + "s" for word in ("minute", "hour", "day", "week") for end in ("", "s")}
SHORT = {"m": "minutes", "min": "minutes", "mins": "minutes", "h": "hours", "hr": "hours", "hrs": "hours",
         "d": "days", "w": "weeks", "wk": "weeks", "wks": "weeks"}  # fmt: skip
LONGER = {"month": 30, "months": 30, "year": 365, "years": 365}
COUNTS = {
    "a": "1",
    "an": "1",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
}
SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "₺": "TRY"}
Guesses = Iterator[str]


def _length(text: str) -> str | None:
    match = re.search(r"(\d+|[a-z]+)\s*([a-z]*)", text.lower())
    if not match:
        return None
    count, word = COUNTS.get(match[1], match[1]), match[2]
    if not count.isdigit():
        return None
    number = int(count[:5])
    if word in LONGER:
        number, word = number * LONGER[word], "days"
    unit = SHORT.get(word) or UNITS.get(nearest(word or "days", UNITS) or "")
    return f"{number} {unit if number != 1 else unit[:-1]}" if unit else None


def _lengths(text: str) -> Guesses:
    length = _length(text)
    if length:
        yield length


def _agos(text: str) -> Guesses:
    for length in _lengths(text):
        yield f"{length} ago"


def _after_leaving(text: str) -> Guesses:
    if nearest(text, ["never", "no"]):
        yield "never"
    for length in _lengths(text):
        yield f"{length} after leaving"


def _clock(text: str) -> str | None:
    match = re.fullmatch(r"\s*(\d{1,2})(?:[:.h ]?(\d{2}))?(?::\d\d)?\s*(am|pm)?\s*", text.lower())
    if not match:
        return None
    hour = int(match[1]) % 12 + (12 if match[3] == "pm" else 0) if match[3] else int(match[1])
    return f"{hour:02}:{match[2] or '00'}"


def _times(text: str) -> Guesses:
    clock = _clock(text)
    if clock:
        yield clock


def _hours(text: str) -> Guesses:
    ends = [_clock(part) for part in re.split(r"\s*(?:-|–|—|to|until)\s*", text.strip())]
    if len(ends) == 2 and all(ends):
        yield f"{ends[0]}-{ends[1]}"


def _days(text: str) -> Guesses:
    long = {
        "weekdays": "mon-fri",
        "weekday": "mon-fri",
        "weekend": "sat, sun",
        "weekends": "sat, sun",
        "daily": "mon-sun",
    }
    if text.strip().lower() in long:
        yield long[text.strip().lower()]
    words = re.split(r"(\s*(?:-|–|—|,|to)\s*)", text.strip().lower())
    names = {day: day[:3] for day in values.LONG_WEEKDAYS} | {day: day for day in values.WEEKDAYS}
    parts = [nearest(word, names) for word in words[::2]]
    if all(parts):
        signs = [", " if "," in sign else "-" for sign in words[1::2]] + [""]
        yield "".join(names[str(part)] + sign for part, sign in zip(parts, signs, strict=True))


def _shares(text: str) -> Guesses:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:percent|pct|%)?\s*", text.lower())
    if match and 0 < float(match[1]) < 1:
        yield f"{round(float(match[1]) * 100, 4):g}%"
    elif match:
        yield f"{match[1]}%"


def _amounts(text: str) -> Guesses:
    number = re.search(r"\d+(?:[.,]\d{1,3})?", text)
    if not number:
        return
    letters = re.search(r"[A-Za-z]{3}", text)
    sign = next((code for symbol, code in SIGNS.items() if symbol in text), None)
    yield f"{number[0].replace(',', '.')} {sign or (letters[0].upper() if letters else 'EUR')}"


def _rates(text: str) -> Guesses:
    text = re.sub(r"^\s*([a-z]+)", lambda word: COUNTS.get(word[1], word[1]), text.lower())
    match = re.match(r"\s*(\d+)\s*(?:x|times|emails?)?\s*(?:per|/|a|an|each|every|in|within)?\s*(.*)", text)
    if match:
        day = {"day": "24 hours", "": "24 hours", "hour": "1 hour", "week": "7 days"}
        length = day.get(match[2].strip()) or _length(match[2])
        if length:
            yield f"{match[1]} per {length}"


def _looks(text: str) -> Guesses:
    words, _, at = text.lower().rpartition(" at ") if " at " in text else text.lower().rpartition(" ")
    clock = _clock(at)
    if not clock and text.strip().lower() in ("daily", "weekdays", *values.LONG_WEEKDAYS):
        yield f"{text.strip().lower()} at 10:00"
    if not clock:
        if nearest(text, ["at once", "immediately", "now", "always"]):
            yield "at once"
        return
    names = {"daily": "daily", "every day": "daily", "each day": "daily", "weekdays": "weekdays"}
    names |= {one: day for day in values.LONG_WEEKDAYS for one in (day, day[:-1], f"every {day[:-1]}")}
    name = nearest(words or "daily", names)
    if name:
        yield f"{names[name]} at {clock}"


def _zones(text: str) -> Guesses:
    zones = available_timezones()
    cities = {zone.rpartition("/")[2].replace("_", " "): zone for zone in sorted(zones) if "/" in zone}
    full = nearest(text, zones)
    city = nearest(text.rpartition("/")[2].replace("_", " "), cities)
    exact = city is not None and city.casefold() == text.strip().replace("_", " ").casefold()
    guesses = [cities[city] if city else None, full]
    yield from (guess for guess in (guesses if exact else reversed(guesses)) if guess)


def _switches(text: str) -> Guesses:
    word = nearest(text, ["yes", "no", "true", "false", "on", "off"])
    if word:
        yield "yes" if word in ("yes", "true", "on") else "no"


def _moments(text: str) -> Guesses:
    """A day that its month does not have is probably its last; other orders of day and month are not guessed at."""
    match = re.fullmatch(r"\s*(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(.*)", text)
    if match:
        year, month, day = (int(part) for part in match.groups()[:3])
        last = monthrange(year, month)[1] if 1 <= month <= 12 and year else 31
        yield f"{year:04}-{month:02}-{min(day, last):02}{match[4]}"


FIXES: tuple[tuple[str, Callable[[str], Guesses], Callable[[object], object]], ...] = (
    ("is not a length of time", _lengths, values.parse_duration),
    ("is not a time in the past", _agos, values.parse_ago),
    ("says not when;", _after_leaving, values.parse_after_leaving),
    ("is not a time of day", _times, values.parse_time),
    ("are not hours", _hours, values.parse_hours),
    ("is not a weekday", _days, values.parse_days),
    ("is not a share", _shares, values.parse_share),
    ("is not an amount", _amounts, values.parse_money),
    ("is not a limit", _rates, values.parse_rate),
    ("says not when to look", _looks, values.parse_look),
    ("is not a timezone", _zones, str),
    ("is no moment", _moments, parse_moment),
    ("is not a switch", _switches, values.parse_switch),
)


def _taken(guess: str, parse: Callable[[object], object]) -> bool:
    try:
        parse(guess)
    except ValueError:
        return False
    return True


def meant(text: str, complaint: str) -> str | None:
    """The value that `text` was probably meant as, given what its parser said of it; None where unclear."""
    for words, guesses, parse in FIXES:
        if words in complaint:
            return next((guess for guess in guesses(text[:100]) if _taken(guess, parse)), None)
    return None
