"""Conditions that cannot hold together: two stages at once, bounds the wrong way round, a thing and not it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nurture.core.values import parse_money
from nurture.files import walk
from nurture.files.findings import Finding, Scene
from nurture.files.positions import Path

SINGLE = frozenset({"stage", "country", "source"})
"""What a contact has exactly one of."""

BOUNDED = frozenset({"score", "times", "total"})


def never_true(scene: Scene) -> Iterator[Finding]:
    """A condition can hold for somebody."""
    for path, condition in _roots(scene.data):
        if both := contradiction(list(_parts(condition))):
            message = f"this never holds for anybody: {both}"
            yield Finding(path, "never-true", message, "ask for either with 'any:', or take one out", "warning")
    for one in walk.conditions(scene.data):
        yield from _bounds(one.path, one.key, one.asked)


def _roots(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Every condition that stands for itself, with all that must hold at once in it."""
    audience = data.get("audience")
    if isinstance(audience, dict) and isinstance(audience.get("where"), list):
        yield ("audience", "where"), asked_of(audience)
    for one in walk.conditions(data):
        if one.key == "all" and one.path[-2:-1] != ("all",) and one.place != "audience":
            yield one.path[:-1], {"all": one.asked}


def asked_of(audience: Mapping[str, Any]) -> dict[str, Any]:
    """An audience as one condition."""
    where = audience.get("where")
    stage = [{"stage": audience["stage"]}] if "stage" in audience else []
    return {"all": [*stage, *(where if isinstance(where, list) else [])]}


def _parts(condition: Any) -> Iterator[tuple[str, Any]]:
    """What must hold at once, as keys and what is asked of them."""
    for key, asked in condition.items() if isinstance(condition, dict) else ():
        if key == "all" and isinstance(asked, list):
            for one in asked:
                yield from _parts(one)
        else:
            yield key, asked


def contradiction(parts: Sequence[tuple[str, Any]]) -> str | None:
    """Two of `parts` that cannot hold at once, in words; None where all can."""
    for at, (key, asked) in enumerate(parts):
        for other, more in parts[at + 1 :]:
            if key == other and key in SINGLE and not set(_texts(asked)) & set(_texts(more)):
                return f"nobody's {key} is both {_either(asked)} and {_either(more)}"
            if (key == "not" and asked == {other: more}) or (other == "not" and more == {key: asked}):
                return f"'{other if key == 'not' else key}' is asked for, and that it is not so"
    return None


def together(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether somebody may be in both of two audiences."""
    parts = [part for audience in (one, other) for part in _parts(asked_of(audience))]
    return contradiction(parts) is None


def _texts(value: Any) -> list[str]:
    return [text for _, text in walk.texts(value, ())]


def _either(value: Any) -> str:
    return " or ".join(_texts(value))


def _bounds(path: Path, key: str, asked: Any) -> Iterator[Finding]:
    """Bounds on one thing, where the lower is not the higher."""
    if not isinstance(asked, dict):
        return
    if key in BOUNDED:
        yield from _between(path, asked.get("at_least"), asked.get("at_most"))
    for inner in BOUNDED & set(asked):
        yield from _bounds((*path, inner), inner, asked[inner])


def _between(path: Path, least: Any, most: Any) -> Iterator[Finding]:
    low, high = _number(least), _number(most)
    if low is not None and high is not None and low > high:
        message = f"nothing is at least {least} and at most {most}"
        yield Finding((*path, "at_least"), "never-true", message, "exchange the two, or keep one", "warning")


def _number(value: Any) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(parse_money(value).amount)
    except ValueError:
        return None
