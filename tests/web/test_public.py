from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, update

from nurture.actions.check import check
from nurture.actions.publish import publish
from nurture.emails.links import PATHS, Purpose, Signer
from nurture.store import tables
from web.ground import Ground, served

Served = tuple[Ground, httpx.Client]
PLAIN = "https://shop.ferah.example/menu"


@pytest.fixture
def web(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_url) as both:
        yield both


@pytest.fixture
def lite(migrated_sqlite_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_sqlite_url) as both:
        yield both


def test_the_pixel_is_drawn_and_a_person_s_open_recorded(web: Served) -> None:
    ground, client = web
    answer = client.get(ground.path(Purpose.OPEN))
    assert (answer.status_code, len(answer.content)) == (200, 43)
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["cache-control"] == "no-store"
    (event,) = ground.events("opened")
    assert event["machine"] is None
    assert event["occurred_at"] == ground.clock.at
    assert ground.message()["opened_at"] == ground.clock.at
    assert ground.person()["stage"] == "prospect"


def test_apple_s_prefetch_is_kept_as_a_machine_s_open_and_moves_nothing(web: Served) -> None:
    ground, client = web
    client.get(ground.path(Purpose.OPEN), headers={"User-Agent": "Mozilla/5.0"})
    (event,) = ground.events("opened")
    assert event["machine"] == "apple-mpp"
    assert ground.message()["opened_at"] is None
    assert ground.person()["stage"] == "lead"


def test_a_click_is_recorded_before_the_person_is_sent_on(web: Served) -> None:
    ground, client = web
    answer = client.get(ground.path(Purpose.CLICK, link=1, url=PLAIN))
    assert (answer.status_code, answer.headers["location"]) == (302, PLAIN)
    assert ground.rows("event", kind="clicked")[0]["machine"] is None
    assert ground.person()["last_clicked_at"] == ground.clock.at


def test_a_link_that_is_the_same_for_all_leads_where_the_compiled_email_says(lite: Served) -> None:
    ground, client = lite
    digest = ground.message()["email_digest"]
    links = ground.opened.emails.compiled(digest).links
    number, url = next((n, link) for n, link in enumerate(links) if link)
    answer = client.get(ground.path(Purpose.CLICK, link=number))
    assert answer.headers["location"] == url
    assert ground.events("clicked")[0]["link"] == number


def test_head_is_answered_and_not_recorded(lite: Served) -> None:
    ground, client = lite
    assert client.head(ground.path(Purpose.OPEN)).status_code == 200
    assert client.head(ground.path(Purpose.CLICK, link=1, url=PLAIN)).headers["location"] == PLAIN
    assert ground.events("opened") == ground.events("clicked") == []


def test_links_of_one_email_followed_at_once_are_a_machine_s(web: Served) -> None:
    ground, client = web
    client.get(ground.path(Purpose.CLICK, link=1, url=PLAIN))
    ground.clock.forward(timedelta(seconds=1))
    client.get(ground.path(Purpose.CLICK, link=2, url=PLAIN + "/2"))
    assert [event["machine"] for event in ground.events("clicked")][-1] == "burst"


def test_a_click_right_after_the_hand_over_is_a_scanner_s(lite: Served) -> None:
    ground, client = lite
    ground.clock.at = ground.message()["accepted_at"] + timedelta(seconds=3)
    client.get(ground.path(Purpose.CLICK, link=1, url=PLAIN))
    assert ground.events("clicked")[0]["machine"] == "too-soon"
    assert ground.person()["stage"] == "lead"


def test_who_is_not_to_be_measured_is_answered_and_not_recorded(web: Served) -> None:
    ground, client = web
    with ground.opened.database.write() as connection:
        connection.execute(update(tables.contact).values(tracked=False))
    assert client.get(ground.path(Purpose.OPEN)).status_code == 200
    assert client.get(ground.path(Purpose.CLICK, link=1, url=PLAIN)).status_code == 302
    assert ground.events("opened") == ground.events("clicked") == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", "https://a@evil.example/", "https://x\\y"])
def test_a_signed_destination_that_is_not_safe_is_not_followed(lite: Served, url: str) -> None:
    ground, client = lite
    answer = client.get(ground.path(Purpose.CLICK, link=1, url=url))
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_no_parameter_makes_the_redirect_lead_elsewhere(lite: Served) -> None:
    ground, client = lite
    path = ground.path(Purpose.CLICK, link=1, url=PLAIN)
    answer = client.get(path + "?url=https://evil.example&next=//evil.example", headers={"Host": "evil.example"})
    assert answer.headers["location"] == PLAIN


