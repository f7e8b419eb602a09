"""How long it takes from saving a file until the preview page shows it, in a browser."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from measure import Figure, Sizes
from support import chromium

from nurture.actions.live import Live
from nurture.scaffold import SAMPLES_DAY, init
from nurture.web.preview_app import make_preview_app
from nurture.web.server import ServerThread
from nurture.wiring import open_project

if TYPE_CHECKING:
    from playwright.sync_api import Page

TIMES = 9
LAYOUT = "the layout of all emails"
EDITED = {"an email": "templates/emails/wake-up/miss-you.html", LAYOUT: "templates/emails/layouts/base.html"}
BEFORE = {"an email": "<h1>", LAYOUT: "{{ project.name }}"}
"""Which file is saved, and the text in it behind which a mark is put."""


def saving(_sizes: Sizes) -> list[Figure]:
    """Milliseconds, the median of some; whoever writes should not wait for half a second."""
    path = chromium.executable()
    if path is None:
        print(chromium.MISSING)
        return []
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as made:
        folder = Path(made) / "shop"
        init(folder, SAMPLES_DAY)
        opened = open_project(folder, lambda: datetime(2026, 11, 21, 10, tzinfo=UTC))
        live = Live(folder, opened.database, opened.signer, opened.now)
        watching = Thread(target=live.watch)
        watching.start()
        with ServerThread(make_preview_app(opened, live)) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=list(chromium.QUIET))
            page = browser.new_page()
            page.goto(f"{server.url}/?campaign=wake-up&step=miss-you&persona=nameless")
            figures = [_figure(page, folder, what) for what in EDITED]
            browser.close()
            live.close()
        watching.join()
        opened.database.close()
    return figures


def _figure(page: Page, folder: Path, what: str) -> Figure:
    took = [_took(page, folder / EDITED[what], BEFORE[what], f"mark{number}") for number in range(TIMES)]
    at_most = 500 if what == "an email" else None
    return Figure(f"shown after {what} is saved", median(took), "ms", at_most=at_most)


def _took(page: Page, file: Path, before: str, mark: str) -> float:
    text = file.read_text(encoding="utf-8")
    begun = perf_counter()
    file.write_text(text.replace(before, f"{before}{mark} ", 1), encoding="utf-8")
    page.frame_locator("iframe").get_by_text(mark).first.wait_for()
    took = (perf_counter() - begun) * 1000
    file.write_text(text, encoding="utf-8")
    page.frame_locator("iframe").get_by_text(mark).first.wait_for(state="detached")
    sleep(0.3)
    return took
