"""Coupons: what a pool of codes is worth, and which step gives one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from nurture.core.condition import Closed
from nurture.core.money import Money
from nurture.core.values import DurationText, parse_money, text_type

LONGEST_CODE = 100
NO_CODE_RETRY = timedelta(hours=1)
"""How soon an email for which its pool had no code is asked again; new codes have it asked at once."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a coupon takes off: a percentage, or an amount of money."""

    off: Decimal | Money

    def __str__(self) -> str:
        return str(self.off) if isinstance(self.off, Money) else f"{self.off}%"


def parse_worth(value: object) -> Worth:
    """Read "10%" or "5.00 EUR". Raises ValueError."""
    if isinstance(value, Worth):
        return value
    match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,2})?) ?%", value.strip()) if isinstance(value, str) else None
    if match and 0 < Decimal(match[1]) <= 100:
        return Worth(Decimal(match[1]))
    try:
        money = parse_money(value)
    except ValueError:
        money = None
    if money is None or money.minor <= 0:
        raise ValueError(f"{value!r} is nothing a coupon can be worth; write it like '10%' or '5.00 EUR'")
    return Worth(money)


_PERCENT = r"\s*(\d{1,2}(\.\d{1,2})?|100(\.00?)?) ?%\s*"
_NOTHING = r"0*(\.0*)? ?[%A-Z]"
WorthText = Annotated[
    Worth, *text_type(parse_worth, rf"(?!{_NOTHING})({_PERCENT}|\d+(\.\d+)? ?[A-Z]{{3}})", "10%", "5.00 EUR")
]
PoolName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class Pool(Closed):
    """A pool of single-use codes; they come in with `nurture import coupons POOL FILE`."""

    worth: WorthText = Field(description="What one code takes off.")


class Coupon(Closed):
    """A code of its own for everybody whom the step mails."""

    pool: str = Field(min_length=1, description="The pool of nurture.yaml it is taken from.", examples=["spring-10"])
    valid_for: DurationText = Field(
        description="How long it holds after it was sent; a code that ends sooner is not given.", examples=["7 days"]
    )


@dataclass(frozen=True, slots=True)
class Code:
    """A code as its file names it; `expires_at` (aware UTC) is its own end, None where it has none."""

    code: str
    expires_at: datetime | None = None


def code_key(code: str) -> str:
    """A code as it is compared: without regard to case and spaces. Raises ValueError for what is no code."""
    key = "".join(code.split()).casefold()
    if not key or len(key) > LONGEST_CODE or not key.isprintable():
        raise ValueError(f"{code[:40]!r} is no coupon code")
    return key
