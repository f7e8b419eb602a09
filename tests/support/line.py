"""A whole line to test on: a database, campaigns given as text, people, a clock that is moved by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from textwrap import dedent
from typing import Any

from hypothesis import settings
from sqlalchemy import select

from nurture.actions.check import check_files
from nurture.actions.publish import publish
from nurture.actions.queries import Queries
from nurture.actions.record import (
    Recorded,
    mark,
    record_consents,
    record_facts,
    record_suppressions,
    restage,
    stir,
)
from nurture.actions.record_orders import record_purchases, record_refunds
from nurture.actions.release import Emails, Releases
from nurture.actions.tick import Passed, run_pass, tick
from nurture.core.address import address_key
from nurture.core.coupon import Code
from nurture.core.email import Outgoing
from nurture.core.event import BounceClass, Fact, Kind, Suppress, SuppressionReason
from nurture.core.ids import derived_id
from nurture.core.money import Money
from nurture.core.purchase import Purchase, Refund
from nurture.emails.links import Signer
from nurture.providers.base import Accepted, Outcome
from nurture.store import tables
from nurture.store.coupons import add_codes
from nurture.store.database import Database, insert_all
from nurture.store.horizon import Horizon
from nurture.store.migrate import migrate
from nurture.store.releases import get_meta, set_meta

NIGHTLY = settings.default is not None and settings.default.max_examples > 500
"""Whether `--hypothesis-profile=nightly` asks for the long way of everything."""

MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""Where clocks begin unless told: a Monday, 09:00 in Berlin."""

SALT = "5a17"
"""Who is held out is the same in every run."""

PROJECT = """\
project: Acme Shop
base_url: https://n.acme.example
timezone: UTC
locale: en
currency: EUR
exchange: {TRY: 0.02}
from: {name: Acme Shop, address: hello@mail.acme.example}
postal_address: Acme Ltd, 1 Example Street, Istanbul
topics:
  offers: {title: {en: Offers}}
  orders: {title: {en: Orders}, transactional: true}
"""

CAMPAIGN: Mapping[str, str] = {
    "title": "A campaign",
    "status": "live",
    "topic": "offers",
    "audience": "{stage: [lead, prospect]}",
    "enter": "{look: at once, backfill: yes}",
    "re_enter": "never",
    "goal": "{purchased: {since: entry}, claimed_within: {click: 7 days, email: 3 days}, measured_over: 45 days}",
    "steps": "[{id: hello, send: hello}]",
}
"""The keys every campaign here has, as YAML; `campaign` replaces some."""

BODY = '<p>Hi {{ contact.first_name }} <a href="https://acme.example/go">go</a></p>\n{{ project.postal_address }}\n'
TEMPLATE = "---\nsubject: Hello\n---\n" + BODY + '<a href="{{ links.unsubscribe }}">stop</a>\n'
TEMPLATES = ("hello", "second", "third", "fourth")


def campaign(steps: str = "", **keys: str) -> str:
    """A campaign file; `steps` is a YAML list without its indent, other keys are YAML values."""
    said = {**CAMPAIGN, **keys}
    if steps:
        text = dedent(steps).strip("\n")
        said["steps"] = text if text.startswith("[") else "\n" + text
    return "\n".join(f"{key}: {value}" for key, value in said.items()) + "\n"


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    at: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **length: float) -> datetime:
        self.at += timedelta(**length)
        return self.at


Answer = Callable[[Outgoing], Outcome]


@dataclass
class Ledger:
    """A provider that never forgets what was handed to it, and answers as it is told."""

    clock: Callable[[], datetime] = lambda: MONDAY
    answer: Answer = lambda _: Accepted("ok")
    name: str = "ledger"
    max_batch: int = 500
    handed: list[tuple[datetime, Outgoing]] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)

    def send(self, batch: Sequence[Outgoing], deadline: float) -> list[Outcome]:
        return [self._one(message) for message in batch]

    def _one(self, message: Outgoing) -> Outcome:
        self.handed.append((self.clock(), message))
        outcome = self.answer(message)
        if isinstance(outcome, Accepted):
            self.taken[message.message_id] += 1
        return outcome

    def close(self) -> None:
        pass


