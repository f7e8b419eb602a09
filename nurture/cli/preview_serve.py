"""`nurture preview --serve`: the preview page, until Ctrl-C."""

from __future__ import annotations

import logging
import signal
import sys
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nurture.wiring import Opened

HOST, PORT = "127.0.0.1", 8026


def serve(opened: Opened, port: int | None) -> None:
    """Serve the page on this machine until SIGINT or SIGTERM. Raises ConfigError where the port is taken."""
    from nurture.actions.live import Live
    from nurture.web.preview_app import make_preview_app
    from nurture.web.server import ServerThread

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    live = Live(opened.directory, opened.database, opened.signer, opened.now)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    watching = Thread(target=live.watch, name="nurture-files", daemon=True)
    with ServerThread(make_preview_app(opened, live), HOST, PORT if port is None else port) as server:
        watching.start()
        print(f"The emails of {opened.directory.resolve().name}: {server.url}/ (Ctrl-C ends it)", file=sys.stderr)
        # A wait without a limit would not let signals through on every platform.
        while not stopping.wait(1.0):
            pass
        # Pages that are open wait for news, and the server would wait for them.
        live.close()
    watching.join()
