"""The web application: what the world may reach, and behind a door what only the project's people may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import Mount, Router

from nurture.web.api import Api
from nurture.web.auth import Door
from nurture.web.choices import Choices
from nurture.web.html import Pages
from nurture.web.page import Page
from nurture.web.public import Public
from nurture.web.recorder import Recorder
from nurture.web.recording import make_recorder
from nurture.web.shield import Shield
from nurture.web.site import Parts
from nurture.web.webhooks import Webhooks


def make_app(opened: Parts, *, recorder: Recorder | None = None) -> Starlette:
    """The ASGI application of an opened project.

    It writes through `recorder`, which its owner closes, or one of its own that it closes on shutdown;
    `app.state.recorder` is the one.
    """
    used = recorder or make_recorder(opened)
    pages = Pages()
    public = Public(opened, used, pages)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        if recorder is None:
            await run_in_threadpool(used.close)

    inside = Router([*Page(opened, pages).routes()])
    app = Starlette(
        routes=[
            *public.routes(),
            *Choices(public).routes(),
            *Webhooks(opened).routes(),
            *Api(opened).routes(),
            Mount("/", app=Door(inside, opened, pages)),
        ],
        middleware=[Middleware(Shield)],
        lifespan=lifespan,
    )
    app.state.recorder = used
    return app