@dataclass
class Line:
    """The opened line. `pass_` is one whole pass at the clock's time; facts occur now unless told otherwise."""

    database: Database
    clock: Clock
    provider: Ledger
    files: dict[str, str]
    releases: Releases
    emails: Emails
    queries: Queries
    names: dict[str, str] = field(default_factory=dict)
    _counter: int = 0

    @property
    def program(self) -> Any:
        return self.queries.program

    def publish(self, project: str | None = None, **campaigns: str | None) -> None:
        """Publish changed files; a campaign of None is taken away."""
        if project:
            self.files["nurture.yaml"] = project
        for name, text in campaigns.items():
            path = f"campaigns/{name.replace('_', '-')}.yaml"
            if text is None:
                self.files.pop(path, None)
            else:
                self.files[path] = text
        checked = check_files(self.files)
        assert not checked.errors, "\n".join(map(str, checked.errors))
        self.queries = Queries(publish(self.releases, checked, self.clock()))

    # people

    def add_contact(self, who: str = "ada", *, consents: Sequence[str] = ("offers",), tags: Sequence[str] = (),
                    stage: str | None = None, stated_at: datetime | None = None, **columns: Any) -> str:  # fmt: skip
        """Somebody known since now, or since `signed_up_at`; `stage` states one as an import does."""
        contact_id = columns.pop("id", None) or derived_id("test", who, len(self.names))
        self.names[who] = contact_id
        row = self._contact_row(contact_id, who, columns)
        if stage:
            row |= {"stated_stage": stage, "stated_at": stated_at or row["known_at"]}
        now = self.clock()
        with self.database.write() as connection:
            insert_all(connection, tables.contact, [row])
            key = address_key(row["address"])
            insert_all(connection, tables.contact_address, [{"address_key": key, "contact_id": contact_id}])
            insert_all(connection, tables.consent, [
                {"contact_id": contact_id, "topic": topic, "given": True, "source": "form",
                 "occurred_at": row["known_at"], "recorded_at": now} for topic in consents
            ])  # fmt: skip
            insert_all(connection, tables.contact_tag, [{"contact_id": contact_id, "tag": tag} for tag in tags])
            restage(connection, self.program, [contact_id], now)
            mark(connection, [contact_id], now)
        return contact_id

    def _contact_row(self, contact_id: str, who: str, columns: Mapping[str, Any]) -> dict[str, Any]:
        now = self.clock()
        known = columns.get("known_at") or columns.get("signed_up_at") or now
        return {
            "id": contact_id, "address": f"{who}@example.com", "first_name": who.title(), "last_name": None,
            "locale": "en", "timezone": None, "country": "DE", "source": "newsletter", "signed_up_at": known,
            "known_at": known, "created_at": now, "tracked": True, "attributes": {}, "stated_stage": None,
            "stated_at": None, "stage": "lead", "stage_since": known, "silent_since": known, "unanswered": 0,
            "facts_until": known, "received_count": 0, "purchase_count": 0, "revenue": 0, **columns,
        }  # fmt: skip

    def change(self, who: str, **columns: Any) -> None:
        """Change a contact's columns as an import does, and have it looked at."""
        with self.database.write() as connection:
            connection.execute(tables.contact.update().where(tables.contact.c.id == self.names[who]).values(**columns))
            restage(connection, self.program, [self.names[who]], self.clock())
            stir(connection, [self.names[who]], self.clock())

    def tag(self, who: str, tag: str) -> None:
        with self.database.write() as connection:
            insert_all(connection, tables.contact_tag, [{"contact_id": self.names[who], "tag": tag}])
            mark(connection, [self.names[who]], self.clock())

    def untag(self, who: str, tag: str) -> None:
        kept = tables.contact_tag.c
        with self.database.write() as connection:
            connection.execute(tables.contact_tag.delete().where(kept.contact_id == self.names[who], kept.tag == tag))
            mark(connection, [self.names[who]], self.clock())

    # what comes back

    def fact(self, who: str, kind: Kind, *, at: datetime | None = None, step: str | None = None,
             key: str | None = None, **more: Any) -> Recorded:  # fmt: skip
        """Tell a fact about somebody, or about the message they got for `step`."""
        at = at or self.clock()
        self._counter += 1
        message = self.message(who, step)["id"] if step else None
        key = key or f"{kind} {who} {step} {at.isoformat()} {self._counter}"
        told = Fact(kind, at, "test", key, contact_id=self.names[who], message_id=message, **more)
        return record_facts(self.database, self.program, [told], self.clock())

    def open(self, who: str, step: str | None = None, **more: Any) -> Recorded:
        return self.fact(who, Kind.OPENED, step=step, **more)

    def click(self, who: str, step: str | None = None, **more: Any) -> Recorded:
        return self.fact(who, Kind.CLICKED, step=step, **more)

    def reply(self, who: str, **more: Any) -> Recorded:
        return self.fact(who, Kind.REPLIED, **more)

    def bounce(self, who: str, step: str, bounce: BounceClass = BounceClass.HARD, **more: Any) -> Recorded:
        hard = SuppressionReason.BOUNCED if bounce is BounceClass.HARD else None
        return self.fact(who, Kind.BOUNCED, step=step, bounce=bounce, suppresses=hard, **more)

    def unsubscribe(self, who: str, **more: Any) -> Recorded:
        return self.fact(who, Kind.UNSUBSCRIBED, suppresses=SuppressionReason.UNSUBSCRIBED, **more)

    def suppress(self, address: str, reason: SuppressionReason = SuppressionReason.MANUAL) -> Recorded:
        entry = Suppress(address, reason, "test", self.clock())
        return record_suppressions(self.database, self.program, [entry], self.clock())

    def consent(self, who: str, **topics: bool) -> None:
        record_consents(self.database, self.names[who], topics, "test", self.clock())

    def buy(self, who: str, amount: str = "20", currency: str = "EUR", *, order: str | None = None,
            at: datetime | None = None, **more: Any) -> Recorded:  # fmt: skip
        self._counter += 1
        order = order or f"order-{self._counter}"
        bought = Purchase(order, self.names[who], at or self.clock(), Money.parse(amount, currency), **more)
        return record_purchases(self.database, self.program, [bought], self.clock())

    def bring(self, *codes: str, pool: str = "spring") -> None:
        """Coupon codes come into a pool."""
        with self.database.write() as connection:
            add_codes(connection, pool, map(Code, codes), self.clock())

    def refund(self, order: str, amount: str | None = None, *, refund: str | None = None,
               at: datetime | None = None) -> Recorded:  # fmt: skip
        self._counter += 1
        money = Money.parse(amount, "EUR") if amount else None
        given = Refund(refund or f"refund-{self._counter}", order, at or self.clock(), money)
        return record_refunds(self.database, self.program, [given], self.clock())

    # time

    def pass_(self) -> Passed:
        """One pass at the clock's time."""
        return run_pass(self.database, self.queries, self.emails, self.provider, self.clock)

    def tick(self) -> Passed:
        """One round of every verb."""
        return tick(self.database, self.queries, self.emails, self.provider, self.clock)

    def run(self, *, step: timedelta | None = None, **length: float) -> None:
        """Let time pass, with a pass now, each `step` or else whenever something is due, and one at the end."""
        self.pass_()
        end = self.clock() + timedelta(**length)
        while self.clock() < end:
            due = self.clock() + step if step else self.next_due() or end
            self.clock.at = min(max(due, self.clock() + timedelta(seconds=1)), end)
            self.pass_()

    def next_due(self) -> datetime | None:
        """When anything is due next, if no fact comes in."""
        with self.database.read() as connection:
            return Horizon(self.queries.moving).next(connection)

    # what is there

    def rows(self, table: Any, who: str | None = None, **where: Any) -> list[dict[str, Any]]:
        """The rows of a table, of one contact, that equal what is asked."""
        asked = dict(where) | ({"contact_id": self.names[who]} if who else {})
        statement = select(table).where(*(table.c[name] == value for name, value in asked.items()))
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def contact(self, who: str = "ada") -> dict[str, Any]:
        return self.rows(tables.contact, id=self.names[who])[0]

    def stage(self, who: str = "ada") -> str:
        return str(self.contact(who)["stage"])

    def messages(self, who: str | None = None, **where: Any) -> list[dict[str, Any]]:
        """Messages, in the order in which they were planned."""
        return sorted(self.rows(tables.message, who, **where), key=lambda row: (row["planned_at"], row["id"]))

    def message(self, who: str = "ada", step: str = "hello") -> dict[str, Any]:
        """The latest message somebody was owed for a step."""
        return self.messages(who, step=step)[-1]

    def states(self, who: str = "ada") -> list[tuple[str, str]]:
        """Step and state of somebody's messages."""
        return [(row["step"], row["state"]) for row in self.messages(who)]

    def enrollments(self, who: str | None = None, **where: Any) -> list[dict[str, Any]]:
        """Enrollments, in the order in which they began."""
        return sorted(self.rows(tables.enrollment, who, **where), key=lambda row: (row["entered_at"], row["campaign"]))

    def enrollment(self, who: str = "ada", **where: Any) -> dict[str, Any]:
        """Somebody's latest enrollment."""
        return self.enrollments(who, **where)[-1]

    def reason(self, who: str = "ada", **where: Any) -> str | None:
        """Why somebody's latest enrollment ended; None while it lives."""
        reason: str | None = self.enrollment(who, **where)["reason"]
        return reason

    def why(self, who: str = "ada") -> list[tuple[str, str, str]]:
        """Step, decision and reason, in order, of the latest enrollment."""
        rows = self.rows(tables.decision, who, enrollment_id=self.enrollment(who)["id"])
        return [(row["step"], row["what"], row["why"]) for row in sorted(rows, key=lambda row: row["seq"])]

    def conversions(self, who: str = "ada") -> list[tuple[str, str]]:
        """Order and kind of the conversions that stand."""
        rows = self.rows(tables.conversion, who)
        return sorted((row["order_id"], row["kind"]) for row in rows if row["superseded_at"] is None)

    def changes(self, who: str = "ada") -> list[tuple[str, str, datetime]]:
        """The stage changes that stand: new stage, cause, time."""
        rows = [row for row in self.rows(tables.stage_change, who) if row["superseded_at"] is None]
        return sorted(((row["new"], row["cause"], row["occurred_at"]) for row in rows), key=lambda change: change[2])

    def purchase(self, order: str) -> dict[str, Any]:
        return self.rows(tables.purchase, order_id=order)[0]

    def sent_at(self, who: str = "ada") -> list[tuple[str, datetime]]:
        """Step and time of every hand-over to somebody."""
        return [(one.step, at) for at, one in self.provider.handed if one.contact_id == self.names[who]]


