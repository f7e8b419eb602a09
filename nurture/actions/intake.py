"""Rows that another program sends: the same code as the imports, told row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.actions import import_contacts, import_events, import_purchases, import_suppressions
from nurture.actions.importing import Job, Summary
from nurture.core.program import Program
from nurture.emails.links import Signer
from nurture.files.tabular import Given
from nurture.store.database import Database

MOST_ROWS = 1000
"""Rows in one request."""

Importing = Callable[[Database, Program, Job, datetime], Summary]


@dataclass(frozen=True, slots=True)
class Kind:
    """What may be sent: the import that takes it, and the import's fields."""

    take: Importing
    fields: Mapping[str, str]


KINDS: Mapping[str, Kind] = {
    "contacts": Kind(import_contacts.import_contacts, import_contacts.FIELDS),
    "purchases": Kind(import_purchases.import_purchases, import_purchases.FIELDS),
    "events": Kind(import_events.import_events, import_events.FIELDS),
    "suppressions": Kind(import_suppressions.import_suppressions, import_suppressions.FIELDS),
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of rows: the import's counts, and why rows were refused, by their place from 0."""

    counts: Mapping[str, int]
    refused: Mapping[int, str]


def take_rows(database: Database, program: Program, kind: str, values: Sequence[Any], now: datetime,
              signer: Signer | None = None) -> Taken:  # fmt: skip
    """Take in rows as an import of `kind` would: good ones go in, whatever the others are. `now` is aware UTC;
    `signer` reads referral codes.

    Taking the same rows again changes nothing.
    """
    job = Job(Given.of(values), shown=len(values), bulk=False, signer=signer)
    summary = KINDS[kind].take(database, program, job, now)
    return Taken(dict(summary.counts), {one.line: one.reason for one in summary.first_rejects})
