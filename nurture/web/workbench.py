"""The preview page: every email of the project's files for anybody at any time, beside what is wrong with them.

It writes nothing; what it sends goes to an address that was typed there, and is marked as a test.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from nurture.actions.draft import Draft
from nurture.actions.live import Live, Seen
from nurture.actions.preview import Preview, preview, send_test
from nurture.core.campaign import SendStep
from nurture.core.errors import NurtureError
from nurture.core.problem import Problem
from nurture.core.program import Course
from nurture.core.zone import zone
from nurture.files.folder import CAMPAIGNS
from nurture.files.problems import count, show_all
from nurture.store.contacts import search_contacts
from nurture.web.auth import same_site
from nurture.web.bodies import read_form
from nurture.web.dark import in_scheme
from nurture.web.html import FOLDER, Pages
from nurture.web.look import SCHEMES, SHOWS, WIDTHS, Look
from nurture.web.mail import parse_headers
from nurture.web.page import framed
from nurture.web.site import Workshop

EVERY = 0.02
"""Seconds between two looks for news to push."""
NOTICES = 20
"""How many of the last answers to a form are kept for the page that shows them."""


@dataclass(frozen=True, slots=True)
class Item:
    """A campaign in the list: its sending steps, and whether its file or templates are wrong now."""

    name: str
    title: str
    status: str
    steps: tuple[SendStep, ...]
    wrong: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of a view: the email, or why there is none; and those who are meant by the words that were typed."""

    email: Preview | None = None
    failure: str = ""
    found: tuple[dict[str, Any], ...] = ()


class Workbench:
    """Answers the preview page from the files and the database."""

    def __init__(self, parts: Workshop, live: Live, pages: Pages) -> None:
        self._parts, self._live, self._pages = parts, live, pages
        self._token = secrets.token_urlsafe(24)
        self._notices: dict[str, tuple[bool, str]] = {}
        self._for_frame: dict[tuple[int, Look], Shown] = {}
        self._script = (FOLDER / "preview.js").read_text(encoding="utf-8")

    def routes(self) -> list[Route]:
        """The page by path."""
        return [
            Route("/", self.page),
            Route("/email", self.email),
            Route("/events", self.events),
            Route("/preview.js", self.script),
            Route("/send-test", self.send_test, methods=["POST"]),
        ]

    def page(self, request: Request) -> Response:
        """The list of emails and the one that is asked for."""
        seen = self._live.seen
        look = _settled(seen, Look.of(request.query_params))
        draft = seen.drafts.get(look.campaign)
        shown = self._shown(draft, look)
        self._for_frame = {(seen.version, look): shown}
        about = shown.email.problems if shown.email else _mistakes(seen, look)
        return self._pages.show(
            "preview.html", project=_project(seen), now=self._parts.now(), zone=_zone(seen), session=False, seen=seen,
            look=look, items=list(_items(seen)), shown=shown, stale=bool(draft) and seen.stale(look.campaign),
            **_choices(draft, look), about=show_all(about, seen.checked.loaded.files), others=_others(seen, about),
            counted=count(seen.problems), token=self._token,
            headers=parse_headers(shown.email.source) if shown.email and look.show == "headers" else (),
            notice=self._notices.get(request.query_params.get("notice", "")),
        )  # fmt: skip

    def email(self, request: Request) -> Response:
        """The HTML of the email, for the frame that shows it."""
        seen = self._live.seen
        look = _settled(seen, Look.of(request.query_params))
        # The page that holds this frame has just made the same email.
        shown = self._for_frame.pop((seen.version, look), None) or self._shown(seen.drafts.get(look.campaign), look)
        return framed(in_scheme(shown.email.html, look.scheme) if shown.email else "")

    def script(self, _request: Request) -> Response:
        """What reloads the page when a file is saved."""
        return Response(self._script, media_type="text/javascript; charset=utf-8")

    async def events(self, _request: Request) -> Response:
        """The version of the files, now and whenever it changes (Server-Sent Events)."""
        return StreamingResponse(self._versions(), media_type="text/event-stream")

    async def _versions(self) -> AsyncIterator[str]:
        told = 0
        while not self._live.closed:
            if (version := self._live.seen.version) != told:
                told = version
                yield f"data: {version}\n\n"
            await asyncio.sleep(EVERY)

    async def send_test(self, request: Request) -> Response:
        """Send the email that is shown to the address that was typed, and show the page again."""
        form = await read_form(request)
        if not same_site(request) or not hmac.compare_digest(form.get("token", "").encode(), self._token.encode()):
            return Response("The form came from another page. Open the preview again.", 403, media_type="text/plain")
        look = _settled(self._live.seen, Look.of(form))
        number = secrets.token_hex(8)
        self._notices[number] = await run_in_threadpool(self._sent, look, form.get("to", "").strip())
        while len(self._notices) > NOTICES:
            self._notices.pop(next(iter(self._notices)))
        return RedirectResponse(f"/?{look.query()}&notice={number}", 303)

    def _sent(self, look: Look, to: str) -> tuple[bool, str]:
        draft = self._live.seen.drafts.get(look.campaign)
        if draft is None:
            return False, "There is no such email."
        try:
            address, _ = self._whom(look)
            with closing(self._parts.provider()) as provider:
                subject = send_test(
                    self._parts.database, draft, provider, look.campaign, look.step, to, address, self._parts.now(),
                    persona=None if address else look.persona or None, locale=look.locale or None,
                    variant=look.variant or None,
                )  # fmt: skip
        except NurtureError as error:
            return False, str(error)
        return True, f"{provider.name} took “{subject}” for {to}."

    def _shown(self, draft: Draft | None, look: Look) -> Shown:
        if draft is None or not look.step:
            return Shown()
        try:
            address, found = self._whom(look)
            now = self._parts.now()
            email = preview(
                self._parts.database, draft, look.campaign, look.step, address, now,
                persona=None if address else look.persona or None, locale=look.locale or None,
                at=look.time(zone(draft.program.project.timezone)) or now, variant=look.variant or None,
            )  # fmt: skip
        except NurtureError as error:
            return Shown(failure=str(error))
        return Shown(email, found=found)

    def _whom(self, look: Look) -> tuple[str | None, tuple[dict[str, Any], ...]]:
        """The address of the contact that is meant; where the words may mean several, nobody's and all of them."""
        if not look.contact:
            return None, ()
        with self._parts.database.read() as connection:
            found = search_contacts(connection, look.contact)
        exact = [one for one in found if one["address"].casefold() == look.contact.casefold()]
        meant = exact or (found if len(found) == 1 else [])
        return (meant[0]["address"], ()) if meant else (None, tuple(found))


