"""A story that did not come as it was told, for people: the line, what happened instead, and all that happened."""

from __future__ import annotations

from collections.abc import Iterator

from nurture.actions.outcome import Played
from nurture.core.problem import Problem
from nurture.files.problems import show


def difference(played: Played, text: str) -> str:
    """What differs, as lines of text; `text` is that of the scenario's file."""
    return "\n".join(_lines(played, text))


def _lines(played: Played, text: str) -> Iterator[str]:
    deviation = played.deviation
    if deviation is None:
        return
    told = Problem(played.path, played.line, played.column, "scenario", played.title, f"instead: {deviation.instead}")
    yield show(told, {played.path: text})
    if played.events:
        yield "      What happened, in the contact's own time:"
    for place, event in enumerate(played.events):
        mark = ">" if place == played.first_wrong else " "
        yield f"      {mark} {event.when}  {event.what}"
