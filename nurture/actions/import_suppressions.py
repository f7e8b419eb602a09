"""Suppressions in: addresses that must not be mailed, whether or not they are anybody's yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from nurture.actions.importing import (
    CHUNK,
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
    passed_over,
    read_rows,
)
from nurture.actions.record import record_suppressions
from nurture.core.address import address_key
from nurture.core.contact import clean_line, parse_instant
from nurture.core.event import Suppress, SuppressionReason
from nurture.core.program import Program
from nurture.store.database import Database
from nurture.store.suppressions import known_suppressions

FIELDS = {
    "email": "address e_mail mail eposta e_posta email_address",
    "reason": "type status",
    "at": "occurred_at date time created created_at suppressed_at",
    "source": "",
}
ALIASES = aliased(FIELDS)
OTHER_WORDS = {
    "unsubscribe": SuppressionReason.UNSUBSCRIBED,
    "opt-out": SuppressionReason.UNSUBSCRIBED,
    "bounce": SuppressionReason.BOUNCED,
    "hard bounce": SuppressionReason.BOUNCED,
    "hard_bounce": SuppressionReason.BOUNCED,
    "invalid": SuppressionReason.BOUNCED,
    "complaint": SuppressionReason.COMPLAINED,
    "spam": SuppressionReason.COMPLAINED,
    "spamreport": SuppressionReason.COMPLAINED,
    "spam report": SuppressionReason.COMPLAINED,
}
"""What providers call the reasons in their exports."""


def import_suppressions(database: Database, program: Program, job: Job, now: datetime) -> Summary:
    """Import suppressions; counts new, known and rejected. `now` is aware UTC, and the time of rows that tell none.

    A known suppression keeps its first reason. Raises InputError when the table has no column for addresses.
    """
    check_columns(job, ALIASES, [("email",)])
    summary = Summary.of(job, "new", "known")
    reader = Reader(ALIASES, _takes(program, now), passed_over, job.mapping)
    with Rejects(job, summary) as rejects:
        for chunk in in_chunks(read_rows(job, reader, _finish, rejects), CHUNK):
            summary.counts["rows"] += len(chunk)
            _record(database, program, job, [_entry(said, now) for _, said in chunk], now, summary)
    return summary


def _takes(program: Program, now: datetime) -> dict[str, Take]:
    return {
        "email": _take_address,
        "reason": parsed("reason", parse_reason),
        "at": parsed("at", partial(parse_instant, zone=program.zone, now=now)),
        "source": parsed("source", clean_line),
    }


def _take_address(said: Cells, cell: object) -> None:
    # Not validated further: a suppression of what may be no address costs nothing, a missing one much.
    said["address"] = clean_line(as_text(cell), 300)
    said["key"] = address_key(said["address"])


def parse_reason(text: str) -> SuppressionReason:
    """A reason by its name, or by what providers call it."""
    word = text.lower()
    if word in OTHER_WORDS:
        return OTHER_WORDS[word]
    try:
        return SuppressionReason(word)
    except ValueError:
        raise ValueError(f"{text!r} is not a reason; write one of {', '.join(SuppressionReason)}") from None


def _finish(said: Cells) -> None:
    if "key" not in said:
        raise ValueError("email: is missing")


def _entry(said: Cells, now: datetime) -> Suppress:
    reason = said.get("reason", SuppressionReason.IMPORTED)
    return Suppress(said["address"], reason, said.get("source", "import"), said.get("at", now))


def _record(
    database: Database, program: Program, job: Job, entries: Sequence[Suppress], now: datetime, summary: Summary
) -> None:
    if not job.dry_run:
        recorded = record_suppressions(database, program, entries, now)
        summary.counts.update(new=recorded.new, known=recorded.known)
        return
    keys = {address_key(entry.address) for entry in entries}
    with database.read() as connection:
        known = known_suppressions(connection, sorted(keys))
    summary.counts.update(new=len(keys) - len(known), known=len(entries) - len(keys) + len(known))
