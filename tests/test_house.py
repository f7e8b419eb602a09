"""The house keeps its order: imports point inward, one clock, one database room, short functions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "nurture"

INWARD: dict[str, frozenset[str]] = {
    "core": frozenset(),
    "files": frozenset({"core"}),
    "emails": frozenset({"core"}),
    "store": frozenset({"core"}),
    "providers": frozenset({"core"}),
    "actions": frozenset({"core", "files", "emails", "store", "providers"}),
    "web": frozenset({"core", "files", "emails", "store", "providers", "actions"}),
}
"""What each room may import of nurture, beside itself. Rooms not named are outermost and may import all."""

CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
TIMELESS = ("core", "files", "emails", "store", "providers", "actions")
LONGEST_FUNCTION = 70
LONGEST_FILE = 400


def room(path: Path) -> str:
    """The room of a file: its folder below the package, or its own name when it stands at the top."""
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def outward(path: Path, text: str) -> list[str]:
    """The imports of a file that its room may not make."""
    allowed = INWARD.get(room(path))
    if allowed is None:
        return []
    found = ((line, name.split(".")) for line, name in imported(ast.parse(text)))
    return [
        f"{named(path)}:{line} imports {parts[1]}"
        for line, parts in found
        if parts[0] == "nurture" and len(parts) > 1 and parts[1] not in allowed | {room(path), "__version__"}
    ]


def clock_readings(path: Path, text: str) -> list[str]:
    return [
        f"{named(path)}:{node.lineno} reads the clock"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in CLOCKS
    ]


def long_functions(path: Path, text: str) -> list[str]:
    return [
        f"{named(path)}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]


def all_of(rule: Callable[[Path, str], list[str]]) -> list[str]:
    return [found for path in sources() for found in rule(path, path.read_text(encoding="utf-8"))]


def test_imports_point_inward() -> None:
    assert all_of(outward) == []


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("core/decide.py", "from nurture.store.tables import contacts"),
        ("emails/fill.py", "import nurture.providers.base"),
        ("store/due.py", "from nurture import actions"),
        ("actions/send.py", "from nurture.web.app import make_app"),
        ("actions/send.py", "from nurture.wiring import open_store"),
    ],
)
def test_an_import_that_points_outward_is_found(where: str, line: str) -> None:
    assert outward(PACKAGE / where, line)


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("actions/send.py", "from nurture.store.messages import claim"),
        ("core/decide.py", "from nurture.core import campaign"),
        ("wiring.py", "from nurture.web.app import make_app"),
        ("cli/run.py", "from nurture.service import serve"),
    ],
)
def test_an_import_that_points_inward_is_not(where: str, line: str) -> None:
    assert outward(PACKAGE / where, line) == []


def test_sqlalchemy_stays_in_the_store() -> None:
    def strays(path: Path, text: str) -> list[str]:
        if room(path) == "store":
            return []
        found = ((line, name.split(".")[0]) for line, name in imported(ast.parse(text)))
        kept_in = ("sqlalchemy", "alembic")
        return [f"{named(path)}:{line} imports {top}" for line, top in found if top in kept_in]

    assert all_of(strays) == []


def test_only_entry_points_read_the_clock() -> None:
    def readings(path: Path, text: str) -> list[str]:
        return clock_readings(path, text) if room(path) in TIMELESS else []

    assert all_of(readings) == []


@pytest.mark.parametrize("line", ["datetime.now(UTC)", "dt.datetime.now()", "time.time()", "date.today()"])
def test_a_look_at_the_clock_is_found(line: str) -> None:
    assert clock_readings(PACKAGE / "core/decide.py", line)


def test_a_deadline_is_not_a_look_at_the_clock() -> None:
    assert clock_readings(PACKAGE / "core/decide.py", "time.monotonic()") == []


def test_no_function_is_longer_than_a_screen() -> None:
    assert all_of(long_functions) == []


def test_a_long_function_is_found() -> None:
    text = "def long() -> None:\n" + "    pass\n" * LONGEST_FUNCTION
    assert long_functions(PACKAGE / "core/decide.py", text)


def test_no_file_is_longer_than_a_room() -> None:
    assert [named(path) for path in sources() if len(path.read_text().splitlines()) > LONGEST_FILE] == []


def test_nothing_is_left_for_later() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")

    def leftovers(path: Path, text: str) -> list[str]:
        return [f"{named(path)} says {word}" for word in words if word in text]

    assert all_of(leftovers) == []
