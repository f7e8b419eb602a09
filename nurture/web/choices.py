"""What a person decides: to hear nothing more, or what to hear. GET shows, POST acts, and no login is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nurture.actions.record import record_consents
from nurture.actions.resubscribe import resubscribe
from nurture.core.event import SuppressionReason
from nurture.core.project import Project
from nurture.emails.links import Purpose, Ref
from nurture.store import pages as rows
from nurture.store.pages import Chooser
from nurture.web import recording
from nurture.web.bodies import FORM_BYTES, read_body, read_form
from nurture.web.public import Public, agent, committed
from nurture.web.words import words

OWN_WILL = {SuppressionReason.UNSUBSCRIBED, SuppressionReason.COMPLAINED}
"""Reasons after which an unsubscribe tells nothing new."""


class Choices:
    """The unsubscribe and preference pages."""

    def __init__(self, public: Public) -> None:
        self._public = public
        self._parts = public.parts

    def routes(self) -> list[Route]:
        """Where the tokens of these purposes lead."""
        return [
            Route("/u/{token:path}", self.ask, methods=["GET"]),
            Route("/u/{token:path}", self.unsubscribe, methods=["POST"]),
            Route("/p/{token:path}", self.preferences, methods=["GET"]),
            Route("/p/{token:path}", self.choose, methods=["POST"]),
            Route("/a/{token:path}", self.offer, methods=["GET"]),
            Route("/a/{token:path}", self.agree, methods=["POST"]),
        ]

    def ask(self, request: Request) -> Response:
        """Ask whether to unsubscribe; changes nothing, since scanners fetch every link."""
        ref = self._public.read(Purpose.UNSUBSCRIBE, request)
        return self._show("unsubscribe.html", ref, "") if ref else self._public.missing

    async def unsubscribe(self, request: Request) -> Response:
        """Unsubscribe from everything, and answer once that is committed (RFC 8058).

        Whatever form the body has, the POST is the wish; a repeated one is answered alike.
        """
        await read_body(request, FORM_BYTES)
        ref = self._public.read(Purpose.UNSUBSCRIBE, request)
        if ref is None:
            return self._public.missing
        return await self._stop(ref, request)

    def preferences(self, request: Request) -> Response:
        """Show what may be chosen."""
        ref = self._public.read(Purpose.PREFERENCES, request)
        return self._show("preferences.html", ref, "") if ref else self._public.missing

    async def choose(self, request: Request) -> Response:
        """Save what was chosen, or unsubscribe from everything."""
        form = await read_form(request)
        ref = self._public.read(Purpose.PREFERENCES, request)
        if ref is None:
            return self._public.missing
        if form.get("do") == "unsubscribe":
            return await self._stop(ref, request)
        # An empty post, as scanners send, must not read as "nothing is ticked".
        acts = {"save": self._save, "subscribe": self._subscribe}
        return await run_in_threadpool(acts.get(form.get("do", ""), self._look), ref, form)

    def offer(self, request: Request) -> Response:
        """Ask for the consent that the link is about; changes nothing, since scanners fetch every link."""
        ref = self._public.read(Purpose.CONFIRM, request)
        return self._show("confirm.html", ref, "") if ref else self._public.missing

    async def agree(self, request: Request) -> Response:
        """Give the consent that the link is about, once the button was pressed: an empty post says nothing."""
        form = await read_form(request)
        ref = self._public.read(Purpose.CONFIRM, request)
        if ref is None:
            return self._public.missing
        if form.get("do") != "confirm":
            return await run_in_threadpool(self._show, "confirm.html", ref, "")
        return await run_in_threadpool(self._confirm, ref)

    def _confirm(self, ref: Ref) -> Response:
        person, project = self._person(ref), self._public.project()
        if person is None or project is None:
            return self._public.missing
        given = {name: True for name in _asked(ref, project) if not person.consents.get(name)}
        program = self._parts.releases.current().program
        record_consents(self._parts.database, ref.contact_id, given, "confirmed", self._parts.now(), program)
        return self._show("confirmed.html", ref, "")

    def _look(self, ref: Ref, _form: Mapping[str, str]) -> Response:
        return self._show("preferences.html", ref, "")

    async def _stop(self, ref: Ref, request: Request) -> Response:
        person = await run_in_threadpool(self._person, ref)
        if person and person.stopped not in OWN_WILL:
            fact = recording.unsubscribed(ref, agent(request), self._parts.now())
            if not await committed(self._public.recorder.submit(fact)):
                return await run_in_threadpool(self._public.notice, "busy", person.locale, 503)
        return await run_in_threadpool(self._show, "unsubscribed.html", ref, "")

    def _save(self, ref: Ref, form: Mapping[str, str]) -> Response:
        person, project = self._person(ref), self._public.project()
        if person is None or project is None:
            return self._public.missing
        changes = {n: given for n, given in _choices(project, form).items() if person.consents.get(n) is not given}
        self._measure(ref, person, "tracked" in form)
        program = self._parts.releases.current().program
        record_consents(self._parts.database, ref.contact_id, changes, "preference page", self._parts.now(), program)
        return self._show("preferences.html", ref, "saved")

    def _subscribe(self, ref: Ref, form: Mapping[str, str]) -> Response:
        """Lift an unsubscribe of the person's own, for the topics that are ticked."""
        person, project = self._person(ref), self._public.project()
        if person is None or project is None:
            return self._public.missing
        choices = _choices(project, form)
        if not resubscribe(self._parts.database, ref.contact_id, choices, self._parts.now()):
            return self._show("preferences.html", ref, "" if any(choices.values()) else "again_none")
        self._measure(ref, person, "tracked" in form)
        return self._show("preferences.html", ref, "again_done")

    def _measure(self, ref: Ref, person: Chooser, tracked: bool) -> None:
        if tracked is not person.tracked:
            with self._parts.database.write() as connection:
                rows.set_tracked(connection, ref.contact_id, tracked)

    def _person(self, ref: Ref) -> Chooser | None:
        with self._parts.database.read() as connection:
            return rows.chooser(connection, ref.contact_id)

    def _show(self, template: str, ref: Ref, said: str) -> Response:
        person, project = self._person(ref), self._public.project()
        if person is None or project is None:
            return self._public.missing
        text = words(person.locale, project.locale)
        filled = {
            name: words_.format(project=project.project, address=masked(person.address), reply_to=reply_to(project))
            for name, words_ in text.items()
        }
        token = self._parts.signer.token(Purpose.PREFERENCES, ref.contact_id, ref.message_id)
        topics = _topics(project, person, text["language"])
        return self._public.pages.show(
            template, words=filled, project=project.project, person=person, topics=topics,
            said=text[said] if said else "", asked=_asked(ref, project), preferences=f"../p/{token}",
            own=person.stopped == SuppressionReason.UNSUBSCRIBED,
        )  # fmt: skip


def _choices(project: Project, form: Mapping[str, str]) -> dict[str, bool]:
    """Which of the topics that are a choice are ticked."""
    return {name: f"topic-{name}" in form for name, topic in project.topics.items() if not topic.transactional}


def _asked(ref: Ref, project: Project) -> list[str]:
    """The topics that a link asks for, of those that are still a choice."""
    return [one for one in (ref.url or "").split(",") if one in project.topics and not project.transactional(one)]


def _topics(project: Project, person: Chooser, language: str) -> list[dict[str, Any]]:
    """What may be chosen, as the page shows it."""
    return [
        {
            "name": name,
            "title": topic.title.get(language) or next(iter(topic.title.values())),
            "always": topic.transactional,
            "given": person.consents.get(name, False),
        }
        for name, topic in project.topics.items()
    ]


def reply_to(project: Project) -> str:
    """Where a person can write to."""
    return project.reply_to or project.from_.address


def masked(address: str) -> str:
    """Enough of an address for its owner to know it, too little for whoever an email was forwarded to."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***{at}{domain}" if at else "***"
