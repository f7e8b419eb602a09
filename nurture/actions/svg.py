"""A campaign's picture as one SVG file that needs nothing else: readable in light and dark, on a desk and on a phone.

Steps stand below each other and branches inside what chooses them, as on the pages of `nurture run`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from nurture.actions.picture import Node, Picture, people, reasons

WIDTH = 380
"""Width of the picture in its own units; fourteen of them are the height of a letter, so a phone shows it readably."""
MARGIN, INDENT, GAP, PAD = 14, 16, 14, 9
LINE, TALL = 17, 22
LETTER = {"title": 10.6, "id": 8.0, "count": 8.0}
PLAIN = 7.2
"""How wide a letter is on average, and a little more, so that no line leaves its box."""
COLOURS = ("send", "wait", "if", "split", "set", "stop", "withdraw", "notify")
STYLE = """\
:root{color-scheme:light dark}
svg{--ground:#f6f5f2;--sheet:#fff;--ink:#1d1f20;--quiet:#5d6266;--line:#cfccc4;--send:#0a6557;--wait:#77808d;--if:#96690f;\
--set:#2f69a8;--stop:#a8352b}
@media (prefers-color-scheme:dark){svg{--ground:#121415;--sheet:#1b1e20;--ink:#ecebe7;--quiet:#a6abaf;--line:#42484c;\
--send:#6fd2bf;--wait:#9aa5b4;--if:#d9a94c;--set:#6ba5e7;--stop:#ef8b80}}
text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:var(--ink)}
.title{font-size:17px;font-weight:650}.id{font-weight:650}.quiet{fill:var(--quiet)}.way{font-weight:600;fill:var(--if)}
.count{font-weight:650;fill:var(--send)}.ground{fill:var(--ground)}.box{fill:var(--sheet);stroke:var(--line)}
.path{stroke:var(--line);stroke-width:1.5;fill:none}.head{fill:var(--line)}
.send{fill:var(--send)}.wait{fill:var(--wait)}.if,.split{fill:var(--if)}.set,.notify{fill:var(--set)}
.stop,.withdraw{fill:var(--stop)}
"""


@dataclass(slots=True)
class _Sheet:
    """What is drawn so far, and how far down."""

    counts: bool
    parts: list[str] = field(default_factory=list)
    y: float = MARGIN

    def text(self, words: str, x: float, kind: str = "") -> None:
        """One line of text below what is drawn."""
        self.y += TALL if kind == "title" else LINE
        said = f' class="{kind}"' if kind else ""
        self.parts.append(f'<text x="{x:g}" y="{self.y - 4:g}"{said}>{escape(words)}</text>')

    def lines(self, words: str, x: float, kind: str = "") -> None:
        """A text on as many lines as it needs."""
        room = int((WIDTH - MARGIN - PAD - x) / LETTER.get(kind, PLAIN))
        for line in textwrap.wrap(" ".join(words.split()), max(room, 12)):
            self.text(line, x, kind)


def svg(picture: Picture, counts: bool = False) -> str:
    """The campaign as an SVG file; with `counts`, who stands where, and how those who left did."""
    sheet = _Sheet(counts)
    sheet.y += 6
    sheet.lines(picture.campaign.title, MARGIN, "title")
    sheet.lines(picture.enters, MARGIN, "quiet")
    if counts:
        sheet.lines(people(picture.entered, "entered"), MARGIN, "count")
    sheet.y += GAP / 2
    _steps(sheet, picture.nodes, MARGIN, first=True)
    if counts:
        _left(sheet, picture)
    return _file(picture, sheet)


def _file(picture: Picture, sheet: _Sheet) -> str:
    height = sheet.y + MARGIN
    title, about = escape(picture.campaign.title), escape(f"The steps of the campaign {picture.campaign.name}")
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}" '
        'style="max-width:100%;height:auto" role="img">',
        f"<title>{title}</title>", f"<desc>{about}</desc>", f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height:g}" rx="12"/>', *sheet.parts, "</svg>", "",
    ))  # fmt: skip


def _steps(sheet: _Sheet, nodes: Sequence[Node], x: float, first: bool = False) -> None:
    for number, node in enumerate(nodes):
        if number or not first:
            _arrow(sheet, x + INDENT)
        _step(sheet, node, x)


def _arrow(sheet: _Sheet, x: float) -> None:
    """A line down to the next box, with its head."""
    end = sheet.y + GAP
    sheet.parts.append(f'<path class="path" d="M{x:g} {sheet.y:g}V{end - 4:g}"/>')
    sheet.parts.append(f'<path class="head" d="M{x - 4:g} {end - 6:g}h8l-4 6z"/>')
    sheet.y = end


def _step(sheet: _Sheet, node: Node, x: float) -> None:
    """A box with the step's words, and below it each way inside it."""
    top, place = sheet.y, len(sheet.parts)
    sheet.y += PAD - 3
    name, *words = node.lines(sheet.counts)
    sheet.lines(name, x + PAD + 4, "id")
    for line in words:
        sheet.lines(line, x + PAD + 4, "count" if line in node.counted() else "quiet")
    sheet.y += PAD - 3
    kind = node.kind if node.kind in COLOURS else "set"
    size = f'x="{x:g}" y="{top:g}" width="{WIDTH - MARGIN - x:g}" height="{sheet.y - top:g}" rx="7"'
    bar = f'x="{x:g}" y="{top + 6:g}" width="4" height="{sheet.y - top - 12:g}" rx="2"'
    sheet.parts[place:place] = [f'<rect class="box" {size}/>', f'<rect class="{kind}" {bar}/>']
    for title, inside in node.ways:
        _way(sheet, title, inside, x)
    sheet.y += 4 if node.ways else 0


def _way(sheet: _Sheet, title: str, inside: Sequence[Node], x: float) -> None:
    """The steps of one way, indented below its heading; a line at their left shows how far it goes."""
    top = sheet.y
    sheet.y += 5
    sheet.text(title if inside else f"{title}: on at once", x + INDENT + 6, "way")
    if inside:
        sheet.y += 2
        _steps(sheet, inside, x + INDENT, first=True)
    sheet.parts.append(f'<path class="path" d="M{x + 5:g} {top:g}V{sheet.y:g}"/>')


def _left(sheet: _Sheet, picture: Picture) -> None:
    told = list(reasons(picture))
    if told:
        sheet.y += GAP
        sheet.text("Left", MARGIN, "id")
        for words in told:
            sheet.lines(words, MARGIN, "quiet")
