"""Campaigns that want the same people, where nothing says which of them goes first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nurture.files.contradictions import together
from nurture.files.findings import Finding

STILL = ("draft", "ended")


def rivals(campaigns: Mapping[str, Mapping[str, Any]], order: Sequence[Any]) -> Iterator[tuple[str, Finding]]:
    """Of each two campaigns of one audience that `order` does not name, the second by name, and what is wrong.

    `campaigns` are the files' data by name. Those who leave room for others, enter on events or at a moment, or
    let nobody in, fight with nobody.
    """
    names = [name for name in sorted(campaigns) if name not in order and _looks(campaigns[name])]
    for at, name in enumerate(names):
        first = next(
            (other for other in names[:at] if together(campaigns[other]["audience"], campaigns[name]["audience"])), None
        )
        if first is not None:
            message = f"'{first}' looks for the same people, and one contact is in one campaign at a time"
            hint = f"say in nurture.yaml who goes first, like 'order: [{first}, {name}]'"
            yield name, Finding(("audience",), "same-audience", message, hint, "warning", at_key=True)


def _looks(data: Mapping[str, Any]) -> bool:
    enter = data.get("enter")
    asks = isinstance(enter, dict) and "look" in enter and isinstance(data.get("audience"), dict)
    return asks and data.get("status") not in STILL and data.get("overlap") != "allow"
