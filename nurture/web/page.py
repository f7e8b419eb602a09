"""The pages of the project's own people: who is where, what was sent, how it looks, one contact's story.

Nothing here changes anything, so there are only GETs.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from nurture.actions.picture import Picture, pictures
from nurture.actions.why import why_contact
from nurture.core.errors import NotFound
from nurture.core.lifecycle import Stage
from nurture.core.project import Project
from nurture.providers import outbox
from nurture.store import pages as rows
from nurture.store import trials
from nurture.web.counts import Counts
from nurture.web.html import Pages
from nurture.web.mail import parse, quiet
from nurture.web.public import EMAIL_POLICY, kept_html
from nurture.web.site import Parts
from nurture.web.story import moments

ROWS = 50
FEW = 12
MOST = 200
"""How much of one contact's story a page shows."""

ID = re.compile(r"[0-9a-f]{32}")
TABS = ("html", "text", "source")


class Page:
    """Answers the pages from rows."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._counts = Counts()

    def routes(self) -> list[Route]:
        """The pages by path."""
        return [
            Route("/", self.overview),
            Route("/messages", self.messages),
            Route("/campaigns/{campaign}/{step}", self.step),
            Route("/contacts/{contact}", self.contact),
            Route("/contacts/{contact}/messages/{message}", self.message),
            Route("/contacts/{contact}/messages/{message}/html", self.message_html),
            Route("/outbox", self.outbox),
            Route("/outbox/{message}", self.sent),
            Route("/outbox/{message}/html", self.sent_html),
        ]

    def overview(self, request: Request) -> Response:
        """Everything at a glance."""
        counts = self._counts.get("stages", self._stages) or {}
        with self._parts.database.read() as connection:
            latest = rows.latest_messages(connection, FEW)
        return self._show(
            request, "overview.html", tab="overview", stages=[(stage.value, counts.get(stage, 0)) for stage in Stage],
            people=sum(counts.values()), pictures=self._pictures(), messages=latest,
            entries=outbox.entries(self._parts.settings.outbox_dir, FEW),
        )  # fmt: skip

    def messages(self, request: Request) -> Response:
        """The messages claimed last, page by page."""
        below = _below(request.query_params.get("below", ""))
        with self._parts.database.read() as connection:
            found = rows.latest_messages(connection, ROWS + 1, below)
        last = found[ROWS - 1] if len(found) > ROWS else None
        older = f"{last.claimed_at.isoformat()}~{last.id}" if last else None
        return self._show(
            request, "messages.html", tab="messages", messages=found[:ROWS], older=older, first=below is None
        )

    def step(self, request: Request) -> Response:
        """Who stands at a step."""
        campaign, step = request.path_params["campaign"], request.path_params["step"]
        after = request.query_params.get("after", "")
        with self._parts.database.read() as connection:
            found = rows.standing_here(connection, campaign, step, after if ID.fullmatch(after) else "", ROWS + 1)
        further = found[ROWS - 1].contact_id if len(found) > ROWS else None
        return self._show(
            request, "step.html", tab="", campaign=campaign, step=step, people=found[:ROWS], further=further
        )

    def contact(self, request: Request) -> Response:
        """One contact's story."""
        with self._parts.database.read() as connection:
            told = rows.told(connection, _id(request, "contact"))
        if told is None:
            raise HTTPException(404, "There is no such contact.")
        zone = self._zone()
        found = why_contact(self._parts.database, self._parts.releases, told.contact.id, self._parts.now(), zone)
        if found is None:
            raise HTTPException(404, "There is no such contact.")
        every = moments(found.story, told.kept)
        return self._show(
            request, "contact.html", tab="", told=told, found=found, moments=every[:MOST], more=len(every[MOST:])
        )

    def message(self, request: Request) -> Response:
        """A sent email, made again from what was kept of it."""
        contact, message = _id(request, "contact"), _id(request, "message")
        html = kept_html(self._parts, contact, message)
        if html is None:
            raise HTTPException(404, "This email is no longer kept.")
        return self._show(request, "kept.html", tab="", contact=contact, message=message)

    def message_html(self, request: Request) -> Response:
        """The same, for the frame that shows it."""
        html = kept_html(self._parts, _id(request, "contact"), _id(request, "message"))
        if html is None:
            raise HTTPException(404, "This email is no longer kept.")
        return framed(html)

    def outbox(self, request: Request) -> Response:
        """The emails in the outbox, newest first."""
        text = request.query_params.get("page", "1")
        number = min(max(int(text), 1), 100_000) if text.isdecimal() and len(text) < 8 else 1
        found = outbox.entries(self._parts.settings.outbox_dir, ROWS + 1, (number - 1) * ROWS)
        more = len(found) > ROWS
        return self._show(request, "outbox.html", tab="outbox", entries=found[:ROWS], number=number, more=more)

    def sent(self, request: Request) -> Response:
        """An email of the outbox as it looks, as plain text, or as it travelled."""
        show = request.query_params.get("show", "html")
        mail = parse(self._raw(request))
        shown = show if show in TABS else "html"
        return self._show(
            request, "email.html", tab="outbox", message=_id(request, "message"), mail=mail, show=shown, tabs=TABS
        )

    def sent_html(self, request: Request) -> Response:
        """The HTML of an email of the outbox, for the frame that shows it."""
        return framed(parse(self._raw(request)).html)

    def _raw(self, request: Request) -> bytes:
        try:
            return outbox.read(self._parts.settings.outbox_dir, _id(request, "message"))
        except NotFound:
            raise HTTPException(404, "The outbox has no such email.") from None

    def _stages(self) -> dict[str, int]:
        with self._parts.database.read() as connection:
            return rows.stages(connection)

    def _pictures(self) -> list[Picture]:
        try:
            program = self._parts.releases.current().program
        except NotFound:
            return []
        people = self._counts.get("standings", self._standings)
        sent = self._counts.get("sent", self._sent)
        revenue = self._counts.get("revenue", self._revenue)
        with self._parts.database.read() as connection:
            found = trials.every(connection)
        return pictures(program, people, sent, revenue or {}, found)

    def _standings(self) -> list[rows.Standing]:
        with self._parts.database.read() as connection:
            return rows.standings(connection)

    def _sent(self) -> list[rows.Sent]:
        with self._parts.database.read() as connection:
            return rows.sent(connection)

    def _revenue(self) -> dict[str, tuple[int, int]]:
        with self._parts.database.read() as connection:
            return rows.claimed_revenue(connection)

    def _project(self) -> Project | None:
        try:
            return self._parts.releases.current().program.project
        except NotFound:
            return None

    def _zone(self) -> ZoneInfo:
        from nurture.core.zone import zone

        project = self._project()
        return zone(project.timezone if project else "UTC")

    def _show(self, request: Request, template: str, **values: Any) -> Response:
        return self._pages.show(
            template, project=self._project(), zone=self._zone(), now=self._parts.now(),
            session=getattr(request.state, "session", False), **values,
        )  # fmt: skip


def framed(html: str) -> Response:
    """An email for a frame on our own page: it runs nothing, and looking at it records nothing."""
    policy = EMAIL_POLICY.format(frames="'self'").partition("sandbox")[0] + "sandbox"
    return HTMLResponse(quiet(html), headers={"Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN"})


def _id(request: Request, name: str) -> str:
    value: str = request.path_params[name]
    if not ID.fullmatch(value):
        raise HTTPException(404, "There is nothing here.")
    return value


def _below(text: str) -> rows.Place | None:
    """Where a list of messages goes on, as its link says it."""
    at, _, id_ = text.partition("~")
    try:
        claimed_at = datetime.fromisoformat(at)
    except ValueError:
        return None
    return rows.Place(claimed_at, id_) if claimed_at.tzinfo and ID.fullmatch(id_) else None
