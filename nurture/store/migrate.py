"""Bring a database to this version's tables; applied on start."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from nurture.store.database import Database

ONE_AT_A_TIME = 0x6E757274  # "nurt": the advisory lock that lets one process migrate


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def migrate(database: Database) -> None:
    """Apply what is missing. Safe to call from several processes at once; does nothing when all is there."""
    if current(database) == latest():
        return
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
        command.upgrade(_config(connection), "head")


def current(database: Database) -> str | None:
    """The revision the database is at; None for an empty one."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def latest() -> str | None:
    """The revision this version of nurture works with."""
    return ScriptDirectory.from_config(_config()).get_current_head()
