"""What the imports share: columns matched to fields, good rows in chunks, bad ones kept in a file that can be mended.

A row that cannot be used never stops the others. It is listed with its line and reason, and written with both to
the reject file, which can be imported again: the columns `_line` and `_reason` are then passed over.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from typing import IO, Any, TypeVar

from nurture.actions.addresses import read_address
from nurture.core.errors import InputError
from nurture.emails.links import Signer
from nurture.files.tabular import Row, Table
from nurture.store.contacts import in_bulk
from nurture.store.database import Database

T = TypeVar("T")

CHUNK = 5000
"""Rows to a transaction, where a row is all that is written."""

SHOWN = 20
IGNORED = ("_line", "_reason", "_text")
RISKY = "=+-@\t\r\0"
"""What a spreadsheet takes for a formula at the start of a cell (OWASP ASVS 1.2.10); such cells get a leading '."""

Cells = dict[str, Any]
"""What one row says: field to cell, or to what was read from it; what it does not say is not in it."""

Take = Callable[[Cells, Any], None]
"""Reads one cell into a row's values. Raises ValueError for what cannot be used."""


@dataclass(frozen=True)
class Rejected:
    """A row that was not taken, and why."""

    line: int
    reason: str


@dataclass
class Job:
    """One import: the table, what its columns mean (`--map`), where rejects go, whether anything is written.

    `ids` gives the hexadecimal text of so many random bytes, for the ids of new contacts. At most `held` addresses that
    come several times are gathered at once; more take another reading. At most `shown` rejects are told with
    their reasons. Without `bulk` nothing is prepared for very many rows, which a service at work would feel. The
    `signer` reads referral codes.
    """

    table: Table
    mapping: Mapping[str, str] = field(default_factory=dict)
    reject_path: Path | None = None
    dry_run: bool = False
    progress: Callable[[int], None] = lambda _position: None
    ids: Callable[[int], str] = token_hex
    held: int = 50_000
    shown: int = SHOWN
    bulk: bool = True
    signer: Signer | None = None

    def at_work(self, database: Database) -> AbstractContextManager[None]:
        """While the rows go in."""
        return in_bulk(database) if self.bulk else nullcontext()


@dataclass
class Summary:
    """What an import did, in counts; `rows` are those that could be used, `first_rejects` the first of the others."""

    counts: Counter[str] = field(default_factory=Counter)
    first_rejects: list[Rejected] = field(default_factory=list)
    reject_file: str | None = None
    dry_run: bool = False

    @classmethod
    def of(cls, job: Job, *names: str) -> Summary:
        """A summary of nothing yet, with the counts of those names beside `rows` and `rejected`."""
        return cls(Counter(dict.fromkeys(("rows", *names, "rejected"), 0)), dry_run=job.dry_run)

    @property
    def rejected(self) -> int:
        """How many rows were not taken."""
        return self.counts["rejected"]

    def as_data(self) -> dict[str, Any]:
        """For --json."""
        rejects = [{"line": one.line, "reason": one.reason} for one in self.first_rejects]
        return {**self.counts, "dry_run": self.dry_run, "reject_file": self.reject_file, "rejects": rejects}


# --- columns -----------------------------------------------------------------------------------------


def fold_name(name: str) -> str:
    """Column names are compared without case (ASCII), spaces or hyphens: `First Name` is `first_name`."""
    lowered = "".join(chr(ord(mark) + 32) if "A" <= mark <= "Z" else mark for mark in name.strip())
    return lowered.replace(" ", "_").replace("-", "_")


def match_columns(
    names: Sequence[str], aliases: Mapping[str, str], mapping: Mapping[str, str]
) -> list[tuple[int, str | None, str]]:
    """Place, field (None: no known one) and own name of each column that is read.

    `aliases` lead from folded names to fields; `mapping` from the file's names to ours, an empty one leaves a column
    out. Raises InputError for two columns that mean the same.
    """
    folded = {fold_name(theirs): ours for theirs, ours in mapping.items()}
    found: list[tuple[int, str | None, str]] = []
    taken: dict[str, str] = {}
    for place, written in enumerate(names):
        name = folded.get(fold_name(written), written)
        if written in IGNORED or (written and not name):
            continue
        wanted = aliases.get(fold_name(name))
        if (wanted or name) in taken:
            raise InputError(_twice(taken[wanted or name], written))
        taken[wanted or name] = written
        found.append((place, wanted, name))
    return found


