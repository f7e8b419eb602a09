"""Which email the preview page shows, to whom and how: what its address says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from nurture.core.zone import from_local

SHOWS = {"html": "As it looks", "text": "Plain text", "source": "Source", "headers": "Headers"}
WIDTHS = ("desktop", "phone")
SCHEMES = ("light", "dark")
LONGEST = 400


@dataclass(frozen=True, slots=True)
class Look:
    """One view of one email. `at` is a local time of the project, as browsers write one; empty fields are left open."""

    campaign: str = ""
    step: str = ""
    variant: str = ""
    locale: str = ""
    persona: str = ""
    contact: str = ""
    at: str = ""
    show: str = "html"
    width: str = "desktop"
    scheme: str = "light"

    @classmethod
    def of(cls, said: Mapping[str, str]) -> Look:
        """The view that an address, or a form, asks for; what it says wrongly is left open."""
        known = {name: said[name].strip()[:LONGEST] for name in asdict(cls()) if name in said}
        allowed: dict[str, tuple[str, ...]] = {"show": tuple(SHOWS), "width": WIDTHS, "scheme": SCHEMES}
        return cls(**{name: value for name, value in known.items() if value in allowed.get(name, (value,))})

    def query(self, **changes: str) -> str:
        """This view with some changes, as the part of an address behind the "?"."""
        usual = asdict(Look())
        return urlencode({key: value for key, value in asdict(replace(self, **changes)).items() if value != usual[key]})

    def time(self, zone: ZoneInfo) -> datetime | None:
        """`at` as aware UTC; None where it is left open, or is no time."""
        try:
            read = datetime.fromisoformat(self.at)
        except ValueError:
            return None
        return read.astimezone(UTC) if read.tzinfo else from_local(read.date(), read.time(), zone, fold=read.fold)
