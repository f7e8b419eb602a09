"""What a template may do to a value: `{{ value|filter }}`, by the contact's locale and zone (Unicode CLDR, Babel)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Undefined
from jinja2.exceptions import SecurityError
from jinja2.filters import do_default
from jinja2.runtime import Context
from jinja2.utils import pass_context
from markupsafe import Markup, escape

from nurture.core.money import Money
from nurture.emails.marks import clean

if TYPE_CHECKING:
    from babel import Locale

    from nurture.emails.budget import Budget

MAX_TEXT = 50_000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
BUDGET = " budget"
"""Key of the budget in a context; no template can spell it."""


def bounded(value: Any) -> Any:
    """`value`, if it is not a text or list beyond MAX_TEXT. Raises SecurityError."""
    if isinstance(value, (str, list, tuple)) and len(value) > MAX_TEXT:
        raise SecurityError(f"a value grows beyond {MAX_TEXT} characters")
    return value


def _budget(context: Context) -> Budget:
    budget: Budget = context.parent[BUDGET]
    return budget


@lru_cache(maxsize=256)
def _locale(name: str) -> Locale:
    """The CLDR locale of that name, else of its language, else English."""
    from babel import Locale, UnknownLocaleError

    for candidate in (name.replace("-", "_"), name.replace("-", "_").split("_")[0]):
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse("en")


def _zone(context: Context) -> tzinfo:
    name = _budget(context).timezone
    try:
        return ZoneInfo(name or "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"the contact's timezone {name!r} is not known; give one like Europe/Istanbul") from None


def _defined(value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)
    if value is None:
        raise ValueError("there is no value here; guard it with {% if … %} or give |default(…, true)")
    return value


def _local(context: Context, value: Any, need: str) -> datetime:
    if not isinstance(_defined(value), datetime):
        raise ValueError(f"{need} needs a time, not {value!r:.60}")
    if value.tzinfo is None:
        raise ValueError(f"{need} needs a time with a zone, not {value}")
    local: datetime = value.astimezone(_zone(context))
    return local


@pass_context
def day(context: Context, value: Any) -> str:
    """A date in words, in the contact's zone: 21 November 2026. An attribute's text, 2026-11-21, is one too."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        value = _written(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return _day(value, _budget(context).locale)
    return _day(_local(context, value, "day").date(), _budget(context).locale)


