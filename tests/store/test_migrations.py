"""A database that was migrated step by step has the very tables the code speaks of."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import nurture.store.migrations
from nurture.store import migrate
from nurture.store.database import Database
from nurture.store.tables import metadata


def test_migrations_make_the_tables_the_code_speaks_of(database_url: str) -> None:
    database = Database(database_url)
    migrate.migrate(database)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []
        assert len(metadata.tables) > 20
    database.close()


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    database = Database(database_url)
    assert migrate.current(database) is None
    migrate.migrate(database)
    migrate.migrate(database)
    assert migrate.current(database) == migrate.latest()
    database.close()


def test_every_revision_spells_its_changes() -> None:
    versions = Path(nurture.store.migrations.__path__[0]) / "versions"
    texts = {path.name: path.read_text() for path in versions.glob("0*.py")}
    assert texts
    assert [name for name, text in texts.items() if "create_all" in text or "store.tables" in text] == []
