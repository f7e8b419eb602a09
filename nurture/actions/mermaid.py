"""A campaign's picture as text for Mermaid (https://mermaid.js.org), which GitHub and many editors draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nurture.actions.picture import Node, Picture, people, reasons

SHAPES = {"wait": ("(", ")"), "if": ("{{", "}}"), "split": ("{{", "}}"), "send": ("[", "]")}
"""What stands around a step's words: a round box to wait, a hexagon to choose, an edged box for an email."""

OTHER = ("[/", "/]")
SIGNS = {sign: f"#{ord(sign)};" for sign in '#"<>&`\\'}
"""Signs that mean something to Mermaid or to HTML even between quotes, as the entities it reads back."""

Loose = tuple[str, str]
"""An end that leads on to whatever follows: from which box, under which words."""


@dataclass(slots=True)
class _Chart:
    """The lines of a chart as it grows."""

    counts: bool
    lines: list[str] = field(default_factory=list)
    boxes: int = 0

    def box(self, words: str, around: tuple[str, str]) -> str:
        name = f"n{self.boxes}"
        self.boxes += 1
        self.lines.append(f'  {name}{around[0]}"{words}"{around[1]}')
        return name

    def lead(self, ends: Sequence[Loose], to: str) -> None:
        for start, words in ends:
            label = f'|"{escaped(words)}"|' if words else ""
            self.lines.append(f"  {start} -->{label} {to}")


def escaped(text: str) -> str:
    """A text that may stand between quotes in Mermaid, whatever is in it."""
    return "".join(SIGNS.get(sign, sign) for sign in " ".join(text.split()))


def mermaid(picture: Picture, counts: bool = False) -> str:
    """The campaign as a Mermaid flowchart; with `counts`, who stands where, and how those who left did."""
    chart = _Chart(counts)
    start = chart.box("<br/>".join(map(escaped, _head(picture, counts))), ("([", "])"))
    ends = _steps(chart, picture.nodes, [(start, "")])
    chart.lead(ends, chart.box("the end", ("([", "])")))
    for words in reasons(picture) if counts else ():
        chart.lines.append(f"  {start} -.-> {chart.box(escaped(words), ('>', ']'))}")
    title = f"  accTitle: {escaped(picture.campaign.title)}"
    return "\n".join(["flowchart TD", title, *chart.lines]) + "\n"


def _head(picture: Picture, counts: bool) -> Iterator[str]:
    yield picture.campaign.title
    yield picture.enters
    if counts:
        yield people(picture.entered, "entered")


def _steps(chart: _Chart, nodes: Sequence[Node], ends: list[Loose]) -> list[Loose]:
    """Draws steps one after the other; what is still to lead on when they are over."""
    for node in nodes:
        words = "<br/>".join(escaped(line) for line in node.lines(chart.counts))
        name = chart.box(words, SHAPES.get(node.kind, OTHER))
        chart.lead(ends, name)
        ends = [end for title, inside in node.ways for end in _way(chart, name, title, inside)] or [(name, "")]
    return ends


def _way(chart: _Chart, name: str, title: str, inside: Sequence[Node]) -> list[Loose]:
    return _steps(chart, inside, [(name, title)])
