"""A real project with a database, two people, the emails they were sent, and a server: what web tests stand on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from sqlalchemy import Connection, select

from nurture.actions.check import Checked, check
from nurture.actions.publish import publish
from nurture.actions.release import Release
from nurture.actions.values import template_values
from nurture.config import read_settings
from nurture.core.address import address_key
from nurture.core.email import Mailbox, Outgoing
from nurture.core.ids import derived_id
from nurture.emails.fill import Envelope
from nurture.emails.links import PATHS, Purpose
from nurture.files.folder import scan
from nurture.providers.outbox import Outbox
from nurture.scaffold import init
from nurture.store import tables
from nurture.store.database import insert_all
from nurture.web.app import make_app
from nurture.web.recorder import Recorder
from nurture.web.server import ServerThread
from nurture.wiring import Opened

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SENT = BEGIN + timedelta(hours=1)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
KEY = "00112233445566778899aabbccddeeff" * 2


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    at: datetime = BEGIN + timedelta(days=1)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, by: timedelta) -> None:
        self.at += by


@dataclass
class Ground:
    """The opened project, its clock, and who is in it."""

    opened: Opened
    clock: Clock
    release: Release
    people: dict[str, tuple[str, str]] = field(default_factory=dict)
    server: ServerThread | None = None
    recorder: Recorder | None = None

    def path(self, purpose: Purpose, who: str = "ada", **more: Any) -> str:
        """The path of a link in the email that person was sent."""
        contact_id, message_id = self.people[who]
        before, after = PATHS[purpose]
        return before + self.opened.signer.token(purpose, contact_id, message_id, **more) + after

    def rows(self, name: str, **where: Any) -> list[Mapping[str, Any]]:
        """The rows of a table that equal what is asked."""
        table = tables.metadata.tables[name]
        statement = select(table).where(*(table.c[column] == value for column, value in where.items()))
        with self.opened.database.read() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def events(self, kind: str, who: str = "ada") -> list[Mapping[str, Any]]:
        """What was recorded of a person, once everything is written."""
        assert self.recorder
        self.recorder.flush()
        return self.rows("event", contact_id=self.people[who][0], kind=kind)

    def person(self, who: str = "ada") -> Mapping[str, Any]:
        """The contact's row."""
        return self.rows("contact", id=self.people[who][0])[0]

    def message(self, who: str = "ada") -> Mapping[str, Any]:
        """The row of the message that person was sent."""
        return self.rows("message", id=self.people[who][1])[0]

    def add(self, who: str, **changes: Any) -> None:
        """Somebody who was sent the first email of the wake-up campaign."""
        contact_id = derived_id("contact", who)
        contact = {**_contact(contact_id, who), **changes}
        enrollment = derived_id("enrollment", who)
        message_id = derived_id("message", who)
        self.people[who] = (contact_id, message_id)
        with self.opened.database.write() as connection:
            insert_all(connection, tables.contact, [contact])
            key = address_key(contact["address"])
            insert_all(connection, tables.contact_address, [{"address_key": key, "contact_id": contact_id}])
            insert_all(connection, tables.consent, [_consent(contact_id, topic) for topic in ("offers", "stories")])
            insert_all(connection, tables.enrollment, [_enrollment(contact_id, enrollment, self.release.id)])
            self._send(connection, contact, enrollment, message_id)

    def _send(self, connection: Connection, contact: Mapping[str, Any], enrollment: str, message_id: str) -> None:
        campaign = self.release.program.courses["wake-up"].campaign
        digest = self.release.email("wake-up", "miss-you", contact["locale"])
        filler = self.opened.emails.filler(digest)
        values = template_values(campaign, contact, None, contact["timezone"] or "UTC")
        stream = filler.render(values)
        recipient = Mailbox(contact["first_name"], contact["address"])
        email = filler.email(stream, Envelope(contact["id"], message_id, recipient, SENT, tracked=True))
        outbox = Outbox(self.opened.settings.outbox_dir, lambda: SENT)
        outbox.send([Outgoing(message_id, contact["id"], "wake-up", "miss-you", email)], monotonic() + 60)
        outbox.close()
        row = _message(contact["id"], message_id, enrollment) | {"email_digest": digest, "subject": email.subject}
        insert_all(connection, tables.message, [row])
        kept = {"contact_id": contact["id"], "message_id": message_id, "day": 0, "kid": self.opened.signer.kid,
                "recipient_name": recipient.name, "recipient_address": recipient.address, "tracked": True,
                "stream": stream}  # fmt: skip
        insert_all(connection, tables.kept_email, [kept])


