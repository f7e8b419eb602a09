"""Events in: what another system saw contacts do, or happen to their emails, as if it had been told at the time.

A kind that is none of nurture's is an event of the project's own, like `checkout_started`; its further columns are its
fields, by which campaigns ask for it.
Opens and clicks with a user agent are judged by the same rules as our own; without one they are taken for human,
since whoever exports them has judged already. Telling an event twice, in whatever file, records it once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from typing import Any

from nurture.actions.import_purchases import parse_items
from nurture.actions.importing import (
    Cells,
    Job,
    Reader,
    Rejects,
    Summary,
    Take,
    aliased,
    as_text,
    check_columns,
    in_chunks,
    parsed,
    read_rows,
    take_address,
)
from nurture.actions.record import FUTURE, record_facts
from nurture.core.contact import attribute_value, clean_line, clean_text, parse_id, parse_instant, plain_value
from nurture.core.event import BounceClass, Fact, Kind, SuppressionReason
from nurture.core.machine import verdict
from nurture.core.program import Program
from nurture.files.tabular import Row
from nurture.store import contacts as store
from nurture.store.database import BATCH, Database
from nurture.store.suppressions import contacts_by_address

FIELDS = {
    "kind": "event type",
    "email": "address e_mail mail eposta e_posta email_address",
    "contact_id": "",
    "message_id": "",
    "at": "occurred_at date time timestamp",
    "url": "link",
    "user_agent": "agent",
    "name": "form",
    "bounce": "bounce_class",
    "topic": "",
}
ALIASES = aliased(FIELDS)
AMOUNT = re.compile(r"\d{1,15}\.\d{1,4}")
KINDS = {
    "opened": Kind.OPENED, "open": Kind.OPENED,
    "clicked": Kind.CLICKED, "click": Kind.CLICKED,
    "replied": Kind.REPLIED, "reply": Kind.REPLIED,
    "form": Kind.FORM,
    "bounced": Kind.BOUNCED, "bounce": Kind.BOUNCED,
    "complained": Kind.COMPLAINED, "complaint": Kind.COMPLAINED, "spamreport": Kind.COMPLAINED,
    "unsubscribed": Kind.UNSUBSCRIBED, "unsubscribe": Kind.UNSUBSCRIBED,
    "delivered": Kind.DELIVERED,
}  # fmt: skip
EVENT = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
NAMES = ("opened", "clicked", "replied", "form", "bounced", "complained", "unsubscribed", "delivered")
SUPPRESSES = {Kind.COMPLAINED: SuppressionReason.COMPLAINED, Kind.UNSUBSCRIBED: SuppressionReason.UNSUBSCRIBED}
Read = tuple[Row, Cells]


def import_events(database: Database, program: Program, job: Job, now: datetime) -> Summary:
    """Import events of known contacts; counts new, known and rejected. `now` is aware UTC.

    Raises InputError when the table lacks the columns for kind, contact or time.
    """
    check_columns(job, ALIASES, [("kind",), ("email", "contact_id", "message_id"), ("at",)])
    summary = Summary.of(job, "new", "known")
    reader = Reader(ALIASES, _takes(program, now), _detail, job.mapping)
    with Rejects(job, summary) as rejects:
        for chunk in in_chunks(read_rows(job, reader, _finish, rejects), BATCH):
            summary.counts["rows"] += len(chunk)
            facts = _facts(database, chunk, rejects)
            if job.dry_run:
                known = store.known_facts(database, facts)
                summary.counts.update(new=len(facts) - known, known=known)
            else:
                recorded = record_facts(database, program, facts, now)
                summary.counts.update(new=recorded.new, known=recorded.known)
    return summary


# --- what a row says -------------------------------------------------------------------------------------


def _takes(program: Program, now: datetime) -> dict[str, Take]:
    return {
        "kind": partial(_take_kind, program),
        "email": take_address,
        "contact_id": parsed("contact_id", parse_id),
        "message_id": parsed("message_id", parse_id),
        "at": parsed("at", partial(parse_instant, zone=program.zone, now=now + FUTURE)),
        "url": parsed("url", clean_text),
        "user_agent": parsed("user_agent", clean_text),
        "name": parsed("name", partial(clean_line, limit=64)),
        "bounce": parsed("bounce", parse_bounce),
        "topic": parsed("topic", partial(parse_topic, program)),
    }


def _detail(name: str, typed: bool) -> Take:
    """Reads a further column into the event's detail."""

    def take(said: Cells, cell: Any) -> None:
        said.setdefault("detail", {})[name] = attribute_value(cell) if typed else _plain(name, as_text(cell))

    return take


def _plain(name: str, text: str) -> int | float | bool | str:
    """A cell as a field. A `total` is a sum of money, and a number however many zeros it ends with."""
    value = plain_value(text)
    return float(text) if name == "total" and isinstance(value, str) and AMOUNT.fullmatch(text) else value


def _take_kind(program: Program, said: Cells, cell: Any) -> None:
    text = as_text(cell).strip().lower()
    said["kind"] = KINDS.get(text, Kind.CUSTOM)
    if said["kind"] is Kind.CUSTOM:
        said["event"] = parse_event(text, program.asked_events)


