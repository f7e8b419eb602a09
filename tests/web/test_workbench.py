"""The preview page: what it shows of files, people and times, and that it does nothing for anybody elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from nurture.actions.live import Live
from nurture.providers import outbox
from nurture.web.preview_app import make_preview_app
from nurture.web.server import ServerThread
from web.ground import BROWSER, Ground, ground
from web.test_browser import DESK, PHONE, shot, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MISS_YOU = "/?campaign=wake-up&step=miss-you"
TEMPLATE = "templates/emails/wake-up/miss-you.html"


@dataclass
class Bench:
    """The page, and the files behind it."""

    ground: Ground
    live: Live
    client: httpx.Client

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file, as an editor saves it, and have it looked at."""
        file = self.ground.opened.directory / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        self.live.look()

    def page(self, path: str = MISS_YOU) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200
        return unescape(answer.text)

    def form(self, path: str = MISS_YOU) -> dict[str, str]:
        """The fields of the form that sends a test."""
        inside = self.page(path).partition('class="test"')[2].partition("</form>")[0]
        return dict(re.findall(r'name="(\w+)" value="([^"]*)"', inside))


@contextmanager
def served(folder: Path, url: str) -> Iterator[Bench]:
    with ground(folder, url) as here:
        live = Live(folder, here.opened.database, here.opened.signer, here.opened.now)
        with ServerThread(make_preview_app(here.opened, live)) as server:
            with httpx.Client(base_url=server.url, headers={"User-Agent": BROWSER}) as client:
                yield Bench(here, live, client)
            live.close()


@pytest.fixture
def bench(migrated_sqlite_url: str, tmp_path: Path) -> Iterator[Bench]:
    with served(tmp_path / "shop", migrated_sqlite_url) as one:
        yield one


def test_every_email_of_every_campaign_is_listed_and_opens(bench: Bench) -> None:
    front = bench.page("/")
    links = set(re.findall(r'href="(/\?campaign=[\w-]+&step=[\w-]+)"', front))
    sends = {
        (name, step.id) for name, one in bench.live.seen.drafts.items() for step in one.program.courses[name].sends
    }
    listed = {tuple(parse_qs(urlsplit(link).query)[key][0] for key in ("campaign", "step")) for link in links}
    assert listed == sends
    for link in sorted(links):
        assert "This email cannot be made" not in bench.page(link)


def test_an_email_that_cannot_be_made_for_somebody_says_why(bench: Bench) -> None:
    page = bench.page("/?campaign=new-customer&step=thanks&persona=nameless")
    assert "This email cannot be made" in page
    assert "templates/emails/new-customer/thanks.html:10: 'last_purchase' has no value for this email" in page


def test_the_frame_shows_the_email_and_runs_nothing(bench: Bench) -> None:
    answer = bench.client.get("/email?campaign=wake-up&step=miss-you&persona=irmak")
    assert "Merhaba Irmak" in answer.text
    assert answer.headers["content-security-policy"].endswith("sandbox")
    assert "script-src" not in answer.headers["content-security-policy"]


def test_the_email_is_shown_by_day_and_by_night_whatever_the_browser_is_set_to(bench: Bench) -> None:
    day, night = (bench.client.get(f"/email{MISS_YOU[1:]}&scheme={name}").text for name in ("light", "dark"))
    assert "prefers-color-scheme" not in day + night
    assert ("@media (max-width: 0px)" in day, "@media (min-width: 0px)" in night) == (True, True)
    assert 'content="light"' in day
    assert 'content="dark"' in night


def test_text_source_and_headers_are_shown(bench: Bench) -> None:
    assert "Merhaba Irmak" in bench.page(f"{MISS_YOU}&persona=irmak&show=text").partition("<pre")[2]
    source = bench.page(f"{MISS_YOU}&show=source")
    assert "Content-Type: multipart/alternative; boundary=" in source
    headers = bench.page(f"{MISS_YOU}&show=headers")
    assert "<dt>List-Unsubscribe-Post</dt>" in headers
    assert "<dt>Feedback-ID</dt>" in headers