def project_files(project: str, campaigns: Mapping[str, str], templates: Mapping[str, str] = {}) -> dict[str, str]:
    """A project's texts by path."""
    files = {"nurture.yaml": project}
    files |= {f"campaigns/{name}.yaml": text for name, text in campaigns.items()}
    bodies = dict.fromkeys(TEMPLATES, TEMPLATE) | dict(templates)
    return files | {f"templates/emails/{name}.html": text for name, text in bodies.items()}


def open_line(url: str, campaigns: Mapping[str, str], *, project: str = PROJECT, templates: Mapping[str, str] = {},
              at: datetime = MONDAY, provider: Ledger | None = None, clock: Clock | None = None) -> Line:  # fmt: skip
    """Publish the campaigns on the database at `url`, whose tables are made where they are missing."""
    clock = clock or Clock(at)
    files = project_files(project, campaigns, templates)
    checked = check_files(files)
    assert not checked.errors, "\n".join(map(str, checked.errors))
    database = Database(url)
    migrate(database)
    releases = Releases(database)
    with database.write() as connection:
        if get_meta(connection, "salt") is None:
            set_meta(connection, "salt", SALT)
    queries = Queries(publish(releases, checked, clock()))
    provider = provider or Ledger()
    provider.clock = clock
    return Line(database, clock, provider, files, releases, Emails(database, Signer([b"k" * 32])), queries)


@contextmanager
def line(url: str, campaigns: Mapping[str, str] | str = "", **more: Any) -> Iterator[Line]:
    """A line that is closed afterwards; one campaign's text stands for a campaign named `first`."""
    named = {"first": campaigns or campaign()} if isinstance(campaigns, str) else campaigns
    opened = open_line(url, named, **more)
    try:
        yield opened
    finally:
        opened.database.close()
