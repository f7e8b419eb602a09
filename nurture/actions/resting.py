"""What decisions rest on is kept with them, since nobody can tell afterwards what was known at the time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nurture.actions.queries import Version
from nurture.core.rules import leaving
from nurture.store.database import Connection


def keep_exits(
    connection: Connection, version: Version, decisions: Sequence[dict[str, Any]], now: datetime
) -> None:
    """Write into the rows of decisions, made as of `now` (aware UTC) in this transaction, what was found of the goal or
    the condition on which somebody leaves. What a step asks comes with its answer."""
    exits = [row for row in decisions if row["what"] == "exit"]
    if not exits:
        return
    for rule in leaving(version.course.campaign):
        rows = [row for row in exits if row["why"] == rule.name]
        if rows:
            keys = [(row["contact_id"], row["enrollment_id"]) for row in rows]
            found = version.kept(rule).ask(connection, keys, now)
            for row in rows:
                row["rested_on"] = found.get(row["enrollment_id"])