def _settled(seen: Seen, look: Look) -> Look:
    """The view with what it leaves open filled in, and without what the email it shows does not have."""
    if look.campaign not in seen.drafts and look.campaign not in seen.checked.loaded.names:
        first = next((name for name, one in sorted(seen.drafts.items()) if one.program.courses[name].sends), "")
        look = replace(look, campaign=first, step="", variant="")
    steps = _sends(seen.drafts.get(look.campaign), look)
    step = next((one for one in steps if one.id == look.step), steps[0] if steps else None)
    variants = [one.id for one in step.variants] if step else []
    return replace(look, step=step.id if step else "", variant=look.variant if look.variant in variants else "")


def _sends(draft: Draft | None, look: Look) -> list[SendStep]:
    return draft.program.courses[look.campaign].sends if draft else []


def _items(seen: Seen) -> Iterator[Item]:
    """Every campaign file: those that run as they run, the others by their name alone."""
    for name in sorted(seen.checked.loaded.names | set(seen.drafts)):
        draft = seen.drafts.get(name)
        course: Course | None = draft.program.courses[name] if draft else None
        campaign = course.campaign if course else None
        yield Item(
            name, campaign.title if campaign else name, campaign.status.value if campaign else "",
            tuple(course.sends) if course else (), name in seen.checked.broken or seen.checked.project is None,
        )  # fmt: skip


def _choices(draft: Draft | None, look: Look) -> dict[str, Any]:
    """What may be chosen on the page: by names for the template."""
    personas = draft.checked.loaded.personas if draft else {}
    keys = [key for key in draft.release.emails if key[:2] == (look.campaign, look.step)] if draft else []
    own = {draft.program.project.locale} if draft else set()
    variants = [one.id for step in _sends(draft, look) if step.id == look.step for one in step.variants]
    return {
        "persona_names": {name: one.about for name, one in personas.items()},
        "locales": sorted({key[2] for key in keys if key[2]} | own), "variants": variants,
        "shows": SHOWS, "widths": WIDTHS, "schemes": SCHEMES,
    }  # fmt: skip


def _others(seen: Seen, about: Any) -> str:
    """What is wrong elsewhere, mistakes first."""
    rest = [one for one in seen.problems if one not in about]
    rest.sort(key=lambda one: one.severity != "error")
    return show_all(rest[:30], seen.checked.loaded.files)


def _mistakes(seen: Seen, look: Look) -> list[Problem]:
    """What keeps a campaign from being shown at all."""
    if look.campaign not in seen.checked.loaded.names or look.campaign in seen.drafts:
        return []
    mine = [one for one in seen.checked.errors if one.path == f"{CAMPAIGNS}/{look.campaign}.yaml"]
    return mine or list(seen.checked.errors)


def _project(seen: Seen) -> Any:
    return seen.checked.project or next((one.program.project for one in seen.drafts.values()), None)


def _zone(seen: Seen) -> ZoneInfo:
    project = _project(seen)
    return zone(project.timezone if project else "UTC")