def test_a_contact_is_found_by_a_part_of_address_or_name(bench: Bench) -> None:
    bench.ground.add("adam")
    assert "Which of them?" in bench.page(f"{MISS_YOU}&contact=ada")
    assert "adam@example.com</dd>" in bench.page(f"{MISS_YOU}&contact=adam")
    assert "ada@example.com</dd>" in bench.page(f"{MISS_YOU}&contact=ada@example.com")
    assert "No contact has “nobody”" in bench.page(f"{MISS_YOU}&contact=nobody")
    assert "Deniz" in bench.page(f"{MISS_YOU}&contact=deniz+example")


def test_the_gate_is_asked_for_the_time_that_is_named(bench: Bench) -> None:
    assert "It would be asked again" in bench.page(f"{MISS_YOU}&persona=irmak&at=2026-03-05T23:30")
    assert "Yes, at 5 Mar 2026, 12:00" in bench.page(f"{MISS_YOU}&persona=irmak&at=2026-03-05T12:00")
    assert "it was handed over on" in bench.page(f"{MISS_YOU}&contact=ada@example.com")


def test_what_an_address_says_wrongly_is_left_open(bench: Bench) -> None:
    assert "wake-up/miss-you</dd>" in bench.page(f"{MISS_YOU}&show=x&width=9&scheme=pink&at=noon&variant=z&persona=")
    assert "nobody named 'x'" in bench.page(f"{MISS_YOU}&persona=x")
    assert "Feedback" not in bench.page("/?campaign=nothing&step=nowhere")


def test_a_change_is_shown_and_so_is_what_is_wrong_with_it(bench: Bench) -> None:
    bench.edit(TEMPLATE, "<p>", "<p>A new beginning. ")
    assert "A new beginning" in bench.page(f"{MISS_YOU}&show=text")
    bench.edit(TEMPLATE, "A new beginning", "{{ contact.frist_name }}")
    broken = bench.page(f"{MISS_YOU}&show=text")
    assert "did you mean" in broken
    assert f"{TEMPLATE}:" in broken
    assert "frist_name" in broken


def test_broken_files_leave_what_last_was_right(bench: Bench) -> None:
    before = bench.live.seen.version
    bench.edit("campaigns/wake-up.yaml", "status: live", "status: lively")
    page = bench.page(f"{MISS_YOU}&show=text")
    assert "This is how they last were right." in page
    assert "did you mean 'live'?" in page
    assert "Ada" in page
    bench.edit("nurture.yaml", "project:", "projekt:")
    assert "This is how they last were right." in bench.page("/?campaign=welcome&step=hello")
    bench.edit("nurture.yaml", "projekt:", "project:")
    bench.edit("campaigns/wake-up.yaml", "status: lively", "status: live")
    assert "This is how they last were right." not in bench.page()
    assert bench.live.seen.version == before + 4


def test_a_campaign_that_never_was_right_shows_its_mistakes(bench: Bench) -> None:
    bench.edit("campaigns/birthday.yaml", "topic: offers", "topic: ofers")
    (bench.ground.opened.directory / "campaigns/new.yaml").write_text("title: New\nstatus: lively\n")
    bench.live.look()
    page = bench.page("/?campaign=new")
    assert "new cannot be shown before these are mended" in page
    assert "campaigns/new.yaml:2:9" in page


def test_broken_personas_stay_as_they_last_were(bench: Bench) -> None:
    bench.edit("personas.yaml", "first_name: Irmak", "frist_name: Irmak")
    page = bench.page(f"{MISS_YOU}&persona=irmak&show=text")
    assert "Merhaba Irmak" in page
    assert "personas.yaml:" in page


def test_saving_a_file_as_it_was_changes_nothing(bench: Bench) -> None:
    bench.edit(TEMPLATE, "<p>", "<p>")
    assert bench.live.seen.version == 1


def test_the_version_is_pushed_when_a_file_is_saved(bench: Bench) -> None:
    with bench.client.stream("GET", "/events") as news:
        lines = (line for line in news.iter_lines() if line)
        assert next(lines) == "data: 1"
        bench.edit(TEMPLATE, "<p>", "<p>More. ")
        assert next(lines) == "data: 2"
        bench.live.close()
        assert list(lines) == []


# --- sending a test --------------------------------------------------------------------------------------


