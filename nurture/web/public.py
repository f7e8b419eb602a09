"""What anybody may fetch with a token from an email: the pixel, a link, the email in the browser.

A token that is forged or damaged gets the same plain page whatever it was meant for, and changes nothing.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from concurrent.futures import Future
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from nurture.core.email import Mailbox
from nurture.core.errors import NotFound, RenderError
from nurture.core.referral import landing
from nurture.emails.links import PATHS, Purpose, Ref, safe_url
from nurture.store import pages as rows
from nurture.web import recording
from nurture.web.html import Pages
from nurture.web.recorder import Recorder
from nurture.web.site import Parts
from nurture.web.words import ENGLISH, TURKISH, words

if TYPE_CHECKING:
    from nurture.core.project import Project

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
"""The smallest transparent GIF all mail programs draw: 43 bytes."""

PATIENCE = 10.0
"""Seconds a request waits for its fact to be committed."""

EMAIL_POLICY = (
    "default-src 'none'; img-src http: https: data:; font-src http: https:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {frames}; "
    "sandbox allow-popups allow-popups-to-escape-sandbox "
    "allow-top-navigation-by-user-activation"
)
"""An email shown in a browser may look like itself, and run nothing."""


class Public:
    """Reads tokens and answers them."""

    def __init__(self, parts: Parts, recorder: Recorder, pages: Pages) -> None:
        self.parts = parts
        self.recorder = recorder
        self.pages = pages
        self._gif = Response(PIXEL, media_type="image/gif")

    def routes(self) -> list[Route]:
        """Where the tokens of these purposes lead."""
        return [
            Route("/o/{token:path}", self.pixel, methods=["GET"]),
            Route("/c/{token:path}", self.click, methods=["GET"]),
            Route("/v/{token:path}", self.view, methods=["GET"]),
            Route("/r/{token:path}", self.shared, methods=["GET"]),
        ]

    def read(self, purpose: Purpose, request: Request) -> Ref | None:
        """What the token in the path names."""
        token: str = request.path_params["token"]
        suffix = PATHS[purpose][1]
        return self.parts.signer.read(purpose, token.removesuffix(suffix)) if token.endswith(suffix) else None

    async def pixel(self, request: Request) -> Response:
        """Draw nothing, and note that it was drawn. HEAD notes nothing."""
        ref = self.read(Purpose.OPEN, request)
        if ref is None:
            return self.missing
        if request.method == "GET":
            self.recorder.offer(recording.opened(ref, agent(request), self.parts.now()))
        return self._gif

    async def click(self, request: Request) -> Response:
        """Send the person on, once it is recorded that they came. HEAD records nothing."""
        ref = self.read(Purpose.CLICK, request)
        url = await run_in_threadpool(self._destination, ref) if ref else None
        if ref is None or url is None:
            return self.missing
        if request.method == "GET":
            # Whoever clicked is sent on even where the record must wait for a database that is away.
            await committed(self.recorder.submit(recording.clicked(ref, agent(request), self.parts.now())))
        return RedirectResponse(url, 302)

    def _destination(self, ref: Ref) -> str | None:
        url = ref.url or self._constant(ref)
        return url if url and safe_url(url) else None

    def _constant(self, ref: Ref) -> str | None:
        """Where the link of that number leads in the compiled email."""
        with self.parts.database.read() as connection:
            digest = rows.email_of(connection, ref.contact_id, ref.message_id)
        if digest is None or ref.link is None:
            return None
        try:
            links = self.parts.emails.compiled(digest).links
        except NotFound:
            return None
        return links[ref.link] if ref.link < len(links) else None

    def view(self, request: Request) -> Response:
        """The email as it was sent, for as long as its values are kept."""
        ref = self.read(Purpose.VIEW, request)
        if ref is None:
            return self.missing
        html = kept_html(self.parts, ref.contact_id, ref.message_id)
        if html is None:
            with self.parts.database.read() as connection:
                person = rows.chooser(connection, ref.contact_id)
            return self.notice("gone", person.locale if person else None, 404)
        return HTMLResponse(html, headers={"Content-Security-Policy": EMAIL_POLICY.format(frames="'none'")})

    def shared(self, request: Request) -> Response:
        """Send whoever follows a shared link on, with its code. Nothing is noted: it is not the contact who came."""
        project = self.project()
        if self.read(Purpose.REFERRAL, request) is None or project is None or project.referral is None:
            return self.missing
        return RedirectResponse(landing(project.referral.url, request.path_params["token"]), 302)

    @cached_property
    def missing(self) -> Response:
        """The page for whatever names nothing: made once, alike for every reason, and in every language."""
        title, text = (" · ".join(said["missing_title"] for said in (ENGLISH, TURKISH)), ENGLISH["missing_text"])
        return self.pages.show(
            "notice.html", status=404, words=ENGLISH, project="", title=title, text=text, also=TURKISH
        )

    def notice(self, what: str, locale: str | None, status: int) -> Response:
        """A page that says one thing."""
        project = self.project()
        said = words(locale, project.locale if project else None)
        name = project.project if project else ""
        title, text = said[f"{what}_title"], said[f"{what}_text"]
        return self.pages.show(
            "notice.html", status=status, words=said, project=name, title=title, text=text, also=None
        )

    def project(self) -> Project | None:
        """The project as published; None before anything is."""
        try:
            return self.parts.releases.current().program.project
        except NotFound:
            return None


def kept_html(parts: Parts, contact_id: str, message_id: str) -> str | None:
    """The HTML of a sent email, made again from what was kept; None when that is no longer so."""
    from nurture.emails.fill import Envelope

    with parts.database.read() as connection:
        kept = rows.kept(connection, contact_id, message_id)
    if kept is None:
        return None
    recipient = Mailbox(kept.recipient_name, kept.recipient_address)
    sender = Mailbox(kept.sender_name or "", kept.sender_address) if kept.sender_address else None
    envelope = Envelope(contact_id, message_id, recipient, kept.claimed_at, kept.tracked, kept.kid, sender=sender)
    try:
        return parts.emails.filler(kept.email_digest).email(kept.stream, envelope).html
    except (NotFound, RenderError):
        # The compiled email is gone, or what it needs: the address of somebody who was erased.
        return None


def agent(request: Request) -> str:
    """The request's user agent; control characters, which databases refuse, become spaces."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", request.headers.get("user-agent", ""))


async def committed(done: Future[None]) -> bool:
    """Wait until a fact is committed. False when it could not be, or not yet."""
    try:
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(done)), PATIENCE)
    except Exception:
        return False
    return True