def test_a_link_the_email_does_not_have_leads_nowhere(lite: Served) -> None:
    ground, client = lite
    assert client.get(ground.path(Purpose.CLICK, link=9999)).status_code == 404


def test_forged_damaged_and_misused_tokens_get_one_and_the_same_page(lite: Served) -> None:
    ground, client = lite
    genuine = ground.path(Purpose.UNSUBSCRIBE)
    stranger = Signer([b"another key, long enough to be one"])
    forged = stranger.token(Purpose.UNSUBSCRIBE, *ground.people["ada"])
    last = "A" if genuine[-1] != "A" else "B"
    misused = [
        before + genuine.removeprefix("/u/") + after
        for purpose, (before, after) in PATHS.items()
        if purpose is not Purpose.UNSUBSCRIBE
    ]
    paths = [f"/u/{forged}", genuine[:-1], genuine[:-1] + last, genuine + "=", genuine + "/", "/u/", "/o/x", *misused]
    pages = {(answer.status_code, answer.text) for answer in map(client.get, paths)}
    assert len(pages) == 1
    assert pages.pop()[0] == 404
    posts = {client.post(path).status_code for path in paths if path[:3] in ("/u/", "/p/")}
    assert posts == {404}
    assert ground.rows("event") == ground.rows("suppression") == []


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer([bytes(range(32))])


@given(place=st.integers(0, 200), bit=st.integers(0, 5))
def test_a_token_with_one_changed_character_is_nothing(signer: Signer, place: int, bit: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = signer.token(Purpose.CLICK, "ab" * 16, "cd" * 16, link=3)
    at = place % len(token)
    changed = token[:at] + alphabet[alphabet.index(token[at]) ^ (1 << bit)] + token[at + 1 :]
    assert signer.read(Purpose.CLICK, changed) is None


def test_the_email_is_shown_in_the_browser_as_it_was_sent(web: Served) -> None:
    ground, client = web
    answer = client.get(ground.path(Purpose.VIEW))
    assert answer.status_code == 200
    assert "Ada" in answer.text
    assert "<script" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_an_email_that_is_no_longer_kept_says_so(lite: Served) -> None:
    ground, client = lite
    with ground.opened.database.write() as connection:
        connection.execute(delete(tables.kept_email))
    assert "No longer kept" in (answer := client.get(ground.path(Purpose.VIEW))).text
    assert answer.status_code == 404
    assert "Artık saklanmıyor" in client.get(ground.path(Purpose.VIEW, "deniz")).text


def test_every_answer_tells_the_browser_to_be_careful(lite: Served) -> None:
    ground, client = lite
    paths = [ground.path(purpose) for purpose in Purpose] + ["/", "/nothing", "/messages", "/u/x"]
    for answer in map(client.get, paths):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
        assert "server" not in answer.headers


def test_an_email_to_an_address_that_was_blanked_since_is_no_longer_shown(web: Served) -> None:
    ground, client = web
    assert client.get(ground.path(Purpose.VIEW)).status_code == 200
    with ground.opened.database.write() as connection:
        connection.execute(update(tables.kept_email).values(recipient_address="", recipient_name=""))
    answer = client.get(ground.path(Purpose.VIEW))
    assert (answer.status_code, "No longer kept" in answer.text) == (404, True)
    contact_id, message_id = ground.people["ada"]
    assert client.get(f"/contacts/{contact_id}/messages/{message_id}").status_code == 404


def test_a_shared_link_leads_on_with_its_code_and_notes_nothing(lite: Served) -> None:
    ground, client = lite
    path = ground.path(Purpose.REFERRAL)
    assert client.get(path).status_code == 404
    file = ground.opened.directory / "nurture.yaml"
    file.write_text(file.read_text() + "\nreferral: {url: https://acme.example/hello}\n")
    publish(ground.opened.releases, check(ground.opened.directory), ground.clock.at)
    answer = client.get(path)
    code = path.removeprefix("/r/")
    assert (answer.status_code, answer.headers["location"]) == (302, f"https://acme.example/hello?ref={code}")
    assert client.get(path[:-1] + "_").status_code == 404
    assert ground.events("clicked") == [] and ground.person()["last_clicked_at"] is None
