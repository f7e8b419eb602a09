"""The guarantees about choices between variants, as queries: each must return no row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, and_, exists, not_, or_, select

from nurture.core.event import Kind
from nurture.store.scope import CLAIM, Invariant, Scope, human, m
from nurture.store.tables import event, message, purchase, trial


def _winners(_: Scope) -> Iterator[Select[Any]]:
    """A winner by clicks was clicked by people, one by purchases was bought from, before it was decided."""
    t, p = trial.c, purchase.c
    mine = [m.campaign == t.campaign, m.step == t.step, m.trial == t.digest, m.variant == t.winner]
    seen = select(1).join_from(message, event, and_(event.c.contact_id == m.contact_id, event.c.message_id == m.id))
    clicked = exists(seen.where(*mine, human([Kind.CLICKED]), event.c.recorded_at <= t.decided_at))
    order = select(1).join_from(message, purchase, and_(p.contact_id == m.contact_id, p.recorded_at <= t.decided_at))
    bought = exists(order.where(*mine))
    unproven = or_(and_(t.judged == "clicked", not_(clicked)), and_(t.judged != "clicked", not_(bought)))
    columns = (t.campaign, t.step, t.winner, t.judged, t.decided_at)
    yield select(*columns).where(t.winner.isnot(None), unproven)


def _decided(scope: Scope) -> Iterator[Select[Any]]:
    """Once a winner is known, chance gives no first email any other variant."""
    t = trial.c
    of = and_(t.campaign == m.campaign, t.step == m.step, t.digest == m.trial)
    late = and_(t.winner.isnot(None), m.attempts == 1, scope.after(m.claimed_at, t.decided_at))
    yield select(*CLAIM, m.variant, t.winner, t.decided_at).join_from(message, trial, of).where(late)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(8, "winners", "No variant won by clicks or purchases that no human made.", _winners),
    Invariant(8, "decided", "Once a winner is known, chance chooses no variant any more.", _decided),
)
