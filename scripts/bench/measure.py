"""What the measurements share: sizes, figures beside their baselines, places to keep what was built."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / ".bench"


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    contacts: int = 1_000_000
    due: int = 100_000
    events: int = 10_000_000
    imported: int = 1_000_000
    rendered: int = 20_000
    sent: int = 20_000
    pixels: int = 40_000
    rehearsed: int = 100_000
    postgres: bool = False

    @classmethod
    def of(cls, quick: bool, postgres: bool) -> Sizes:
        """The whole sizes, or small ones."""
        if quick:
            return cls(100_000, 10_000, 1_000_000, 100_000, 4_000, 4_000, 8_000, 10_000, postgres)
        return cls(postgres=postgres)


@dataclass(frozen=True)
class Figure:
    """One figure and what it is held beside. `ratio` is how many times as good; `target` the least it should be."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    beside: str = ""
    ratio: float | None = None
    target: float | None = None
    at_most: float | None = None

    def as_data(self) -> dict[str, Any]:
        """For the process that prints it."""
        return asdict(self)

    @property
    def missed(self) -> bool:
        """Whether it falls short of its target."""
        short = self.target is not None and self.ratio is not None and self.ratio < self.target
        return short or (self.at_most is not None and self.value > self.at_most)

    def line(self) -> str:
        """For people."""
        text = f"{self.name:<52} {_number(self.value):>12} {self.unit}"
        if self.baseline is not None:
            text += f"  |  {self.beside}: {_number(self.baseline)} {self.unit}"
        if self.ratio is not None:
            text += f"  |  ×{self.ratio:.2f}"
        if self.target is not None or self.at_most is not None:
            goal = f"≤ {self.at_most:g} {self.unit}" if self.target is None else f"≥ ×{self.target:g}"
            text += f" ({goal}: {'MISSED' if self.missed else 'ok'})"
        return text


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    begin = perf_counter()
    work()
    return perf_counter() - begin


def note(text: str) -> None:
    """Tell what is being built, beside the figures."""
    print(f"  {text}", file=sys.stderr, flush=True)


@contextmanager
def kept(name: str) -> Iterator[tuple[Path, bool]]:
    """A file that is kept between runs, and whether it has to be built; a half-built one does not stay."""
    KEPT.mkdir(exist_ok=True)
    path, built = KEPT / name, KEPT / f"{name}.built"
    fresh = not built.exists()
    if fresh:
        for leftover in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            leftover.unlink(missing_ok=True)
    yield path, fresh
    if fresh:
        built.touch()


def processes() -> int:
    """How many cores there are to use."""
    return len(os.sched_getaffinity(0))


def settle_disk() -> None:
    """Let what was written reach the disk, so that a measurement does not pay for what was laid down before it."""
    os.sync()
