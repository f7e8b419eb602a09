"""What an enrollment is when it begins, however it came about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from nurture.actions.release import Release
from nurture.core.decide import Arm
from nurture.core.experiment import arm_in
from nurture.core.ids import enrollment_id
from nurture.core.program import Course
from nurture.store import entering
from nurture.store.database import Connection
from nurture.store.enrollments import LIVE
from nurture.store.entering import Entrance

LATE = timedelta(hours=12)
"""Somebody this much later than planned enters as of now: what they did meanwhile they did before they entered."""


def entry_row(
    release: Release,
    course: Course,
    contact_id: str,
    entered_at: datetime,
    due_at: datetime,
    *,
    key: str = "",
    ordinal: int = 0,
    arrived_at: datetime | None = None,
    event_id: str | None = None,
) -> dict[str, Any]:
    """The row of an enrollment that is first decided at `due_at`; its steps are timed from `arrived_at`. Aware UTC.

    Its id derives from contact, campaign, entry key and how many there were before on that occasion.
    """
    campaign = course.campaign
    arm = arm_in(course, release.program.project, release.salt, contact_id)
    begins = arrived_at or entered_at
    measured = {None: entered_at, course.first: begins}.get(campaign.holdout.from_)
    return {
        "contact_id": contact_id, "id": enrollment_id(contact_id, campaign.name, key, ordinal),
        "campaign": campaign.name, "entry_key": key, "ordinal": ordinal, "release_id": release.id,
        "arm": arm.value, "measured_from": entered_at if arm is Arm.PROJECT else measured,
        "exclusive": campaign.overlap is None, "state": LIVE, "step": course.first,
        "entered_at": entered_at, "event_id": event_id,
        "arrived_at": begins, "due_at": due_at, "why": "", "decisions": 0, "rested_on": None,
    }  # fmt: skip


def enroll_as_found(connection: Connection, entrance: Entrance, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """Enroll contacts, whose rows are locked, with what was found of the audience as of `now` (aware UTC)."""
    found = entrance.found(connection, [row["contact_id"] for row in rows], now)
    for row in rows:
        row["rested_on"] = found.get(row["contact_id"])
    entering.enroll(connection, rows)


def entered(planned: datetime, now: datetime) -> datetime:
    """As of when somebody enters who was to enter at `planned`."""
    return planned if now - planned <= LATE else now
