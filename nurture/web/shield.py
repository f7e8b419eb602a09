"""Around every answer: the headers browsers are to obey, and for a failure a plain page and a quiet line."""

from __future__ import annotations

import logging
import secrets
from traceback import extract_tb

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("nurture.web")

HEADERS: dict[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"x-robots-tag": b"noindex, nofollow",
    b"cache-control": b"no-store",
}
"""What an answer says unless it says otherwise itself."""

FRAMES = 6


class Shield:
    """Adds the headers; turns an exception into a 500 that tells nothing, logged without the values it carries."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def shielded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                said = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(item for item in HEADERS.items() if item[0] not in said)]
            await send(message)

        try:
            await self._app(scope, receive, shielded)
        except Exception as error:
            number = _log(scope, error)
            if not started:
                await _answer(shielded, number)


def _log(scope: Scope, error: Exception) -> str:
    # The text of an exception may hold an address, and the path a token: neither belongs into a log.
    number = secrets.token_hex(4)
    frames = extract_tb(error.__traceback__)[-FRAMES:]
    where = " ".join(f"{frame.filename.rpartition('nurture/')[2]}:{frame.lineno}" for frame in frames)
    route = scope["path"][:3]
    logger.error("action=web.failed number=%s route=%s error=%s at=%s", number, route, type(error).__name__, where)
    return number


async def _answer(send: Send, number: str) -> None:
    body = f"Something went wrong on our side. Please try again in a minute.\n\n{number}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
