from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from nurture.web.auth import LASTS, TRIES, Sessions
from nurture.web.bucket import Buckets
from web.ground import KEY, Ground, served

Served = tuple[Ground, httpx.Client]
PASSWORD = "correct horse battery staple"
ELSEWHERE = {"Host": "nurture.example"}


@pytest.fixture
def locked(migrated_sqlite_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_sqlite_url, NURTURE_PASSWORD=PASSWORD) as both:
        yield both


@pytest.fixture
def bare(migrated_sqlite_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_sqlite_url) as both:
        yield both


def log_in(client: httpx.Client, password: str = PASSWORD, **headers: str) -> httpx.Response:
    return client.post("/login", data={"password": password}, headers={**ELSEWHERE, **headers})


def test_this_machine_needs_no_password(locked: Served) -> None:
    _, client = locked
    port = client.base_url.port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost", f"[::1]:{port}", "LOCALHOST"):
        assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "nurture.example"},
        {"Host": "127.0.0.1.nip.io"},
        {"Host": "localhost.evil.example:80"},
        {"Host": "evil.example:8025"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Host": "localhost"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
def test_what_only_looks_like_this_machine_is_asked_for_the_password(locked: Served, headers: dict[str, str]) -> None:
    _, client = locked
    for path in ("/", "/messages", "/outbox", "/contacts/" + "0" * 32, "/no/such/page"):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/login")


def test_without_a_password_the_pages_are_closed_and_say_how_to_open_them(bare: Served) -> None:
    _, client = bare
    answer = client.get("/", headers=ELSEWHERE)
    assert answer.status_code == 403
    assert "NURTURE_PASSWORD" in answer.text
    assert client.post("/login", data={"password": ""}, headers=ELSEWHERE).status_code == 403


def test_the_password_opens_a_session_and_signing_out_ends_it(locked: Served) -> None:
    _, client = locked
    answer = log_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert client.get("/", headers=ELSEWHERE).status_code == 200
    assert client.post("/logout", headers=ELSEWHERE).status_code == 303
    assert client.get("/", headers=ELSEWHERE).status_code == 303


def test_the_cookie_is_secure_where_a_proxy_ends_tls(locked: Served) -> None:
    _, client = locked
    assert "secure" in log_in(client, **{"X-Forwarded-Proto": "https"}).headers["set-cookie"].lower()


def test_each_login_is_a_new_session(locked: Served) -> None:
    _, client = locked
    assert log_in(client).headers["set-cookie"] != log_in(client).headers["set-cookie"]


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD.upper(), "\x00", "ş" * 1000])
def test_a_wrong_password_opens_nothing(locked: Served, password: str) -> None:
    _, client = locked
    answer = log_in(client, password)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_guessing_is_slowed_down(locked: Served) -> None:
    _, client = locked
    answers = [log_in(client, "guess").status_code for _ in range(TRIES + 2)]
    assert answers == [403] * TRIES + [429] * 2
    assert log_in(client).status_code == 429


def test_a_form_from_another_site_is_refused(locked: Served) -> None:
    _, client = locked
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert log_in(client, **headers).status_code == 403
    assert log_in(client, Origin="http://nurture.example").status_code == 303


def test_a_session_that_is_over_forged_or_of_another_password_is_none(locked: Served) -> None:
    ground, client = locked
    cookie = log_in(client).cookies["nurture_session"]
    sessions = Sessions(bytes.fromhex(KEY), PASSWORD)
    now = ground.clock.at
    assert sessions.holds(cookie.strip('"'), now)
    assert not sessions.holds(cookie.strip('"'), now + LASTS)
    assert not Sessions(bytes.fromhex(KEY), "another").holds(cookie.strip('"'), now)
    assert not Sessions(bytes(32), PASSWORD).holds(cookie.strip('"'), now)
    for forged in (None, "", "x", "ş", cookie[:-2], "B" + cookie[1:], "=" * 80):
        assert not sessions.holds(forged, now)
    ground.clock.forward(timedelta(days=1))
    assert client.get("/", headers=ELSEWHERE).status_code == 303


def test_what_the_world_needs_asks_for_no_password(locked: Served) -> None:
    _, client = locked
    for path in ("/o/x.gif", "/c/x", "/u/x", "/p/x", "/v/x"):
        assert client.get(path, headers=ELSEWHERE).status_code == 404


def test_a_bucket_empties_and_fills_again() -> None:
    now = [0.0]
    buckets = Buckets(2, 10.0, keys=2, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]
    assert buckets.take("b")
    now[0] = 9.0
    assert not buckets.take("a")
    now[0] = 19.0
    assert buckets.take("a")
    now[0] = 1000.0
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]
