"""A project with an open database that takes files in and shows all its rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from nurture.actions.import_contacts import import_contacts
from nurture.actions.import_events import import_events
from nurture.actions.import_purchases import import_purchases
from nurture.actions.import_suppressions import import_suppressions
from nurture.actions.importing import Job, Summary
from nurture.core.program import Program
from nurture.core.project import Project
from nurture.files.tabular import open_table
from nurture.store.database import Database
from nurture.store.tables import metadata

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACTIONS: dict[str, Callable[..., Summary]] = {
    "contacts": import_contacts,
    "purchases": import_purchases,
    "events": import_events,
    "suppressions": import_suppressions,
}
PROJECT = {
    "project": "Acme",
    "base_url": "https://n.acme.example",
    "timezone": "Europe/Istanbul",
    "currency": "EUR",
    "exchange": {"TRY": "0.02"},
    "from": {"name": "Acme", "address": "hello@acme.example"},
    "postal_address": "1 Example Street",
    "topics": {
        "offers": {"title": {"en": "Offers", "tr": "Fırsatlar"}},
        "stories": {"title": {"en": "Stories"}},
        "orders": {"title": {"en": "Orders"}, "transactional": True},
    },
    "lifecycle": {"inactive": {"after": "90 days", "delivered": 4}, "customer_for": "365 days"},
    "score": {"half_life": "30 days", "points": {"purchased": 25}},
}


class Shop:
    """A project with its database; imports text as if it had come in a file."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.program = Program.of(Project.model_validate(PROJECT), [])
        self.now = NOW

    def take(self, what: str, text: str | bytes, name: str = "file.csv", **options: Any) -> Summary:
        """Import `what` from the text of a file."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        job = Job(open_table(path), reject_path=self.folder / "rejected", **options)
        return ACTIONS[what](self.database, self.program, job, self.now)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table, in the order of its key."""
        found = metadata.tables[table]
        with self.database.read() as connection:
            statement = select(found).order_by(*found.primary_key.columns)
            return [dict(row) for row in connection.execute(statement).mappings()]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table."""
        return {name: self.rows(name) for name in metadata.tables}

    def contact(self, address: str) -> dict[str, Any]:
        """The contact with that very address."""
        return next(row for row in self.rows("contact") if row["address"] == address)

    @property
    def rejected(self) -> str:
        """What was written to the reject file."""
        return (self.folder / "rejected").read_text(encoding="utf-8")