def sent(bench: Bench) -> list[str]:
    return [entry.to for entry in outbox.entries(bench.ground.opened.settings.outbox_dir, 10)]


def test_a_test_goes_to_the_address_that_was_typed_and_the_page_says_so(bench: Bench) -> None:
    before = sent(bench)
    answer = bench.client.post("/send-test", data={**bench.form(f"{MISS_YOU}&persona=irmak"), "to": "me@example.org"})
    assert answer.status_code == 303
    page = bench.page(answer.headers["location"])
    assert "outbox took “[Test] Irmak, yeriniz hâlâ duruyor” for me@example.org." in page
    assert sent(bench) == ["me@example.org", *before]
    assert "nobody@" not in page


def test_a_test_to_no_address_is_refused_on_the_page(bench: Bench) -> None:
    before = sent(bench)
    answer = bench.client.post("/send-test", data={**bench.form(), "to": "me"})
    assert "not an email address" in bench.page(answer.headers["location"])
    assert sent(bench) == before


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_another_site_cannot_send_a_test(bench: Bench, headers: dict[str, str]) -> None:
    before = sent(bench)
    data = {**bench.form(), "to": "me@example.org"}
    assert bench.client.post("/send-test", data=data, headers=headers).status_code == 403
    assert bench.client.post("/send-test", data={**data, "token": "guess"}).status_code == 403
    assert bench.client.post("/send-test", data={**data, "token": "ğ"}).status_code == 403
    assert bench.client.get("/send-test").status_code == 405
    assert sent(bench) == before


@pytest.mark.parametrize("path", ["/", "/email", "/events", "/preview.js"])
@pytest.mark.parametrize("headers", [{"Host": "nurture.example"}, {"X-Forwarded-For": "10.0.0.1"}])
def test_nothing_is_shown_elsewhere(bench: Bench, path: str, headers: dict[str, str]) -> None:
    assert bench.client.get(path, headers=headers).status_code == 403


def test_the_page_runs_our_one_script_and_nothing_else(bench: Bench) -> None:
    answer = bench.client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'; connect-src 'self'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"<script[^>]*>", answer.text) == ['<script src="/preview.js" defer>']


# --- in a browser ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_page_fits_and_breaks_no_policy(
    bench: Bench, browser: Browser, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    views = {
        "html": f"{MISS_YOU}&persona=irmak&scheme={scheme}&width={'desktop' if size == DESK else 'phone'}",
        "source": f"{MISS_YOU}&show=source", "headers": f"{MISS_YOU}&persona=maryam&show=headers",
        "search": f"{MISS_YOU}&contact=example", "none": f"{MISS_YOU}&persona=x",
    }  # fmt: skip
    for name, path in views.items():
        page, complaints = visit(
            browser, f"{bench.client.base_url}{path[1:]}", size, "dark" if scheme == "dark" else "light"
        )
        shot(page, f"preview-{name}-{size[0]}-{scheme}")
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert (name, wide, complaints) == (name, False, [])
        page.context.close()


def test_the_page_shows_a_saved_file_by_itself(bench: Bench, browser: Browser) -> None:
    watching = Thread(target=bench.live.watch, daemon=True)
    page, _ = visit(browser, f"{bench.client.base_url}{MISS_YOU[1:]}&persona=irmak")
    assert "Merhaba Irmak" in page.frame_locator("iframe").locator("body").inner_text()
    watching.start()
    file = bench.ground.opened.directory / "personas.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("first_name: Irmak", "first_name: Ilgaz"))
    page.frame_locator("iframe").get_by_text("Merhaba Ilgaz").wait_for()
    assert page.get_by_label("For").input_value() == "irmak"
    page.context.close()
    bench.live.close()
    watching.join()


def test_the_page_can_be_used_without_a_script(bench: Bench, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{bench.client.base_url}{MISS_YOU[1:]}")
    page.get_by_label("For").select_option("irmak")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Plain text").click()
    assert "Merhaba Irmak" in page.locator("section.email pre").inner_text()
    page.get_by_placeholder("you@example.com").fill("me@example.org")
    page.get_by_role("button", name="Send").click()
    assert "took “[Test] Irmak" in page.get_by_role("status").inner_text()
    context.close()
