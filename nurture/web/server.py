"""The server around the application: uvicorn with limits on what strangers may hold open.

Forwarded headers are not believed: who asks from where is what the connection says. TLS ends at a proxy.
"""

from __future__ import annotations

import asyncio
import socket
from threading import Thread
from time import monotonic, sleep
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from nurture.core.errors import ConfigError

HEAD_BYTES = 32 * 1024
"""Bytes of a request's line and headers."""
HEAD_SECONDS = 10.0
"""How long they may take to arrive on a new connection."""
CONNECTIONS = 4096
GRACE = 10
"""Seconds that requests in the air get on shutdown."""


class Guarded(HttpToolsProtocol):
    """uvicorn's protocol, which by itself would wait for ever for headers of any size."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head = 0
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def data_received(self, data: bytes) -> None:
        if self._head > HEAD_BYTES:
            self.transport.close()
            return
        self._head += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._timer.cancel()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)
        self._head = 0

    def on_headers_complete(self) -> None:
        self._timer.cancel()
        self._head = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head = 0
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def _config(app: ASGIApp) -> uvicorn.Config:
    options: dict[str, Any] = {"loop": "auto", "http": Guarded, "ws": "none", "lifespan": "on"}
    return uvicorn.Config(
        app, **options, log_config=None, access_log=False, proxy_headers=False, server_header=False,
        limit_concurrency=CONNECTIONS, timeout_keep_alive=15, timeout_graceful_shutdown=GRACE,
    )  # fmt: skip


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises ConfigError saying why it cannot."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        where = f"{host}:{port}"
        raise ConfigError(f"cannot listen on {where}: {error.strerror or error}; set NURTURE_PORT to another") from None


def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; what is in the air is finished. Raises ConfigError where it cannot listen."""
    with listen(host, port) as sock:
        uvicorn.Server(_config(app)).run(sockets=[sock])


class ServerThread:
    """The application served from a thread of this process. `port` 0 takes a free one; see `url`.

    Listening begins when it is made: raises ConfigError where that cannot be.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = listen(host, port)
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(_config(app))
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="nurture-web", daemon=True)
        self._thread.start()
        self._wait()

    def _wait(self) -> None:
        until = monotonic() + 30
        while not self._server.started:
            if not self._thread.is_alive() or monotonic() > until:
                raise ConfigError("the web server did not start; the log says why")
            sleep(0.005)

    def stop(self) -> None:
        """Finish what is in the air, close the application, and return. May be called again."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> ServerThread:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
