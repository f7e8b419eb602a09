"""What the tables share: one metadata, the names of constraints, and how a table is made."""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData, Table
from sqlalchemy.sql.elements import ColumnElement

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, *parts: Any) -> Table:
    """A table whose rows lie in the order of its primary key: on SQLite one b-tree less to keep for every row."""
    return Table(name, metadata, *parts, sqlite_with_rowid=False)


def only_where(condition: ColumnElement[bool]) -> dict[str, Any]:
    """The arguments that make an index hold those rows only."""
    return {"sqlite_where": condition, "postgresql_where": condition}