def _twice(first: str, second: str) -> str:
    if first == second:
        return f"two columns are called {first!r}; rename one of them"
    return f"the columns {first!r} and {second!r} mean the same; leave one out with --map '{second}='"


def check_columns(job: Job, aliases: Mapping[str, str], needed: Iterable[Sequence[str]]) -> None:
    """Raise InputError when a header lacks a needed column (each one of several), or one that `--map` names."""
    header = job.table.header
    if job.table.delimiter is None:
        return
    known = {fold_name(name) for name in header}
    for theirs in job.mapping:
        if fold_name(theirs) not in known:
            raise InputError(f"--map {theirs}=…: there is no column {theirs!r}; there are: {', '.join(header)}")
    unnamed = [str(place + 1) for place, name in enumerate(header) if not name and place < len(header) - 1]
    if unnamed:
        raise InputError(f"{job.table.name}: column {', '.join(unnamed)} has no name; the first line names the columns")
    fields = {wanted for _, wanted, _ in match_columns(header, aliases, job.mapping)}
    for choices in needed:
        if not fields.intersection(choices):
            ours = " or ".join(choices)
            raise InputError(
                f"{job.table.name} has no column {ours}; it has: {', '.join(header)}. "
                f"Say which one it is, like --map '{header[0]}={choices[0]}'"
            )


@dataclass
class Reader:
    """Turns rows into what they say. `takes` read known fields; `other` makes what reads a column that is none."""

    aliases: Mapping[str, str]
    takes: Mapping[str, Take]
    other: Callable[[str, bool], Take]
    mapping: Mapping[str, str]
    mended: bool = False
    _plans: dict[tuple[str, ...], list[tuple[int, str, Take]]] = field(default_factory=dict)

    def read(self, row: Row, typed: bool) -> Cells:
        """What the row says; `typed` for JSON, whose values have kinds. Raises ValueError naming the column."""
        if row.problem:
            raise ValueError(row.problem)
        plan = self._plans.get(row.names) or self._plan(row.names, typed)
        cells, said, width = row.cells, Cells(), len(row.cells)
        for place, name, take in plan:
            cell = cells[place] if place < width else None
            if type(cell) is str:
                cell = cell.strip()
            if cell is None or cell == "":
                continue
            if self.mended and type(cell) is str:
                cell = unguarded(cell)
            try:
                take(said, cell)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return said

    def _plan(self, names: tuple[str, ...], typed: bool) -> list[tuple[int, str, Take]]:
        try:
            matched = match_columns(names, self.aliases, self.mapping)
        except InputError as error:
            raise ValueError(str(error)) from None
        if len(self._plans) > 1000:
            self._plans.clear()
        made = [(place, own, self.takes[known] if known else self.other(own, typed)) for place, known, own in matched]
        self._plans[names] = made
        return made


def aliased(fields: Mapping[str, str]) -> dict[str, str]:
    """Folded column name to field, from each field's other names parted by spaces."""
    return {name: wanted for wanted, others in fields.items() for name in (wanted, *others.split())}


