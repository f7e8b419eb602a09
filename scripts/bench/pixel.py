"""Pixel requests a second, each recorded, beside the bare web server that answers the same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from measure import Figure, Sizes
from web.ground import served

from nurture.emails.links import Purpose
from nurture.web.server import ServerThread

ASKER = Path(__file__).parent / "asker.py"


def pixel(sizes: Sizes) -> list[Figure]:
    """Requests over a few kept connections, made by another process."""
    folder = mkdtemp(prefix="nurture-bench-")
    with served(Path(folder), f"sqlite:///{folder}/pixel.db") as (ground, client):
        path = ground.path(Purpose.OPEN)
        body = client.get(path).content
        rate = _rate(str(client.base_url), path, sizes.pixels)
    rmtree(folder)
    with ServerThread(_bare(body)) as server:
        bare = _rate(server.url, "/o/pixel.gif", sizes.pixels)
    return [Figure("pixel requests, recorded", rate, "/s", bare, "the bare web server", rate / bare)]


def _bare(body: bytes) -> Any:
    head = {"type": "http.response.start", "status": 200,
            "headers": [(b"content-type", b"image/gif"), (b"content-length", str(len(body)).encode())]}  # fmt: skip

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send(head)
        await send({"type": "http.response.body", "body": body})

    return app


def _rate(url: str, path: str, count: int) -> float:
    """As told by another process, so that asking and answering do not share an interpreter."""
    done = subprocess.run(
        [sys.executable, str(ASKER), url, path, str(count)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)
