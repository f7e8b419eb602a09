from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from nurture.core.errors import ConfigError
from nurture.emails.links import Purpose
from nurture.web.server import HEAD_BYTES, ServerThread, listen
from nurture.web.shield import Shield
from web.ground import BROWSER, Ground, served

Served = tuple[Ground, httpx.Client]


@pytest.fixture
def web(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_url) as both:
        yield both


@pytest.fixture
def lite(migrated_sqlite_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_sqlite_url) as both:
        yield both


def test_a_port_that_is_taken_is_named() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(ConfigError, match="cannot listen on 127"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_stopping_writes_what_was_taken_in(web: Served) -> None:
    ground, client = web
    for _ in range(20):
        client.get(ground.path(Purpose.OPEN))
    assert ground.server
    ground.server.stop()
    assert ground.rows("event", kind="opened")


def test_many_at_once_are_each_recorded_once(web: Served) -> None:
    ground, client = web
    paths = [ground.path(Purpose.CLICK, link=n, url=f"https://shop.example/{n}") for n in range(60)]
    with ThreadPoolExecutor(12) as crowd:
        answers = list(crowd.map(client.get, paths))
    assert {answer.status_code for answer in answers} == {302}
    urls = [event["detail"]["url"] for event in ground.events("clicked")]
    assert sorted(urls) == sorted(f"https://shop.example/{n}" for n in range(60))


def test_headers_without_end_are_cut_off(lite: Served) -> None:
    _, client = lite
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        sent = 0
        with pytest.raises(OSError):
            while sent < 100 * HEAD_BYTES:
                sent += connection.send(b"X-Long: " + b"x" * 8000 + b"\r\n")
    assert client.get("/").status_code == 200


def test_a_request_that_is_none_is_refused(lite: Served) -> None:
    _, client = lite
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0), timeout=20) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_forwarded_addresses_are_not_believed(lite: Served) -> None:
    _, client = lite
    assert client.get("/", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 403


def failing(request: Request) -> Response:
    raise ValueError("canary.7f3a@example.com")


def test_a_failure_tells_nothing_of_what_it_carried(caplog: pytest.LogCaptureFixture) -> None:
    app = Starlette(routes=[Route("/{token:path}", failing)], middleware=[Middleware(Shield)])
    with ServerThread(app) as server, caplog.at_level(logging.DEBUG):
        answer = httpx.get(f"{server.url}/u/secret-token", headers={"User-Agent": BROWSER})
    assert answer.status_code == 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    ours = "\n".join(line for line in caplog.messages if "HTTP Request" not in line)
    assert "action=web.failed" in ours
    assert "error=ValueError" in ours
    for secret in ("canary", "secret-token", "Traceback"):
        assert secret not in ours + answer.text


def test_an_answer_s_own_policy_goes_before_the_general_one() -> None:
    def own(request: Request) -> Response:
        return PlainTextResponse("x", headers={"Cache-Control": "max-age=5"})

    app = Starlette(routes=[Route("/", own)], middleware=[Middleware(Shield)])
    with ServerThread(app) as server:
        assert httpx.get(server.url).headers.get_list("cache-control") == ["max-age=5"]