def as_text(cell: Any) -> str:
    """A cell of a known field as text; JSON may give numbers, switches, lists. Raises ValueError for others."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, Decimal) and abs(cell.adjusted()) < 40:
        return f"{cell:f}"
    if isinstance(cell, list) and all(isinstance(item, str) for item in cell):
        return ";".join(cell)
    raise ValueError("must be text")


def passed_over(_name: str, _typed: bool) -> Take:
    """What reads a column that means nothing here."""
    return lambda _said, _cell: None


def keep(name: str) -> Take:
    """A reader that keeps the cell as it is."""

    def take(said: Cells, cell: Any) -> None:
        said[name] = cell

    return take


def parsed(name: str, parse: Callable[[str], Any]) -> Take:
    """A reader that parses the text of a cell; equal cells are parsed once."""
    cached = lru_cache(maxsize=8192)(parse)

    def take(said: Cells, cell: Any) -> None:
        said[name] = cached(cell if type(cell) is str else as_text(cell))

    return take


def take_address(said: Cells, cell: Any) -> None:
    """Reads the address of a row, and its key."""
    said["address"], said["key"] = read_address(as_text(cell))


# --- rows, good and bad ------------------------------------------------------------------------------


def guarded(cell: Any) -> Any:
    """A cell as it is safe to open in a spreadsheet."""
    if isinstance(cell, str) and cell.lstrip("'")[:1] and cell.lstrip("'")[0] in RISKY:
        return "'" + cell
    return cell


def unguarded(cell: str) -> str:
    """The cell that `guarded` was given."""
    return cell[1:] if cell.startswith("'") and guarded(cell[1:]) == cell else cell


class Rejects:
    """The rows not taken: the first are remembered, all are written to a file that begins to exist with the first."""

    def __init__(self, job: Job, summary: Summary) -> None:
        self._job, self._summary = job, summary
        self._file: IO[str] | None = None

    def __enter__(self) -> Rejects:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def add(self, row: Row, reason: str) -> None:
        """Reject a row."""
        counts, first = self._summary.counts, self._summary.first_rejects
        counts["rejected"] += 1
        if len(first) < self._job.shown:
            first.append(Rejected(row.line, reason))
        if self._job.reject_path and not self._job.dry_run:
            self._write(self._job.reject_path, row, reason)

    def _write(self, path: Path, row: Row, reason: str) -> None:
        typed = self._job.table.delimiter is None
        if self._file is None:
            self._file = path.open("w", encoding="utf-8", newline="")
            self._summary.reject_file = str(path)
            if not typed:
                csv.writer(self._file).writerow([*self._kept(row)[0], "_line", "_reason"])
        names, cells = self._kept(row)
        if typed:
            line = dict(zip(names, cells, strict=True)) | {"_line": row.line, "_reason": reason}
            self._file.write(json.dumps(line, ensure_ascii=True, default=_number) + "\n")
        else:
            # What stood beyond the last column stays beyond it: imported unmended, the row is refused again.
            beyond = row.cells[len(row.names) :]
            csv.writer(self._file).writerow([*map(guarded, cells), row.line, reason, *map(guarded, beyond)])

    def _kept(self, row: Row) -> tuple[list[str], list[Any]]:
        """The row's own columns, without those an earlier rejection added."""
        names = row.names or self._job.table.header
        cells = [*row.cells, *[""] * (len(names) - len(row.cells))]
        pairs = [(name, cell) for name, cell in zip(names, cells, strict=False) if name not in ("_line", "_reason")]
        return [name for name, _ in pairs], [cell for _, cell in pairs]


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


def read_rows(
    job: Job,
    reader: Reader,
    check: Callable[[Cells], None],
    rejects: Rejects | None = None,
    only: Callable[[Row], bool] | None = None,
) -> Iterator[tuple[Row, Cells]]:
    """The rows that can be used and what they say; `check` finishes a row as a whole and raises ValueError.

    The others go to `rejects`; without it this is another reading of the same file, `only` of some rows, and those
    that cannot be used are passed over.
    """
    typed = job.table.delimiter is None
    reader.mended = "_reason" in job.table.header
    for number, row in enumerate(job.table.rows()):
        if rejects and number % 500 == 0:
            job.progress(job.table.position)
        if only and not only(row):
            continue
        try:
            said = reader.read(row, typed)
            check(said)
        except ValueError as error:
            if rejects:
                rejects.add(row, str(error))
            continue
        yield row, said
    job.progress(job.table.size)


def in_chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Items in lists of at most `size`, as they come."""
    chunk: list[T] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
