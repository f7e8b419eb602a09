"""What happened to one person, in order: facts, decisions with what they rested on, messages with what became of
them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.actions.explain import Reason, audience_of, reason_of, rules_of
from nurture.actions.release import Release, Releases
from nurture.core.decide import Arm
from nurture.core.event import Kind
from nurture.core.money import Money
from nurture.core.rules import Rule, held, rested_on
from nurture.core.wording import Words
from nurture.files.rules import Rules, Written
from nurture.store.database import Connection
from nurture.store.entering import Entrance
from nurture.store.standing import KeptQuery

Row = Mapping[str, Any]
ORDER = ("known", "consent", "event", "purchase", "refund", "conversion", "suppressed", "stage", "entered", "decided",
         "email", "left")  # fmt: skip
"""Of what happened at the same instant, this comes before that: causes before what they bring about."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing in the order in which it happened; `at` is aware UTC. `campaign` where it belongs to one.

    A decision and what came of it name where its rule is `written`, and what it rested on (`asked`). `message_id` is
    the email it is about, `machine` what did it where nobody did.
    """

    at: datetime
    what: str
    text: str
    campaign: str | None = None
    written: Written | None = None
    asked: tuple[Reason, ...] = ()
    message_id: str | None = None
    machine: str | None = None


def story(book: Book, known: Mapping[str, Any], decisions: Sequence[Row]) -> list[Happened]:
    """Everything known of a contact, the earliest first; `known` is what `show_contact` tells."""
    happened = [*_facts(known), *_orders(known), *_ways(book, known), *_decisions(book, decisions)]
    for row in known["messages"]:
        happened += _message(row)
    return sorted(happened, key=lambda one: (one.at, ORDER.index(one.what)))


class Book:
    """The rules as every version of them was written, each read once. `zone` is whose clocks the words show."""

    def __init__(self, connection: Connection, releases: Releases, running: Release | None, zone: ZoneInfo) -> None:
        self._connection, self._releases, self.running, self.zone = connection, releases, running, zone
        self._rules: dict[tuple[int, str], Rules] = {}
        self._versions: dict[int, Release | None] = {running.id: running} if running else {}

    def version(self, release_id: int | None) -> Release | None:
        """The release of that id; None where it is not known or can no longer be read."""
        if release_id is None:
            return None
        if release_id not in self._versions:
            self._versions[release_id] = self._releases.of(self._connection, release_id)
        return self._versions[release_id]

    def rules(self, release: Release, campaign: str) -> Rules:
        """Where the rules of a campaign stand in a release."""
        key = (release.id, campaign)
        if key not in self._rules:
            self._rules[key] = rules_of(self._connection, release, campaign)
        return self._rules[key]

    def path(self, release: Release, campaign: str, rule: Rule) -> tuple[str | int, ...]:
        """The path of a rule in the campaign's file."""
        step = self.rules(release, campaign).step(rule.step) if rule.step else ()
        return (*(step or ()), *rule.path)

    def words(self, release: Release, at: datetime) -> Words:
        """The words for what was found at that time."""
        return Words(release.program, at, self.zone)


# --- facts -------------------------------------------------------------------------------------------


def _facts(known: Mapping[str, Any]) -> Iterator[Happened]:
    contact, steps = known["contact"], {row["id"]: row for row in known["messages"]}
    yield Happened(contact["known_at"], "known", f"known, from {contact['source'] or 'somewhere not said'}")
    for row in known["stages"]:
        if row["superseded_at"] is None:
            change = f"{row['old']} → {row['new']}" if row["old"] else row["new"]
            yield Happened(row["occurred_at"], "stage", f"{change}: {row['cause']}")
    for row in known["consents"]:
        given = "permits" if row["given"] else "withdraws"
        yield Happened(row["occurred_at"], "consent", f"{given} {row['topic']} ({row['source']})")
    for row in known["suppressions"]:
        yield Happened(row["occurred_at"], "suppressed", f"not to be mailed: {row['reason']} ({row['source']})")
    for row in known["events"]:
        message = steps.get(row["message_id"], {})
        about = f" {message['campaign']}/{message['step']}" if message else ""
        machine = f", by a machine ({row['machine']})" if row["machine"] else ""
        name = row["name"] if row["kind"] == Kind.CUSTOM else row["kind"]
        text = f"{name}{about}{_link(row)}{machine}"
        yield Happened(row["occurred_at"], "event", text, message.get("campaign"), message_id=row["message_id"],
                       machine=row["machine"])  # fmt: skip


def _link(row: Row) -> str:
    url = (row["detail"] or {}).get("url") if row["kind"] == Kind.CLICKED else None
    return f" ({url})" if url else ""