def _written(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no day of the calendar") from None


@lru_cache(maxsize=4096)
def _day(value: date, locale: str) -> str:
    from babel.dates import format_date

    return format_date(value, "long", _locale(locale))


@pass_context
def time(context: Context, value: Any) -> str:
    """A time of day in the contact's zone: 10:30."""
    local = _local(context, value, "time")
    return _time(local.hour, local.minute, _budget(context).locale)


@lru_cache(maxsize=2048)
def _time(hour: int, minute: int, locale: str) -> str:
    from datetime import time as clock

    from babel.dates import format_time

    return format_time(clock(hour, minute), "short", locale=_locale(locale))


@pass_context
def date_and_time(context: Context, value: Any) -> str:
    """Day and time of day together, in the contact's zone."""
    local, locale = _local(context, value, "datetime"), _budget(context).locale
    pattern = str(_locale(locale).datetime_formats["medium"]).replace("'", "")
    return pattern.replace("{1}", _day(local.date(), locale)).replace("{0}", _time(local.hour, local.minute, locale))


@pass_context
def money(context: Context, value: Any) -> str:
    """An amount with its currency, as the contact's locale writes it."""
    if not isinstance(_defined(value), Money):
        raise ValueError(f"money needs an amount with its currency, not {value!r:.60}")
    return _money(value, _budget(context).locale)


@lru_cache(maxsize=4096)
def _money(value: Money, locale: str) -> str:
    from babel.numbers import format_currency

    return format_currency(value.amount, value.currency, locale=_locale(locale))


def _numeric(value: Any, need: str) -> Decimal:
    if isinstance(_defined(value), bool) or not isinstance(value, (int, float, Decimal)):
        raise ValueError(f"{need} needs a number, not {value!r:.60}")
    return value if isinstance(value, Decimal) else Decimal(str(value))


@pass_context
def number(context: Context, value: Any) -> str:
    """A number as the contact's locale writes it: 1.234,5."""
    from babel.numbers import format_decimal

    return format_decimal(_numeric(value, "number"), locale=_locale(_budget(context).locale))


@pass_context
def percent(context: Context, value: Any) -> str:
    """A share as the contact's locale writes it: 0.125 is 12.5%, or %12,5."""
    from babel.numbers import format_percent

    locale = _locale(_budget(context).locale)
    return format_percent(_numeric(value, "percent"), locale=locale, decimal_quantization=False)


def worth_text(off: Decimal | Money, locale: str) -> str:
    """What a coupon takes off, as that locale writes it: 10%, %10, €5.00."""
    from babel.numbers import format_percent

    if isinstance(off, Money):
        return _money(off, locale)
    return format_percent(off / 100, locale=_locale(locale), decimal_quantization=False)


def _turkic(context: Context) -> bool:
    return _budget(context).locale[:2] in ("tr", "az")


def _upper(text: str, turkic: bool) -> str:
    return text.replace("i", "İ").upper() if turkic else text.upper()


def _lower(text: str, turkic: bool) -> str:
    return text.replace("I", "ı").replace("İ", "i").lower() if turkic else text.lower()


@pass_context
def upper(context: Context, value: Any) -> str:
    """Capitals; in Turkish i becomes İ and ı becomes I."""
    return bounded(_upper(_text(value), _turkic(context)))  # type: ignore[no-any-return]


@pass_context
def lower(context: Context, value: Any) -> str:
    """Small letters; in Turkish I becomes ı and İ becomes i."""
    return bounded(_lower(_text(value), _turkic(context)))  # type: ignore[no-any-return]


@pass_context
def capitalize(context: Context, value: Any) -> str:
    """First letter a capital, the others small."""
    text, turkic = _text(value), _turkic(context)
    return bounded(_upper(text[:1], turkic) + _lower(text[1:], turkic))  # type: ignore[no-any-return]


@pass_context
def title(context: Context, value: Any) -> str:
    """The first letter of every word a capital, the others small."""
    words = _text(value).split(" ")
    turkic = _turkic(context)
    return bounded(" ".join(_upper(w[:1], turkic) + _lower(w[1:], turkic) for w in words))  # type: ignore[no-any-return]


def _text(value: Any) -> str:
    return bounded(value if isinstance(value, str) else str(_defined(value)))  # type: ignore[no-any-return]


def urlencode(value: Any) -> str:
    """`value` as one part of a link: everything but letters, digits and -._~ is percent-encoded."""
    return bounded(quote(_text(value), safe=""))  # type: ignore[no-any-return]


def trim(value: Any) -> str:
    """`value` without white space around it."""
    return _text(value).strip()


def replace(value: Any, old: str, new: str) -> str:
    """Every `old` in `value` becomes `new`. Raises SecurityError if the outcome would be too long."""
    text, old, new = _text(value), _text(old), _text(new)
    count = text.count(old)
    if len(text) + count * (len(new) - len(old)) > MAX_TEXT:
        raise SecurityError(f"a value grows beyond {MAX_TEXT} characters")
    return text.replace(old, new)


def loopable(value: Any) -> list[Any]:
    """What a `for` may go over: lists, ranges, and the keys of a group of values. Raises ValueError."""
    if isinstance(_defined(value), Mapping):
        return [clean(key) if isinstance(key, str) else key for key in value]
    if isinstance(value, (list, tuple, range)):
        return list(value)
    raise ValueError(f"this needs a list, not {value!r:.60}")


def join(value: Any, between: str = "") -> str:
    """The items of a list as one text, with `between` between them; escaped where any part is markup."""
    items = [item if isinstance(item, str) else str(_defined(item)) for item in loopable(value)]
    size = sum(map(len, items)) + len(between) * len(items)
    if size > MAX_TEXT:
        raise SecurityError(f"a value grows beyond {MAX_TEXT} characters")
    if any(isinstance(item, Markup) for item in [between, *items]):
        return escape(between).join(items)
    return between.join(items)


def first(value: Any) -> Any:
    """The first item of a list. Raises ValueError for an empty one."""
    return _one(value, 0)


def last(value: Any) -> Any:
    """The last item of a list. Raises ValueError for an empty one."""
    return _one(value, -1)


def _one(value: Any, position: int) -> Any:
    items = value if isinstance(value, str) else loopable(value)
    if not items:
        raise ValueError("the list is empty; guard it with {% if … %}")
    return items[position]


def length(value: Any) -> int:
    """How many items, or characters."""
    return len(_defined(value))


def rounded(value: Any, places: int = 0) -> Decimal | int:
    """A number rounded half-even to `places` decimal places (0 to 9)."""
    if not 0 <= places <= 9:
        raise ValueError("round takes 0 to 9 places")
    outcome = round(_numeric(value, "round"), places)
    return outcome if places else int(outcome)


def default(value: Any, other: Any = "", also_empty: bool = False) -> Any:
    """`other` where there is no value; with `also_empty`, for none and empty text too."""
    return other if value is None else do_default(value, other, also_empty)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "money": money,
    "day": day,
    "time": time,
    "datetime": date_and_time,
    "number": number,
    "percent": percent,
    "upper": upper,
    "lower": lower,
    "title": title,
    "capitalize": capitalize,
    "urlencode": urlencode,
    "trim": trim,
    "replace": replace,
    "join": join,
    "first": first,
    "last": last,
    "length": length,
    "count": length,
    "round": rounded,
    "default": default,
    "d": default,
    "escape": escape,
    "e": escape,
}
