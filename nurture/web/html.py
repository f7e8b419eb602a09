"""Pages as HTML: templates, the one stylesheet, and the policy that lets browsers run nothing else."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from starlette.responses import HTMLResponse, Response

from nurture.core.money import Money

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "templates"
POLICY = (
    "default-src 'none'; style-src {style}; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
STYLES = ("public.css", "page.css", "preview.css")
SCRIPTS = "; script-src 'self'; connect-src 'self'"
"""What is added where a page reloads by itself, by a file of ours."""


class Pages:
    """The templates of the web pages, compiled once. Safe to share between threads.

    `scripts` lets browsers run the files that this server serves; without it they run nothing.
    """

    def __init__(self, scripts: bool = False) -> None:
        self._scripts = scripts

    @cached_property
    def _environment(self) -> Environment:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(
            loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        environment.filters.update(local=local, iso=datetime.isoformat, number=number, money=money, share=share)
        environment.globals["styles"] = self._styles
        return environment

    @cached_property
    def _styles(self) -> Mapping[str, str]:
        return {name: (FOLDER / name).read_text(encoding="utf-8") for name in STYLES}

    @cached_property
    def _policy(self) -> str:
        hashes = (b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in self._styles.values())
        policy = POLICY.format(style=" ".join(f"'sha256-{digest}'" for digest in hashes))
        return policy + SCRIPTS if self._scripts else policy

    def text(self, template: str, **values: Any) -> str:
        """What a template makes of values, as HTML."""
        return self._environment.get_template(template).render(**values)

    def show(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """The page that a template makes of values."""
        text = self.text(template, **values)
        # "no-referrer" would make browsers send "Origin: null" with our own forms.
        headers = {"Content-Security-Policy": self._policy, "Referrer-Policy": "same-origin"}
        return HTMLResponse(text, status, headers)


def local(at: datetime, zone: ZoneInfo, style: str = "%-d %b %Y, %H:%M") -> str:
    """A time as clocks in `zone` show it."""
    return at.astimezone(zone).strftime(style)


def number(value: int) -> str:
    """A count with its thousands apart by a thin space."""
    return f"{value:,}".replace(",", "\u202f")


def money(minor: int, currency: str) -> str:
    """Minor units as an amount people read."""
    amount = Money(minor, currency).amount
    return f"{amount:,}".replace(",", "\u202f") + f"\u00a0{currency}"


def share(part: int, whole: int) -> str:
    """A part of a whole in percent; a dash where there is no whole."""
    return f"{100 * part / whole:.1f}\u202f%" if whole else "–"