def parse_event(text: str, asked: frozenset[str] = frozenset()) -> str:
    """The name of an event of the project's own; one of `asked`, for which campaigns ask, is right in any case."""
    near = None if text in asked else next(iter(get_close_matches(text, KINDS, 1, 0.8)), None)
    if near:
        raise ValueError(f"{text!r} is not a kind of event; did you mean {near}?")
    if not EVENT.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a kind of event; write one of {', '.join(NAMES)}, or the name of an event of your own, "
            "like checkout_started"
        )
    return text


def parse_bounce(text: str) -> BounceClass:
    """What a bounce says about whom."""
    try:
        return BounceClass(text.lower())
    except ValueError:
        raise ValueError(f"{text!r} is not a class of bounce; write one of {', '.join(BounceClass)}") from None


def parse_topic(program: Program, text: str) -> str:
    """A topic of the project."""
    if text not in program.project.topics:
        raise ValueError(f"{text!r} is not a topic of nurture.yaml; write one of {', '.join(program.project.topics)}")
    return text


def _finish(said: Cells) -> None:
    for name in ("kind", "at"):
        if name not in said:
            raise ValueError(f"{name}: is missing")
    if not said.keys() & {"key", "contact_id", "message_id"}:
        raise ValueError("email: is missing, and so are contact_id and message_id")
    if said["kind"] is Kind.CUSTOM:
        _own_fields(said)
    if said["kind"] is Kind.FORM and "name" not in said:
        raise ValueError("name: is missing; a form has one")


def _own_fields(said: Cells) -> None:
    """Put what an event of the project's own tells into its fields. Raises ValueError for items that are none."""
    fields = said.setdefault("detail", {})
    for name in ("name", "url", "topic"):
        if name in said:
            fields[name] = said.pop(name)
    if isinstance(items := fields.get("items"), str) and items.startswith("["):
        fields["items"] = list(parse_items(items))


# --- rows to facts ---------------------------------------------------------------------------------------


def _facts(database: Database, chunk: Sequence[Read], rejects: Rejects) -> list[Fact]:
    with database.read() as connection:
        owners = contacts_by_address(connection, sorted({said["key"] for _, said in chunk if "key" in said}))
        ids = store.existing_ids(connection, (said["contact_id"] for _, said in chunk if "contact_id" in said))
        messages = store.contacts_of_messages(connection, (said.get("message_id", "") for _, said in chunk))
    facts: list[Fact] = []
    for row, said in chunk:
        try:
            facts.append(_fact(said, _owner(said, owners, ids, messages), messages))
        except ValueError as error:
            rejects.add(row, str(error))
    return facts


def _owner(
    said: Cells, owners: Mapping[str, str], ids: set[str], messages: Mapping[str, tuple[str, datetime | None]]
) -> str:
    """The contact of a row. Raises ValueError when it is unknown, or the row names two."""
    found: dict[str, str] = {}
    if "message_id" in said:
        if said["message_id"] not in messages:
            raise ValueError(f"message_id: no message has the id {said['message_id']}")
        found["message_id"] = messages[said["message_id"]][0]
    if "contact_id" in said:
        if said["contact_id"] not in ids:
            raise ValueError(f"contact_id: no contact has the id {said['contact_id']}")
        found["contact_id"] = said["contact_id"]
    if "key" in said and not found:
        if said["key"] not in owners:
            raise ValueError(f"email: {said['address']} is no contact's; import the contact first")
        found["email"] = owners[said["key"]]
    if len(set(found.values())) > 1:
        raise ValueError("message_id: this message went to another contact than contact_id says")
    return next(iter(found.values()))


def _fact(said: Cells, owner: str, messages: Mapping[str, tuple[str, datetime | None]]) -> Fact:
    kind: Kind = said["kind"]
    message_id, at = said.get("message_id"), said["at"]
    sent_at = messages[message_id][1] if message_id else None
    judged = verdict(kind, said["user_agent"], at, sent_at, link=said.get("url")) if "user_agent" in said else None
    topic = said.get("topic") if kind is Kind.UNSUBSCRIBED else None
    suppresses = None if topic else SUPPRESSES.get(kind)
    bounce = said.get("bounce", BounceClass.HARD) if kind is Kind.BOUNCED else None
    if bounce is BounceClass.HARD:
        suppresses = SuppressionReason.BOUNCED
    detail = {name: said[name] for name in ("url", "user_agent") if name in said} | said.get("detail", {})
    name = said["event"] if kind is Kind.CUSTOM else said.get("name")
    parts: tuple[str, ...] = (kind, owner, message_id or "", at.isoformat(), said.get("url", ""), name or "")
    if kind is Kind.CUSTOM:
        parts = (*parts, json.dumps(detail, sort_keys=True))
    return Fact(
        kind, at, "import", "\x1f".join(("import", *parts)), contact_id=owner, message_id=message_id, machine=judged,
        url=said.get("url"), topic=topic, name=name, bounce=bounce, suppresses=suppresses, detail=detail,
    )  # fmt: skip
