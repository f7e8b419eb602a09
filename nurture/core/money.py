"""Money: integer minor units with a currency, parsed from decimal text, never from floats."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

ZERO_DECIMALS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


def exponent(currency: str) -> int:
    """How many decimal places the minor unit of `currency` stands for (ISO 4217)."""
    if currency in ZERO_DECIMALS:
        return 0
    return 3 if currency in THREE_DECIMALS else 2


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units (cents, kuruş) of `currency` (ISO 4217, upper case)."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, amount: str, currency: str) -> Money:
        """Read decimal text such as "12.50". Raises ValueError for more places than the currency has."""
        try:
            scaled = Decimal(amount).scaleb(exponent(currency))
        except InvalidOperation:
            raise ValueError(f"{amount!r} is not an amount; write it like 12.50") from None
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise ValueError(f"{amount!r} has more decimal places than {currency} has")
        if abs(scaled) >= 10**18:
            raise ValueError(f"{amount!r} is too large for an amount")
        return cls(int(scaled), currency)

    @property
    def amount(self) -> Decimal:
        """The value in major units."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        return f"{self.amount:.{exponent(self.currency)}f} {self.currency}"


def convert(money: Money, to: str, rates: dict[str, Decimal]) -> int | None:
    """`money` in minor units of `to`, half-even; None where no rate is fixed. `rates` are `to` per one unit."""
    if money.currency == to:
        return money.minor
    rate = rates.get(money.currency)
    if rate is None:
        return None
    return int((money.amount * rate).scaleb(exponent(to)).to_integral_value())
