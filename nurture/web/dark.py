"""An email by day or by night, whatever the browser itself is set to."""

from __future__ import annotations

import re

ASKED = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
DECLARED = re.compile(
    r"""(color-scheme["']?\s*(?:content=["']|:)\s*)(?:only\s+)?(?:light\s+dark|dark\s+light)""", re.IGNORECASE
)
HOLDS, FAILS = "(min-width: 0px)", "(max-width: 0px)"


def in_scheme(html: str, scheme: str) -> str:
    """The HTML as a mail program in that scheme, "light" or "dark", shows it: its own rules for it hold.

    What some programs do beside that, turning colours round by themselves, is not shown.
    """
    html = ASKED.sub(lambda asked: HOLDS if asked[1].lower() == scheme else FAILS, html)
    return DECLARED.sub(lambda said: said[1] + scheme, html)
