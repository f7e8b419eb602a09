"""Stop all sending, or one campaign's, and go on again; asked at every claim."""

from __future__ import annotations

from nurture.core.errors import NotFound
from nurture.store.database import Connection, Database
from nurture.store.releases import get_meta, set_meta

STOPPED = "sending_stopped"


def _key(campaign: str | None) -> str:
    return f"{STOPPED} {campaign}" if campaign else STOPPED


def stopped(connection: Connection, campaign: str) -> str | None:
    """Why this campaign's emails stand still, or all do; None when they may leave."""
    return get_meta(connection, STOPPED) or get_meta(connection, _key(campaign))


def stop(database: Database, why: str, campaign: str | None = None) -> None:
    """Let no further email be claimed, until `resume`. What is in the air is not called back."""
    with database.write() as connection:
        set_meta(connection, _key(campaign), why)


def resume(database: Database, campaign: str | None = None) -> None:
    """Let emails leave again. Raises NotFound when nothing was stopped."""
    with database.write() as connection:
        if get_meta(connection, _key(campaign)) is None:
            what = f"campaign {campaign}" if campaign else "sending"
            raise NotFound(f"{what} was not paused; `nurture status` shows what is")
        set_meta(connection, _key(campaign), None)
