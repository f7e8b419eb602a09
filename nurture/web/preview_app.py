"""The preview page as an application of its own: for whoever sits at this machine, and nobody else."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from nurture.actions.live import Live
from nurture.web.auth import at_this_machine
from nurture.web.html import Pages
from nurture.web.shield import Shield
from nurture.web.site import Workshop
from nurture.web.workbench import Workbench

ELSEWHERE = "The preview opens only on the machine it runs on, as http://127.0.0.1 or http://localhost.\n"


class Here:
    """Refuses whatever does not come from this machine, under a name of this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not at_this_machine(Request(scope)):
            await PlainTextResponse(ELSEWHERE, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def make_preview_app(parts: Workshop, live: Live) -> Starlette:
    """The ASGI application that shows what `live` sees."""
    bench = Workbench(parts, live, Pages(scripts=True))
    return Starlette(routes=[*bench.routes()], middleware=[Middleware(Shield), Middleware(Here)])
