"""What an act on an email means in requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from nurture.demo.behaviour import Act, What
from nurture.demo.letters import Letter
from nurture.demo.visitor import Visitor

T = TypeVar("T")

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
CHOICES: tuple[dict[str, str], ...] = (
    {"do": "save", "topic-offers": "yes", "tracked": "yes"},
    {"do": "save", "topic-stories": "yes", "tracked": "yes"},
    {"do": "save", "topic-offers": "yes", "topic-stories": "yes"},
)
"""Only offers; only stories; both, but not measured any more."""


def visit(visitor: Visitor, letter: Letter, act: Act) -> None:
    """Do with `letter` what `act` says. What the letter has no link for cannot be done."""
    match act.what:
        case What.OPEN if letter.pixel:
            visitor.get(letter.pixel, act.agent)
        case What.CLICK if letter.clicks:
            visitor.get(_pick(letter.clicks, act.pick), act.agent)
        case What.SCAN:
            _scan(visitor, letter, act.agent)
        case What.VIEW if letter.view:
            visitor.get(letter.view, act.agent)
        case What.ONE_CLICK if letter.one_click:
            visitor.post(letter.one_click, act.agent, ONE_CLICK)
        case What.UNSUBSCRIBE if letter.unsubscribe:
            visitor.get(letter.unsubscribe, act.agent)
            visitor.post(letter.unsubscribe, act.agent, {})
        case What.PREFER if letter.preferences:
            visitor.get(letter.preferences, act.agent)
            visitor.post(letter.preferences, act.agent, _pick(CHOICES, act.pick))


def _scan(visitor: Visitor, letter: Letter, agent: str) -> None:
    """Look at every link at once, the way a company's gateway does before it lets an email through."""
    for link in letter.everything:
        visitor.head(link, agent)
        visitor.get(link, agent)


def _pick(choices: Sequence[T], pick: float) -> T:
    return choices[min(int(pick * len(choices)), len(choices) - 1)]
