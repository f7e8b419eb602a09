"""A database that one thread has to itself and nobody would miss: there is nothing to wait for, and nothing to keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Connection
from sqlalchemy.pool import StaticPool

from nurture.store.database import Database

PRAGMAS = (
    "locking_mode=EXCLUSIVE", "journal_mode=MEMORY", "synchronous=OFF", "secure_delete=OFF", "foreign_keys=ON",
    "temp_store=MEMORY", "cache_size=-1048576",
)  # fmt: skip
"""What its connection is told: what a change was before is kept in memory, and nobody else is looked out for."""

MANY = 100_000
"""Changes after which they are written to the file: until then their pages are written once, and not each time."""


class Lone(Database):
    """A SQLite file on one connection, for one thread.

    What fails is undone, and nothing else, also where it is begun within a transaction that goes on; until it forgoes
    that.
    """

    _pool: ClassVar[Mapping[str, Any]] = {"poolclass": StaticPool}

    def __init__(self, path: Path, batch: int) -> None:
        super().__init__(f"sqlite:///{path.name}", path.parent, durable=False, batch=batch)
        self.path = path
        self._pragmas = list(PRAGMAS)
        self._held: Connection | None = None
        self._depth = self._written = 0
        self._undoes, self._spoiled = True, False

    def forgo_undo(self) -> None:
        """From now on nothing is undone, so that nothing has to be kept of what was before: a tenth of all the work.

        What fails spoils everything, and nothing can be asked or done afterwards. Not within a transaction.
        """
        driver: Any = self._connection().connection.driver_connection
        self.flush()
        driver.execute("PRAGMA journal_mode = OFF")
        self._undoes = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write; within another, it is a part of that."""
        if not self._undoes:
            with self._unguarded() as connection:
                yield connection
            return
        with self._savepoint(kept=True) as connection:
            yield connection
        driver: Any = connection.connection.driver_connection
        if not self._depth and driver.total_changes - self._written > MANY:
            self.flush()

    @contextmanager
    def undone(self) -> Iterator[Connection]:
        """See Database. Raises RuntimeError once undoing is forgone."""
        if not self._undoes:
            raise RuntimeError("nothing can be tried where nothing is undone")
        with self._savepoint(kept=False) as connection:
            yield connection

    @contextmanager
    def _savepoint(self, *, kept: bool) -> Iterator[Connection]:
        # Each is a savepoint of one transaction: to commit it by itself would write every page that it touched.
        held, name = self._connection(), f"depth_{self._depth}"
        driver: Any = held.connection.driver_connection
        driver.execute(f"SAVEPOINT {name}")
        self._depth += 1
        try:
            yield held
        except BaseException:
            kept = False
            raise
        finally:
            self._depth -= 1
            if not kept:
                driver.execute(f"ROLLBACK TO {name}")
            driver.execute(f"RELEASE {name}")

    @contextmanager
    def _unguarded(self) -> Iterator[Connection]:
        try:
            yield self._connection()
        except BaseException:
            self._spoiled = True
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """The same connection, which sees all that was written."""
        yield self._connection()

    def flush(self) -> None:
        """Write everything to the file. Not within a transaction."""
        if self._held is not None:
            driver: Any = self._held.connection.driver_connection
            self._written = driver.total_changes
            self._held.commit()
            self._held.close()
            self._held = None

    def close(self) -> None:
        """Write everything, and let go of the connection."""
        if not self._spoiled:
            self.flush()
        self._written = 0
        super().close()

    def _connection(self) -> Connection:
        if self._spoiled:
            raise RuntimeError("what failed has left this copy half changed")
        if self._held is None:
            self._held = self.engine.connect()
            self._held.begin()
        return self._held