def _orders(known: Mapping[str, Any]) -> Iterator[Happened]:
    turned = {row["order_id"]: row for row in known["conversions"] if row["superseded_at"] is None}
    currency = {row["order_id"]: row["currency"] for row in known["purchases"]}
    for row in known["purchases"]:
        text = f"bought for {Money(row['amount'], row['currency'])} (order {row['order_id']})"
        if row["order_id"] in turned:
            text += f": {turned[row['order_id']]['kind'].replace('_', ' ')}"
            text += ", reversed since" if turned[row["order_id"]]["reversed_at"] else ""
        if row["campaign"]:
            text += f", claimed by {row['campaign']} ({row['touch']} at {row['touched_at']:%Y-%m-%d %H:%M} UTC)"
        yield Happened(row["occurred_at"], "purchase", text)
    for row in known["refunds"]:
        money = Money(row["amount"], currency[row["order_id"]])
        yield Happened(row["occurred_at"], "refund", f"got {money} back for order {row['order_id']}")


# --- their way through campaigns -----------------------------------------------------------------------


def _ways(book: Book, known: Mapping[str, Any]) -> Iterator[Happened]:
    for row in known["enrollments"]:
        name, begins, release = row["campaign"], row["measured_from"], book.version(row["release_id"])
        written = book.rules(release, name).at("enter") if release else None
        asked = tuple(_entered(book, release, row)) if release else ()
        yield Happened(row["entered_at"], "entered", f"entered {name}{_held_out(row)}", name, written, asked)
        if row["arm"] != Arm.EMAILED and begins and begins > row["entered_at"]:
            yield Happened(begins, "decided", f"held out of {name} from here on", name)
        if row["ended_at"]:
            yield Happened(row["ended_at"], "left", f"left {name}: {row['reason']}", name)


def _entered(book: Book, release: Release, row: Row) -> Iterator[Reason]:
    """What was found of the audience when they entered, where that was kept."""
    course = release.program.courses.get(row["campaign"])
    if course and row["rested_on"]:
        found = Entrance(release.program, course).told(row["rested_on"])
        words = book.words(release, row["entered_at"])
        yield from audience_of(words, course, found, book.rules(release, course.campaign.name))


def _held_out(row: Row) -> str:
    if row["arm"] == Arm.PROJECT:
        return ", held out by the project"
    return ", held out" if row["arm"] == Arm.HOLDOUT and row["measured_from"] == row["entered_at"] else ""


def _decisions(book: Book, decisions: Sequence[Row]) -> Iterator[Happened]:
    for row in decisions:
        name, release = row["campaign"], book.version(row["release_id"])
        course = release.program.courses.get(name) if release else None
        if release is None or course is None:
            yield Happened(row["at"], "decided", _decided(row), name)
            continue
        rule = rested_on(course, row["step"], row["what"], row["why"])
        rules = book.rules(release, name)
        path = book.path(release, name, rule) if rule else rules.step(row["step"]) or ("steps",)
        asked = _asked(book, release, rule, path, row) if rule else ()
        yield Happened(row["at"], "decided", _decided(row), name, rules.at(*path), asked)


def _asked(book: Book, release: Release, rule: Rule, path: tuple[str | int, ...], row: Row) -> tuple[Reason, ...]:
    """What the decision rested on, where that was kept."""
    if not row["rested_on"]:
        return ()
    query = KeptQuery(release.program.project, rule.condition)
    found = query.told(row["rested_on"], held(rule, row["what"], row["why"]))
    if found is None:
        return ()
    rules = book.rules(release, row["campaign"])
    return (reason_of(book.words(release, row["at"]), found, rule.name, rules, *path),)


def _decided(row: Row) -> str:
    text = f"{row['campaign']}/{row['step']}: {row['what']}, {row['why']}"
    if row["to_step"]:
        text += f" → {row['to_step']}"
    word = "due" if row["what"] == "send" else "until"
    return text + (f" ({word} {row['until']:%Y-%m-%d %H:%M} UTC)" if row["until"] else "")


def _message(row: Row) -> Iterator[Happened]:
    name, email, shown = row["campaign"], f"email {row['campaign']}/{row['step']}", row["id"]
    if row["claimed_at"]:
        again = ", once more by policy" if row["resent_by_policy"] else ""
        tries = f", attempt {row['attempts']}" if row["attempts"] > 1 else ""
        variant = f", variant {row['variant']}" if row["variant"] else ""
        subject = f' "{row["subject"]}"' if row["subject"] else ""
        text = f"{email}{subject}: handed over{variant}{tries}{again}"
        yield Happened(row["claimed_at"], "email", text, name, message_id=shown)
    reason = f" ({row['reason']})" if row["reason"] else ""
    at = row["accepted_at"] or row["settled_at"] or row["claimed_at"] or row["planned_at"]
    yield Happened(at, "email", f"{email}: {row['state']}{reason}", name, message_id=shown)
