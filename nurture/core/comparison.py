"""What tells one file's meaning from another's, key by key: plain values are compared, never text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

Path = tuple[str, ...]
"""Keys from the outside in; an item of a list that has an id is named by it."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key that says something else; `before` or `after` is None where it says nothing."""

    path: Path
    before: Any
    after: Any

    @property
    def sign(self) -> str:
        """`+` for what came, `-` for what went, `~` for what changed."""
        if self.before is None:
            return "+"
        return "-" if self.after is None else "~"


def compare(before: BaseModel, after: BaseModel) -> list[KeyChange]:
    """The differences, in the order of the model's keys. What is written anew in other words is no difference."""
    old, new = (one.model_dump(mode="json", by_alias=True) for one in (before, after))
    return list(_between(old, new, ()))


def _between(old: Any, new: Any, path: Path) -> Iterator[KeyChange]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _between(old.get(key), new.get(key), (*path, str(key)))
    elif (ours := _by_id(old)) is not None and (theirs := _by_id(new)) is not None and (ours or theirs):
        yield from _items(ours, theirs, path)
    elif _said(old) != _said(new):
        yield KeyChange(path, _said(old), _said(new))


def _items(old: Mapping[str, Any], new: Mapping[str, Any], path: Path) -> Iterator[KeyChange]:
    for name in dict.fromkeys((*old, *new)):
        yield from _between(old.get(name), new.get(name), (*path, name))
    before, after = [one for one in old if one in new], [one for one in new if one in old]
    if before != after:
        yield KeyChange((*path, "order"), before, after)


def _by_id(value: Any) -> dict[str, Any] | None:
    """The items of a list by their ids; None for what is no list of such."""
    if value is None:
        return {}
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    items = {one["id"]: one for one in value if isinstance(one, Mapping) and "id" in one}
    return items if len(items) == len(value) else None


def _said(value: Any) -> Any:
    """A value without what it leaves at its default of saying nothing."""
    if isinstance(value, Mapping):
        inside = {key: _said(one) for key, one in value.items()}
        return {key: one for key, one in inside.items() if one is not None} or None
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_said(one) for one in value] or None
    return value
