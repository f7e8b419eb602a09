"""Keep the sums that ranks by spending need: once on each day of the project's timezone."""

from __future__ import annotations

from datetime import datetime

from nurture.actions.record import stir
from nurture.core.program import Program
from nurture.store import ranks
from nurture.store.database import Database, chunks
from nurture.store.enrollments import lock_contacts


def keep_ranks(database: Database, program: Program, now: datetime) -> int:
    """Reckon what was last reckoned on another day, and have those looked at whose rank changed. Returns how many sums.

    `now` is aware UTC.
    """
    if not program.ranks:
        return 0
    today = now.astimezone(program.zone).toordinal()
    with database.read() as connection:
        before = ranks.kept(connection)
    stale = [name for name in program.ranks if before.get(name, (None, 0))[1] != today]
    for name in stale:
        with database.read() as connection:
            threshold = ranks.reckon(connection, program.ranks[name])
            changed = ranks.between(connection, before.get(name, (None, 0))[0], threshold)
        with database.write() as connection:
            ranks.save(connection, name, threshold, today)
        for some in chunks(changed):
            with database.write() as connection:
                stir(connection, lock_contacts(connection, some), now)
    return len(stale)
