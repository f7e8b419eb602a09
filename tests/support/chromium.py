"""The machine's own Chromium, driven by Playwright."""

from __future__ import annotations

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Arguments under which Chromium starts as any user and calls nobody on its own."""

MISSING = "NO CHROMIUM HERE: the pages were not looked at; install it with: apt-get install chromium"


def executable() -> str | None:
    """Where a Chromium is on this machine, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)
