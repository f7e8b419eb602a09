"""What every command shares: finding the project, printing for people or as JSON, progress, exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import rich_click as click

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])
json_option: Callable[[F], F] = click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
"""Adds `--json` to a command as the argument `as_json`."""


def project_directory(ctx: click.Context) -> Path:
    """The project's folder: `--project`, else the nearest one upwards with a nurture.yaml, else this one."""
    named: Path | None = ctx.find_root().params.get("project")
    if named is not None:
        return named
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "nurture.yaml").is_file()), here)


def console(*, stderr: bool = False) -> Console:
    """Where to print: as wide as the terminal, or without a limit into a file or a pipe. Text is never markup."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 100_000
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def plain(text: object) -> str:
    """`text` with nothing in it that could move a terminal's cursor or colours."""
    return "".join(char if char.isprintable() or char in "\n " else "�" for char in str(text))


def jsonable(value: Any) -> Any:
    """What JSON has no word for: times as ISO 8601, decimals and anything else as text, data classes as objects."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    return float(value) if isinstance(value, Decimal) else str(value)


def emit(data: Any, as_json: bool, human: Callable[[Any], object]) -> None:
    """Print `data`: as JSON, or by calling `human` with it."""
    if as_json:
        print(json.dumps(data, default=jsonable, ensure_ascii=False, indent=2))
    else:
        human(data)


def table(
    rows: Sequence[Sequence[object]], columns: Sequence[str], title: str | None = None, spare: str | None = None
) -> None:
    """Print rows under their column names. Columns whose values are numbers, or missing, stand to the right.

    Where the terminal is narrow, the last column is cut or left out if its name is `spare`.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if spare is not None and columns[-1] == spare:
        rows, columns = _fitted(rows, columns, console().width)
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, name in enumerate(columns):
        cells = [row[index] for row in rows if row[index] is not None]
        numbers = bool(cells) and all(isinstance(cell, int | float | Decimal) for cell in cells)
        shown.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text("" if cell is None else plain(cell)) for cell in row))
    console().print(shown)


GAP, LEAST = 3, 16
"""Characters between two columns, and the fewest that a spare column is shown with."""


def _fitted(
    rows: Sequence[Sequence[object]], columns: Sequence[str], width: int
) -> tuple[list[Sequence[object]], list[str]]:
    """Rows and names of columns with the last column as wide as the others leave room for; their names may wrap."""
    from rich.cells import cell_len, set_cell_size

    bodies = [max((cell_len(plain(row[at])) for row in rows), default=0) for at in range(len(columns) - 1)]
    names = list(columns[:-1])
    if sum(max(cell_len(name), body) + GAP for name, body in zip(names, bodies, strict=True)) + LEAST > width:
        names = [names[0], *(name.replace(" ", "\n") for name in names[1:])]
    heads = [max(map(cell_len, name.split("\n"))) for name in names]
    room = width - sum(max(pair) + GAP for pair in zip(heads, bodies, strict=True))
    if room < LEAST:
        return [row[:-1] for row in rows], names
    texts = [plain(row[-1]) for row in rows]
    cut = [text if cell_len(text) <= room else set_cell_size(text, room - 1) + "…" for text in texts]
    return [(*row[:-1], text) for row, text in zip(rows, cut, strict=True)], [*names, columns[-1]]


class Advance(Protocol):
    """Called when work is done: by how much, or up to where."""

    def __call__(self, by: int = 1, *, to: int | None = None) -> None: ...


@contextmanager
def progress(total: int | None, label: str) -> Iterator[Advance]:
    """A progress bar on standard error while the block runs; silent where that is no terminal.

    `total` None shows how much is done without an end. The block calls what it is given: `done(by=5)` or `done(to=70)`.
    """
    if not sys.stderr.isatty():
        yield lambda by=1, *, to=None: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)

        def done(by: int = 1, *, to: int | None = None) -> None:
            bar.update(task, completed=to) if to is not None else bar.advance(task, by)

        yield done
