"""Walking what a campaign file says before it is known to be right: steps and conditions with their paths.

Nothing here trusts the shape of the data; whatever is not as expected is passed over, the models report it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nurture.files.positions import Path

PAST_EMAIL = frozenset({"received", "opened", "clicked"})
PAST = PAST_EMAIL | {"replied", "engaged", "purchased", "did"}


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step, and the ids of the steps that have been passed on every or some way to it."""

    path: Path
    data: Mapping[str, Any]
    before: frozenset[str]

    @property
    def id(self) -> str | None:
        """The id, where it is a text."""
        value = self.data.get("id")
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class ConditionSeen:
    """One condition: its key, what is asked, and where it stands."""

    path: Path
    key: str
    asked: Any
    place: str
    before: frozenset[str] | None = None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def steps(data: Any, path: Path = ("steps",), before: frozenset[str] = frozenset()) -> Iterator[StepSeen]:
    """Every step of a list of steps, in the order of the file."""
    for index, one in enumerate(_list(data)):
        step = StepSeen((*path, index), _dict(one), before)
        yield step
        inside: set[str] = set()
        for branch in _ways(step.data):
            nested = list(steps(at(step.data, branch), (*step.path, *branch), before | _own(step)))
            inside |= {nested_step.id for nested_step in nested if nested_step.id}
            yield from nested
        before = before | _own(step) | inside


def _ways(data: Mapping[str, Any]) -> Iterator[Path]:
    """Where a step has steps inside."""
    yield from (("then",), ("else",))
    yield from (("split", index, "steps") for index in range(len(_list(data.get("split")))))


def at(data: Any, path: Path) -> Any:
    """What stands at a path; None where nothing does."""
    for element in path:
        if isinstance(element, int):
            data = _list(data)[element] if element < len(_list(data)) else None
        else:
            data = _dict(data).get(element)
    return data


def _own(step: StepSeen) -> frozenset[str]:
    return frozenset({step.id} if step.id else ())


def inside(value: Any, path: Path, place: str, before: frozenset[str] | None = None) -> Iterator[ConditionSeen]:
    """A condition and all those in it."""
    for key, asked in _dict(value).items():
        here = (*path, key)
        yield ConditionSeen(here, key, asked, place, before)
        if key in ("all", "any"):
            for index, part in enumerate(_list(asked)):
                yield from inside(part, (*here, index), place, before)
        elif key == "account" and isinstance(asked, str):
            yield from inside({asked: {"since": "entry"}}, here, place, before)
        elif key in ("not", "account"):
            yield from inside(asked, here, place, before)


def conditions(data: Mapping[str, Any]) -> Iterator[ConditionSeen]:
    """Every condition of a campaign."""
    for index, one in enumerate(_list(_dict(data.get("audience")).get("where"))):
        yield from inside(one, ("audience", "where", index), "audience")
    for index, one in enumerate(_list(data.get("exit_when"))):
        yield from inside(one, ("exit_when", index), "exit_when")
    yield from inside(data.get("stay_while"), ("stay_while",), "stay_while")
    for step in steps(data.get("steps")):
        yield from inside(step.data.get("if"), (*step.path, "if"), "steps", step.before)
        until = _dict(step.data.get("wait")).get("until")
        yield from inside(until, (*step.path, "wait", "until"), "steps", step.before)


def step_ids(condition: ConditionSeen) -> Iterator[tuple[Path, str]]:
    """The step ids a condition names, each with its path."""
    if condition.key not in PAST_EMAIL:
        return
    asked, path = condition.asked, condition.path
    if isinstance(asked, dict):
        asked, path = asked.get("step"), (*path, "step")
    yield from texts(asked, path)


def texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The texts of a value that is one text or a list of them, each with its path."""
    if isinstance(value, str):
        yield path, value
    for index, one in enumerate(_list(value)):
        if isinstance(one, str):
            yield (*path, index), one
