"""What a file says of steps that got another id or are gone has to fit the steps it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nurture.files import walk
from nurture.files.findings import Finding, Scene
from nurture.files.nearest import did_you_mean


def _texts(value: Any) -> dict[str, str]:
    return {key: said for key, said in value.items() if isinstance(said, str)} if isinstance(value, dict) else {}


def moved(scene: Scene) -> Iterator[Finding]:
    """A step moves from an id that is gone to one that is there, and no two move to the same."""
    ids = {step.id for step in walk.steps(scene.data.get("steps")) if step.id}
    taken: dict[str, str] = {}
    for old, new in _texts(scene.data.get("moved")).items():
        if old in ids:
            message = f"'{old}' is still a step here, so it has not moved"
            yield Finding(("moved", old), "moved-still-there", message, "remove this line", at_key=True)
        elif new not in ids:
            hint = did_you_mean(new, ids)
            yield Finding(("moved", old), "moved-nowhere", f"no step here has the id '{new}'", hint)
        elif new in taken:
            message = f"'{taken[new]}' moved to '{new}' already, and two steps cannot become one"
            yield Finding(("moved", old), "moved-twice", message, f"write 'removed: {{{old}: next}}' instead")
        taken.setdefault(new, old)


def removed(scene: Scene) -> Iterator[Finding]:
    """A step that is removed is not there, and did not move."""
    ids = {step.id for step in walk.steps(scene.data.get("steps")) if step.id}
    moves = _texts(scene.data.get("moved"))
    for old in _texts(scene.data.get("removed")):
        if old in ids:
            message = f"'{old}' is still a step here, so it is not removed"
            yield Finding(("removed", old), "removed-still-there", message, "remove this line", at_key=True)
        elif old in moves:
            message = f"'{old}' cannot be removed and have moved to '{moves[old]}' as well"
            yield Finding(("removed", old), "removed-and-moved", message, "remove this line", at_key=True)
