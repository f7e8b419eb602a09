"""Locales and currencies that do not exist: one rule for every file that names some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nurture.files import places
from nurture.files.findings import Finding
from nurture.files.positions import Path


def known_locale(path: Path, name: Any, *, at_key: bool = False) -> Iterator[Finding]:
    """A finding where the text at `path`, or its last key, is no locale."""
    if isinstance(name, str) and not places.is_locale(name):
        best = places.locale_meant(name)
        hint = f"did you mean '{best}'?" if best else "write it like 'tr' or 'en-GB'"
        yield Finding(path, "unknown-locale", f"'{name}' is not a locale", hint, at_key=at_key)


def known_currency(path: Path, code: Any, *, at_key: bool = False) -> Iterator[Finding]:
    """A finding where three capital letters at `path`, or its last key, are no currency."""
    if isinstance(code, str) and len(code) == 3 and code.isupper() and not places.is_currency(code):
        best = places.currency_meant(code)
        hint = f"did you mean '{best}'?" if best else "write it like 'EUR' (ISO 4217)"
        yield Finding(path, "unknown-currency", f"'{code}' is not a currency", hint, at_key=at_key)
