"""Somebody who unsubscribed wants to hear from us again, and says so themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from nurture.actions.record import stir
from nurture.store import lives, suppressions
from nurture.store.database import Database


def resubscribe(database: Database, contact_id: str, choices: Mapping[str, bool], now: datetime) -> bool:
    """Lift a contact's own unsubscribe, and record the topics they permit (True) and those they leave out.

    Returns False, and records nothing, unless an unsubscribe is all that stops their emails and something is
    permitted: a bounce, a complaint or what somebody else decided is not theirs to lift. `now` is aware UTC.
    """
    if not any(choices.values()):
        return False
    with database.write() as connection:
        lives.lock_standings(connection, [contact_id])
        if suppressions.reasons_of(connection, contact_id) != suppressions.LIFTED:
            return False
        suppressions.lift(connection, contact_id)
        suppressions.change_consents(connection, contact_id, choices, suppressions.OWN_WORD, now, now)
        stir(connection, [contact_id], now)
    return True
