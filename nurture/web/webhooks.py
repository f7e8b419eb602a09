"""What providers tell. A post is answered well only when its facts are committed: else the provider repeats it."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from nurture.actions.record import Recorded, record_facts
from nurture.core.address import address_key
from nurture.core.event import Fact, Kind
from nurture.providers.sendgrid_events import LARGEST_BODY, BadBody, Forged, parse_webhook
from nurture.store import pages as rows
from nurture.store.database import chunks
from nurture.web.bodies import read_body
from nurture.web.site import Parts

logger = logging.getLogger("nurture.web")

LATE = {Kind.BOUNCED, Kind.DROPPED, Kind.COMPLAINED, Kind.UNSUBSCRIBED}
"""Kinds that may come without our ids (delayed bounces do) and are worth finding their message for."""

LATEST = timedelta(days=7)
"""How long after its email such a fact may come."""


class Webhooks:
    """The routes of providers that tell what became of emails."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        """One route for each provider."""
        return [Route("/webhooks/sendgrid", self.sendgrid, methods=["POST"])]

    async def sendgrid(self, request: Request) -> Response:
        """SendGrid's Event Webhook: off without a key, 403 for what SendGrid did not sign."""
        if not self._parts.settings.webhook_keys:
            return PlainTextResponse("This webhook is off: no key is set.\n", 404)
        body = await read_body(request, LARGEST_BODY)
        return await run_in_threadpool(self._take, body, dict(request.headers))

    def _take(self, body: bytes, headers: Mapping[str, str]) -> Response:
        try:
            facts = parse_webhook(body, headers, self._parts.settings.webhook_keys, self._parts.now())
        except Forged:
            logger.warning("action=webhook.forged provider=sendgrid bytes=%d", len(body))
            return PlainTextResponse("Not signed by a key that is known here.\n", 403)
        except BadBody:
            return PlainTextResponse("Not a JSON array of events.\n", 400)
        told = self._record(facts)
        logger.info("action=webhook.recorded new=%d known=%d stray=%d", told.new, told.known, told.stray)
        return PlainTextResponse("Recorded.\n", 200)

    def _record(self, facts: Sequence[Fact]) -> Recorded:
        program, told = self._parts.releases.current().program, Recorded()
        for some in chunks(self._matched(facts)):
            told += record_facts(self._parts.database, program, some, self._parts.now())
        return told

    def _matched(self, facts: Sequence[Fact]) -> list[Fact]:
        """The facts, those without our ids given the last email their address was sent before."""
        facts = [fact if _key(fact) else replace(fact, address=None) for fact in facts]
        late = {n: fact for n, fact in enumerate(facts) if fact.message_id is None and fact.kind in LATE}
        lost = {n: key for n, fact in late.items() if (key := _key(fact))}
        if not lost:
            return facts
        times = [facts[number].occurred_at for number in lost]
        with self._parts.database.read() as connection:
            sent = rows.sent_to(connection, set(lost.values()), min(times) - LATEST, max(times))
        by_address: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)
        for key, contact_id, message_id, at in sorted(sent, key=lambda row: row[3]):
            by_address[key].append((at, contact_id, message_id))
        return [_with_message(fact, by_address.get(lost.get(number, ""), ())) for number, fact in enumerate(facts)]


def _key(fact: Fact) -> str | None:
    """The normalised address; None for what is no address."""
    try:
        return address_key(fact.address or "")
    except ValueError:
        return None


def _with_message(fact: Fact, sent: Sequence[tuple[datetime, str, str]]) -> Fact:
    """The fact with the last of the emails (by time) that left no later than it happened, and not too long before."""
    place = bisect_right(sent, fact.occurred_at, key=lambda row: row[0])
    if not place or sent[place - 1][0] < fact.occurred_at - LATEST:
        return fact
    return replace(fact, contact_id=sent[place - 1][1], message_id=sent[place - 1][2])
