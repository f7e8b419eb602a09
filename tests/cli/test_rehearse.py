"""`nurture rehearse` at a terminal: what it prints and writes, the same again for the same seed, and how it ends."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nurture.cli.entry import run
from nurture.scaffold import init

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project with the sample people and orders in it; to be copied."""
    folder = tmp_path_factory.mktemp("rehearse") / "shop"
    init(folder, date(2026, 11, 21))
    for kind in ("contacts", "purchases"):
        assert run(["--project", str(folder), "import", kind, str(folder / f"samples/{kind}.csv")]) == 0
    return folder


@pytest.fixture
def shop(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NURTURE_DATABASE", raising=False)
    return Path(shutil.copytree(made, tmp_path / "shop"))


def said(folder: Path, capture: Said, *words: str, code: int = 0) -> str:
    capture.readouterr()
    assert run(["--project", str(folder), "rehearse", *words]) == code
    told = capture.readouterr()
    return told.out + told.err


def test_it_tells_what_leaves_and_that_so_short_a_history_proves_nothing(shop: Path, capsys: Said) -> None:
    told = said(shop, capsys, "--days", "10")
    assert "Emails a day, at most" in told
    assert re.search(r"welcome: \d+ enter", told)
    assert "project, 5,000 per hour: at most" in told
    assert "opens of lead: 22.7 % (history of 0 emails, weight 0.00; benchmark 22.71%, weight 1.00)" in told
    assert "Mailchimp, Email Marketing Benchmarks by Industry, October 2019" in told
    assert "UNCALIBRATED: fewer than 12 weeks of the history can be tried for opens and clicks" in told
    assert re.search(r"Cost: \d+ emails at 0.90 EUR a thousand", told)


def test_the_same_seed_writes_the_same_bytes(shop: Path, tmp_path: Path, capsys: Said) -> None:
    pages = [tmp_path / "one.html", tmp_path / "two.html"]
    first, again = (said(shop, capsys, "--days", "5", "--json", "--html", str(page)) for page in pages)
    assert first == again
    assert json.loads(first)["sent"] > 0
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_the_past_is_replayed_and_no_effect_is_claimed(shop: Path, capsys: Said) -> None:
    told = said(shop, capsys, "--from", "2026-10-01", "--to", "2026-10-20")
    assert "Eligibility, timing and volumes; no effect is claimed." in told
    assert "80 % intervals" not in told


def test_the_projects_database_is_not_written_to(shop: Path, capsys: Said) -> None:
    before = (shop / "nurture.db").read_bytes()
    said(shop, capsys, "--days", "3")
    assert (shop / "nurture.db").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("--to", "2026-01-01"), "--to needs --from"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "--to must be a later day than --from"),
        (("--from", "2026-02-01", "--to", "2199-01-01"), "has yet to come"),
        (("--from", "2026-02-01", "--to", "2026-03-01", "--days", "3"), "either --days or --to"),
    ],
)
def test_days_that_make_no_sense_are_told(shop: Path, capsys: Said, words: tuple[str, ...], wanted: str) -> None:
    assert wanted in said(shop, capsys, *words, code=2)


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_the_page_fits_and_asks_for_nothing_else(
    shop: Path, tmp_path: Path, capsys: Said, browser: Browser, width: int, scheme: str
) -> None:
    page = tmp_path / "page.html"
    said(shop, capsys, "--days", "5", "--html", str(page))
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    tab = context.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(page.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator("svg.chart").count() == 5
    assert tab.locator("svg.chart polygon").count() == 5
    assert "uncalibrated" in tab.locator("body").inner_text()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()