def _contact(contact_id: str, who: str) -> dict[str, Any]:
    return {
        "id": contact_id, "address": f"{who}@example.com", "first_name": who.title(), "last_name": "Example",
        "locale": "en", "timezone": "Europe/London", "country": "GB", "source": "newsletter", "signed_up_at": BEGIN,
        "known_at": BEGIN, "created_at": BEGIN, "tracked": True, "attributes": {}, "stage": "lead",
        "stage_since": BEGIN, "silent_since": BEGIN, "unanswered": 1, "facts_until": SENT, "received_count": 1,
        "last_received_at": SENT, "purchase_count": 0, "revenue": 0,
    }  # fmt: skip


def _consent(contact_id: str, topic: str) -> dict[str, Any]:
    return {"contact_id": contact_id, "topic": topic, "given": True, "source": "import", "occurred_at": BEGIN,
            "recorded_at": BEGIN}  # fmt: skip


def _enrollment(contact_id: str, id_: str, release: int) -> dict[str, Any]:
    return {
        "contact_id": contact_id, "id": id_, "campaign": "wake-up", "entry_key": "", "ordinal": 1,
        "release_id": release, "arm": "emailed", "exclusive": True, "state": "live", "step": "pause",
        "entered_at": BEGIN, "measured_from": BEGIN, "arrived_at": SENT, "due_at": SENT + timedelta(days=3),
        "why": "wait 3 days",
    }  # fmt: skip


def _message(contact_id: str, id_: str, enrollment: str) -> dict[str, Any]:
    return {
        "contact_id": contact_id, "id": id_, "enrollment_id": enrollment, "campaign": "wake-up", "step": "miss-you",
        "state": "accepted", "planned_at": BEGIN, "expires_at": BEGIN + timedelta(days=3), "attempts": 1, "fence": 1,
        "claimed_at": SENT, "settled_at": SENT, "accepted_at": SENT, "provider": "outbox", "resent_by_policy": False,
    }  # fmt: skip


_seen: list[Checked] = []


def _checked(folder: Path) -> Checked:
    """The shipped files as they are checked; once in a run, because it takes a second."""
    if not _seen:
        _seen.append(check(folder))
    assert _seen[0].loaded.files == scan(folder)[0]
    return _seen[0]


@contextmanager
def ground(folder: Path, url: str, **environment: str) -> Iterator[Ground]:
    """A published project on an empty database, with Ada (English) and Deniz (Turkish)."""
    init(folder, BEGIN.date())
    said = {"NURTURE_SECRET_KEY": KEY, "NURTURE_DATABASE": url, **environment}
    clock = Clock()
    opened = Opened(folder, read_settings(folder, said), clock)
    here = Ground(opened, clock, publish(opened.releases, _checked(folder), BEGIN))
    here.add("ada")
    here.add("deniz", locale="tr", country="TR", timezone="Europe/Istanbul")
    try:
        yield here
    finally:
        opened.database.close()


@contextmanager
def served(folder: Path, url: str, **environment: str) -> Iterator[tuple[Ground, httpx.Client]]:
    """The same, with a server and a browser-like client that follows no redirect."""
    with ground(folder, url, **environment) as here:
        app = make_app(here.opened)
        with ServerThread(app) as server, httpx.Client(base_url=server.url, headers={"User-Agent": BROWSER}) as client:
            here.server, here.recorder = server, app.state.recorder
            yield here, client
