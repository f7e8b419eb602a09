"""Edits of campaigns with people inside: what they would do, told before it happens; and doing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from nurture.actions.entry import entry_row
from nurture.actions.release import Release
from nurture.core.campaign import Edits
from nurture.core.decide import HAD_BEFORE, MessageState
from nurture.core.edits import Edit, Fate, Objection, People, What, edits_of, moves_of, repeats, same_emails
from nurture.core.ids import message_id
from nurture.core.problem import Problem
from nurture.core.version import Version
from nurture.files import walk
from nurture.files.folder import CAMPAIGNS
from nurture.files.positions import Path, Place, Positions
from nurture.files.tree import read
from nurture.store import coupons
from nurture.store import edits as rows
from nurture.store.database import Connection

Versions = Mapping[str, Version]
EVERYBODY = (Edits.RESTART, Edits.EXIT)
"""What holds for those too who finish on an earlier version."""


def edits_between(
    connection: Connection, old: Versions, new: Versions, running: Iterable[str] | None = None
) -> tuple[Edit, ...]:
    """What the change from `old` to `new` would do to whom, as things stand in the database; nothing is written.

    `old` has the last version of every campaign that people are in, `running` names those that run.
    """
    people = _people(connection, old, new)
    return edits_of(old, new, people, None if running is None else frozenset(running))


def _people(connection: Connection, old: Versions, new: Versions) -> People:
    follow, everybody = (rows.standing(connection, pinned=pinned) for pinned in (False, True))
    all_go = {name for name, version in new.items() if version.course.campaign.edits in EVERYBODY} | {*old} - {*new}
    standing = {key: count for key, count in follow.items() if key[0] not in all_go}
    standing |= {key: count for key, count in everybody.items() if key[0] in all_go}
    ids = rows.step_ids(connection)
    had: dict[tuple[str, str, str], int] = {}
    for name in {campaign for campaign, _ in standing} & {*old} & {*new}:
        moves = moves_of(old[name], new[name], ids.get(name, {}))
        suspects = {earlier for earlier, _ in repeats(old[name], new[name], moves)}
        had |= rows.had(connection, name, suspects) if suspects else {}
    return People(standing, had, ids, rows.taken_ids(connection) if ids else frozenset())


def problems_of(edits: Iterable[Edit], files: Mapping[str, str]) -> list[Problem]:
    """Why edits cannot be, each at its place in the new file."""
    return [_problem(edit.campaign, one, files) for edit in edits for one in edit.objections]


def _problem(campaign: str, one: Objection, files: Mapping[str, str]) -> Problem:
    path = f"{CAMPAIGNS}/{campaign}.yaml"
    place = _place(path, files.get(path, ""), one.at)
    return Problem(path, place.line, place.column, one.rule, one.message, one.hint)


def _place(path: str, text: str, at: tuple[str, ...]) -> Place:
    root, _ = read(path, text)
    if root is None:
        return Place(1, 1)
    where: Path = at
    if at[0] == "step":
        found = [seen.path for seen in walk.steps(root.data().get("steps")) if seen.id == at[1]]
        where = (*found[0], "id") if found else ("steps",)
    return Positions(root, path).key(where)


# --- doing it -----------------------------------------------------------------------------------------


def apply(
    connection: Connection,
    edits: Iterable[Edit],
    old: Versions,
    sources: Mapping[str, int],
    release: Release,
    now: datetime,
) -> None:
    """Do what edits say, in the transaction in which `release` comes to run.

    `sources` tells in which release the version in `old` of each campaign is. A bulk statement for each thing that
    happens to people, however many they are.
    """
    for edit in edits:
        if edit.what not in (What.CHANGED, What.BACK):
            continue
        name, fates = edit.campaign, {way.fate for way in edit.ways}
        rows.lock_people(connection, name)
        if fates == {Fate.FINISHES}:
            rows.pin(connection, name, sources[name])
        elif fates == {Fate.RESTARTS}:
            _restart(connection, old[name], name, release, now)
        elif fates == {Fate.EXITS} and edit.mode is Edits.EXIT:
            let_go(connection, name, rows.EDITED, release.id, now)
        else:
            rows.rename(connection, name, edit.moves, now)
            rows.go_on(connection, name, edit.ways, release.id, now)


def let_go(connection: Connection, campaign: str, reason: str, release: int, now: datetime) -> int:
    """Let all who are in a campaign leave for that reason, as `release` (an id) has it; what they are owed is not sent.

    Returns how many left.
    """
    owed = rows.withdraw(connection, campaign, now)
    coupons.settle(connection, owed)
    return rows.let_go(connection, campaign, reason, release, now)


def _restart(connection: Connection, old: Version, campaign: str, release: Release, now: datetime) -> None:
    """Let those inside leave and begin the new version at once; an email they had does not come again."""
    inside = rows.those_inside(connection, campaign)
    same = list(same_emails(old, release.version(campaign)))
    had = rows.handed(connection, campaign, {earlier for earlier, _ in same})
    let_go(connection, campaign, rows.EDITED, release.id, now)
    entries = [_anew(one, campaign, release, now) for one in inside]
    ids = {(one["contact_id"], one["id"]): entry["id"] for one, entry in zip(inside, entries, strict=True)}
    skipped = {
        (ids[contact, within], later): _had(contact, ids[contact, within], campaign, later, now)
        for contact, within, step in had
        for earlier, later in same
        if earlier == step
    }
    rows.begin_anew(connection, entries, list(skipped.values()))


def _anew(one: Mapping[str, Any], campaign: str, release: Release, now: datetime) -> dict[str, Any]:
    course, key = release.program.courses[campaign], one["entry_key"]
    row = entry_row(release, course, one["contact_id"], now, now, key=key, ordinal=one["last"] + 1)
    # Whether they may be in another campaign beside was settled when they entered.
    return row | {"event_id": one["event_id"], "exclusive": one["exclusive"]}


def _had(contact_id: str, within: str, campaign: str, step: str, now: datetime) -> dict[str, Any]:
    return {
        "contact_id": contact_id, "id": message_id(within, step), "enrollment_id": within, "campaign": campaign,
        "step": step, "state": MessageState.SKIPPED.value, "reason": HAD_BEFORE, "planned_at": now, "due_at": None,
        "expires_at": now, "settled_at": now, "attempts": 0, "fence": 0, "resent_by_policy": False,
    }  # fmt: skip
