"""What a command says when it cannot go on: never a traceback, always what to do."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import rich_click as click
from click.exceptions import Exit

from nurture import __version__
from nurture.core.errors import NurtureError, ProjectError

WRONG, USAGE, BROKEN_PIPE, MISTAKE, INTERRUPTED = 1, 2, 141, 70, 130
KEPT = 20
"""Crash files kept in the folder; older ones are removed."""


def debugging() -> bool:
    """Whether errors show as tracebacks: NURTURE_DEBUG=1."""
    return os.environ.get("NURTURE_DEBUG", "") not in ("", "0")


@contextmanager
def told(ctx: click.Context) -> Iterator[None]:
    """Tell errors that nurture raises on purpose, on standard error, and end with their exit code."""
    try:
        yield
    except NurtureError as error:
        if debugging():
            raise
        tell(error, ctx)
        raise Exit(WRONG) from None
    except BrokenPipeError:
        quiet()
        raise Exit(BROKEN_PIPE) from None


def tell(error: NurtureError, ctx: click.Context) -> None:
    """The error in red; each problem of a project's files with its source line."""
    from nurture.cli.frame import console, project_directory

    text = str(error)
    if isinstance(error, ProjectError):
        from nurture.files.folder import scan
        from nurture.files.problems import show_all

        files, _ = scan(project_directory(ctx))
        text = show_all(error.problems, files)
    console(stderr=True).print(text, style="red", soft_wrap=True)


def quiet() -> None:
    """Whoever read our output has left: say nothing more (Python would complain at exit)."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def crashed(error: BaseException) -> int:
    """Write the traceback to a file and say where; returns the exit code."""
    where = _written("".join(traceback.format_exception(error)))
    print("This is a mistake in nurture, not in what you wrote.", file=sys.stderr)
    if where is not None:
        print(f"What happened is in {where}; please attach it to a report.", file=sys.stderr)
    print("NURTURE_DEBUG=1 shows it here instead.", file=sys.stderr)
    return MISTAKE


def _written(text: str) -> Path | None:
    base = Path(".nurture") if Path(".nurture").is_dir() else _cache()
    head = f"nurture {__version__}, Python {platform.python_version()}, {platform.system()}\n\n"
    try:
        base.mkdir(parents=True, exist_ok=True)
        for old in sorted(base.glob("crash-*.txt"), key=lambda path: path.stat().st_mtime)[: -KEPT + 1]:
            old.unlink(missing_ok=True)
        handle, name = tempfile.mkstemp(prefix="crash-", suffix=".txt", dir=base)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(head + text)
    except OSError:
        return None
    return Path(name).resolve()


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nurture"
