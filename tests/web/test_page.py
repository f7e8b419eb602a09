from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import insert, update

from nurture.core.event import Kind
from nurture.core.money import Money
from nurture.core.purchase import Purchase
from nurture.emails.links import Purpose
from nurture.store import tables
from nurture.web.html import money, number, share
from nurture.web.mail import quiet
from web.ground import BEGIN, SENT, Ground, served

Served = tuple[Ground, httpx.Client]


@pytest.fixture
def web(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_url) as both:
        yield both


@pytest.fixture
def lite(migrated_sqlite_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_sqlite_url) as both:
        yield both


def pages(ground: Ground) -> list[str]:
    contact_id, message_id = ground.people["ada"]
    return [
        "/", "/messages", "/outbox", "/outbox?page=2", f"/outbox/{message_id}", f"/outbox/{message_id}?show=text",
        f"/outbox/{message_id}?show=source", f"/outbox/{message_id}/html", f"/contacts/{contact_id}",
        f"/contacts/{contact_id}/messages/{message_id}", f"/contacts/{contact_id}/messages/{message_id}/html",
        "/campaigns/wake-up/pause",
    ]  # fmt: skip


def test_every_page_is_there_on_both_databases(web: Served) -> None:
    ground, client = web
    for path in pages(ground):
        answer = client.get(path)
        assert (path, answer.status_code) == (path, 200)


def test_the_overview_shows_who_is_where(web: Served) -> None:
    ground, client = web
    text = client.get("/").text
    assert "2 contacts" in text
    assert "Wake up inactive potential customers" in text
    assert 'href="/campaigns/wake-up/pause"' in text
    assert "2 sent" in text
    assert "1 opened" not in text
    client.get(ground.path(Purpose.OPEN))
    ground.events("opened")
    assert "1 opened" in client.get("/").text


def test_the_overview_shows_who_left_and_what_is_claimed(lite: Served) -> None:
    ground, client = lite
    with ground.opened.database.write() as connection:
        ada = tables.enrollment.c.contact_id == ground.people["ada"][0]
        ended = {"state": "ended", "due_at": None, "ended_at": SENT, "reason": "goal"}
        connection.execute(update(tables.enrollment).where(ada).values(**ended))
        connection.execute(
            insert(tables.purchase).values(
                contact_id=ground.people["ada"][0], order_id="o1", occurred_at=SENT, recorded_at=SENT, amount=123456,
                currency="EUR", refunded=0, value=123456, items=[], campaign="wake-up", touch="click",
            )
        )  # fmt: skip
    text = client.get("/").text
    assert "1\u202f234.56\u00a0EUR" in text
    assert "1 (50.0\u202f%)" in text


def test_a_project_before_its_first_release_has_a_page_too(lite: Served) -> None:
    ground, client = lite
    with ground.opened.database.write() as connection:
        connection.execute(tables.release.delete())
    assert "No campaign runs yet" in client.get("/").text


def test_a_contact_s_page_tells_its_story_in_order(web: Served) -> None:
    ground, client = web
    client.get(ground.path(Purpose.OPEN), headers={"User-Agent": "Mozilla/5.0"})
    ground.clock.forward(timedelta(hours=1))
    client.get(ground.path(Purpose.CLICK, link=1, url="https://shop.example/x"))
    text = client.get(f"/contacts/{ground.people['ada'][0]}").text
    assert text.index("lead → prospect") < text.index("by a machine (apple-mpp)") < text.index("entered wake-up")
    assert "https://shop.example/x" in text
    assert "ada@example.com" in text


def test_a_contact_s_page_tells_where_they_stand_and_why_they_are_not_elsewhere(web: Served) -> None:
    ground, client = web
    text = client.get(f"/contacts/{ground.people['ada'][0]}").text
    standing, _, rest = text.partition("Campaigns they are not in, and why")
    outside, _, happened = rest.partition("What happened")
    assert "stands at" in standing
    assert "never replied; entered" in standing
    assert "campaigns/wake-up.yaml:" in standing
    assert '<a href="/#win-back">win-back</a>: not in it' in outside
    assert "stage: former" in outside
    assert "entered wake-up" in happened


def test_a_contact_has_a_page_before_any_campaign_runs(lite: Served) -> None:
    ground, client = lite
    with ground.opened.database.write() as connection:
        connection.execute(tables.release.delete())
    text = client.get(f"/contacts/{ground.people['ada'][0]}").text
    assert "ada@example.com" in text
    assert "entered wake-up" in text


