"""Whether a country, locale, currency or language exists, and which one was probably meant."""

from __future__ import annotations

from functools import lru_cache

from nurture.files.nearest import nearest

_COUNTRIES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM
    JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ
    MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE
    RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT
    TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_COUNTRIES.split())
"""ISO 3166-1 alpha-2, officially assigned."""
COMMON = (
    "EUR",
    "USD",
    "GBP",
    "TRY",
    "CHF",
    "SEK",
    "NOK",
    "DKK",
    "PLN",
    "CZK",
    "JPY",
    "CNY",
    "INR",
    "AUD",
    "CAD",
    "AED",
)
ALIASES = {
    "UK": "GB",
    "EL": "GR",
    "ENGLAND": "GB",
    "USA": "US",
    "AMERICA": "US",
    "TURKEY": "TR",
    "HOLLAND": "NL",
}


@lru_cache(maxsize=4)
def _english(kind: str) -> dict[str, str]:
    from babel import Locale

    return {str(name): str(code) for code, name in getattr(Locale("en"), kind).items()}


def country_meant(text: str) -> str | None:
    """The code of the country that `text` probably means: its lower case, a common alias or its name."""
    upper = text.strip().upper()
    if upper in COUNTRIES:
        return upper
    if upper in ALIASES:
        return ALIASES[upper]
    if len(upper) <= 3:
        return None
    names = {name: code for name, code in _english("territories").items() if code in COUNTRIES}
    best = nearest(text, names)
    return names[best] if best else None


def is_locale(name: str) -> bool:
    """Whether the language exists (CLDR), and so do the country and the script if they are named."""
    language, *rest = name.replace("_", "-").split("-")
    known = language.lower() in _english("languages").values()
    return known and all(_is_subtag(part) for part in rest)


def _is_subtag(part: str) -> bool:
    if len(part) == 2:
        return part.upper() in COUNTRIES
    if len(part) == 4 and part.isalpha():
        return part.title() in _english("scripts").values()
    return part.isalnum() and (len(part) == 3 or 5 <= len(part) <= 8)


def locale_meant(text: str) -> str | None:
    """The locale that `text` probably means: a known language by its English name or first letters."""
    languages = _english("languages")
    best = nearest(text, languages)
    if best and len(text) > 3:
        return languages[best]
    short = text.replace("_", "-").split("-")[0].lower()
    return short if short and is_locale(short) else None


def is_currency(code: str) -> bool:
    """Whether the currency exists (ISO 4217, past ones too)."""
    return code in _english("currencies").values()


def currency_meant(code: str) -> str | None:
    """A common currency like `code`."""
    return nearest(code, COMMON)
