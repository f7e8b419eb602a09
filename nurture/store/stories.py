"""How it came about: which rules hold since when, what one person's rows tell, and what runs at the moment."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from nurture.core.program import Program
from nurture.store.releases import latest_release
from nurture.store.tables import release, release_file


def rules_since(connection: Connection, program: Program, forever: datetime) -> dict[str, datetime]:
    """From when on each campaign's file and nurture.yaml are as they run now; `forever` where they never changed.

    Left out are campaigns of which a later release than the running one says something else.
    """
    running = latest_release(connection)
    if running is None:
        return dict.fromkeys(program.courses, forever)
    published = {row[0]: row[1] for row in connection.execute(select(release.c.id, release.c.published_at))}
    named: dict[tuple[int, str], str] = {}
    for row in connection.execute(select(release_file.c.release_id, release_file.c.path, release_file.c.digest)):
        named[row[0], row[1]] = row[2]
    found: dict[str, datetime] = {}
    for name in program.courses:
        paths = ("nurture.yaml", f"campaigns/{name}.yaml")
        same = [one for one in published if all(named.get((one, p)) == named.get((running.id, p)) for p in paths)]
        other = max((one for one in published if one not in same), default=0)
        if other < running.id:
            found[name] = published[min(one for one in same if one > other)] if other else forever
    return found
