"""Requests over real HTTP, on one connection that is kept open, one after another so that a seed gives one story."""

from __future__ import annotations

from collections import Counter
from http.client import HTTPConnection, RemoteDisconnected
from urllib.parse import urlencode, urlsplit

TIMEOUT = 60
"""Seconds an answer may take."""


class Visitor:
    """Somebody, or something, that asks the server at `url`; `seen` counts the answers by method and status."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port
        self._connection = self._open()
        self.seen: Counter[str] = Counter()

    def get(self, path: str, agent: str) -> int:
        """GET a path and return the status; redirects are not followed, for they lead out of here."""
        return self._ask("GET", path, agent)

    def head(self, path: str, agent: str) -> int:
        """HEAD a path and return the status."""
        return self._ask("HEAD", path, agent)

    def post(self, path: str, agent: str, form: dict[str, str]) -> int:
        """POST a form and return the status."""
        return self._ask("POST", path, agent, urlencode(form).encode())

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _open(self) -> HTTPConnection:
        return HTTPConnection(self._host, self._port, timeout=TIMEOUT)

    def _ask(self, method: str, path: str, agent: str, body: bytes | None = None) -> int:
        headers = {"User-Agent": agent}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            status = self._exchange(method, path, body, headers)
        except (RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The server lets go of a connection on which nothing was asked for a while.
            self._connection.close()
            self._connection = self._open()
            status = self._exchange(method, path, body, headers)
        self.seen[f"{method} {status}"] += 1
        return status

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> int:
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status