def test_what_a_contact_is_called_cannot_become_part_of_a_page(lite: Served) -> None:
    ground, client = lite
    attack = "<script>alert(1)</script>"
    with ground.opened.database.write() as connection:
        values = {"first_name": attack, "attributes": {attack: attack}, "source": attack}
        connection.execute(update(tables.contact).values(**values))
        connection.execute(update(tables.message).values(subject=attack, reason=attack))
    for path in ("/", "/messages", f"/contacts/{ground.people['ada'][0]}"):
        text = client.get(path).text
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_no_page_runs_a_script_or_asks_another_host(lite: Served) -> None:
    ground, client = lite
    for path in pages(ground):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        if not path.endswith("/html"):
            assert "unsafe-inline" not in policy


def test_looking_at_an_email_records_nothing_and_offers_no_link_that_acts(lite: Served) -> None:
    ground, client = lite
    contact_id, message_id = ground.people["ada"]
    raw = client.get(f"/outbox/{message_id}?show=source").text
    assert "/u/" in raw
    for path in (f"/outbox/{message_id}/html", f"/contacts/{contact_id}/messages/{message_id}/html"):
        answer = client.get(path)
        assert "Ada" in answer.text
        for place in ("/o/", "/c/", "/u/", "/p/", "/v/"):
            assert ground.opened.project.base_url + place not in answer.text
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"


def test_links_elsewhere_stay_as_they_are() -> None:
    html = '<a href="https://shop.example/c/coffee">x</a><img src="https://shop.example/o/small.gif">'
    assert quiet(html) == html


def test_what_does_not_exist_is_not_found(lite: Served) -> None:
    _, client = lite
    nobody = "0" * 32
    for path in (f"/contacts/{nobody}", "/contacts/x", f"/outbox/{nobody}", "/outbox/..%2f..%2fnurture.yaml", "/x",
                 f"/contacts/{nobody}/messages/{nobody}", f"/contacts/{nobody}/messages/{nobody}/html"):  # fmt: skip
        assert (path, client.get(path).status_code) == (path, 404)


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=99999999999999999999", "page=²", "below=x"])
def test_a_list_asked_for_nonsense_shows_something(lite: Served, query: str) -> None:
    _, client = lite
    assert client.get(f"/outbox?{query}").status_code == 200
    assert client.get(f"/messages?{query}").status_code == 200
    assert client.get(f"/campaigns/wake-up/pause?after={query}").status_code == 200


def test_messages_are_paged_without_gaps_or_repeats(web: Served) -> None:
    ground, client = web
    template = dict(ground.message())
    more = [
        template | {"id": f"{n:032x}", "enrollment_id": f"{n:032x}", "subject": f"Number {n}.",
                    "claimed_at": SENT + timedelta(minutes=n // 7)}
        for n in range(1, 121)
    ]  # fmt: skip
    with ground.opened.database.write() as connection:
        connection.execute(insert(tables.message), more)
    path: str | None = "/messages"
    seen: list[str] = []
    while path:
        text = client.get(path).text
        seen += [piece.partition("<")[0] for piece in text.split(">Number ")[1:]]
        place = text.partition('href="/messages?below=')[2].partition('"')[0]
        path = f"/messages?below={place}" if place else None
    assert sorted(int(number.rstrip(".")) for number in seen) == list(range(1, 121))


def test_a_purchase_and_its_conversion_are_part_of_the_story(web: Served) -> None:
    from nurture.actions.record_orders import record_purchases

    ground, client = web
    bought = Purchase("order-7", ground.people["ada"][0], BEGIN + timedelta(hours=5), Money(4200, "EUR"))
    record_purchases(ground.opened.database, ground.release.program, [bought], ground.clock.at)
    text = client.get(f"/contacts/{bought.contact_id}").text
    assert "bought for 42.00 EUR (order order-7): converted" in text
    assert "lead → customer" in text
    assert f"{Kind.CLICKED}" not in text


def test_numbers_are_written_to_be_read() -> None:
    assert number(1234567) == "1\u202f234\u202f567"
    assert money(-123450, "EUR") == "-1\u202f234.50\u00a0EUR"
    assert money(5, "JPY") == "5\u00a0JPY"
    assert (share(1, 3), share(0, 0)) == ("33.3\u202f%", "–")
