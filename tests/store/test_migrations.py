"""A database that was migrated step by step has the very tables the code speaks of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import nurture.store.migrations
from nurture.store import migrate, runs
from nurture.store.database import Database, insert_all
from nurture.store.tables import metadata, release, release_file


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


def test_what_was_published_before_there_was_a_history_stands_in_it(database_url: str) -> None:
    database = Database(database_url)
    with database.write() as connection:
        command.upgrade(migrate._config(connection), "0011")
    when = datetime(2026, 3, 2, 8, tzinfo=UTC)
    with database.write() as connection:
        for number, texts in enumerate((("one", "same"), ("two", "same")), 1):
            row = {"id": number, "digest": f"{number}", "published_at": when, "version": "0.1"}
            insert_all(connection, release, [row])
            named = zip(("campaigns/first.yaml", "campaigns/second.yaml"), texts, strict=True)
            rows = [{"release_id": number, "path": path, "digest": text} for path, text in named]
            insert_all(connection, release_file, rows)
    migrate.migrate(database)
    with database.write() as connection:
        assert [(row.run_id, row.at) for row in runs.history(connection, "first")] == [(1, when), (2, when)]
        assert [row.run_id for row in runs.history(connection, "second")] == [1]
        runs.record(connection, 2, "published", "ada", when, [])
        assert runs.current_run(connection) == 3
    database.close()


def test_every_revision_spells_its_changes() -> None:
    versions = Path(nurture.store.migrations.__path__[0]) / "versions"
    texts = {path.name: path.read_text() for path in versions.glob("0*.py")}
    assert texts
    assert [name for name, text in texts.items() if "create_all" in text or "store.tables" in text] == []
