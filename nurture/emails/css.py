"""CSS that large mail programs ignore, by what caniemail.com has tested: a property, and who does without it.

The data are those of Can I email (MIT), reduced to one place each of seven large mail programs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

ENOUGH = 2
"""So many of the programs must ignore a thing before it is spoken of, unless the layout hangs on it."""

LAYOUT = frozenset({"css-display-flex", "css-display-grid", "css-position", "css-float", "css-column-count"})
"""What moves things about: where one large program ignores it, its readers see another email."""

HARMLESS = frozenset({"css-color-scheme", "css-cursor"})
"""What is written for the programs that read it, and of which the others' readers miss nothing."""

DO_WITHOUT = "do without"

WRITTEN: Mapping[str, tuple[str, str | None, str]] = {
    "css-display-flex": ("display", r"(inline-)?flex\b", "use a table"),
    "css-display-grid": ("display", r"(inline-)?grid\b", "use a table"),
    "css-position": ("position", r"relative|absolute|fixed|sticky", "use a table"),
    "css-left-right-top-bottom": ("left|right|top|bottom", None, "use padding or a table"),
    "css-z-index": ("z-index", None, "lay nothing over anything"),
    "css-float": ("float", r"left|right", "write align=\"…\" at the table or image"),
    "css-align-items": ("align-items", None, "write valign=\"…\" at a table's cell"),
    "css-justify-content": ("justify-content", None, "write align=\"…\" at a table's cell"),
    "css-flex-direction": ("flex-direction", None, "use a table"),
    "css-grid-template": ("grid-template(-areas|-columns|-rows)?", None, "use a table"),
    "css-gap": ("(row-|column-)?gap", None, "use padding"),
    "css-column-count": ("column-count|columns", None, "use a table"),
    "css-max-width": ("max-width", None, "write width=\"…\" beside it"),
    "css-max-height": ("max-height", None, "write height=\"…\" beside it"),
    "css-min-height": ("min-height", None, "use padding"),
    "css-overflow": ("overflow(-x|-y)?", None, "let it show"),
    "css-visibility": ("visibility", r"hidden|collapse", "leave it out of the email"),
    "css-object-fit": ("object-fit", None, "cut the image to its size"),
    "css-aspect-ratio": ("aspect-ratio", None, "write width and height"),
    "css-background-image": ("background(-image)?", r"url\(", "give it a background colour that reads well alone"),
    "css-background-size": ("background-size", None, "make the image as large as it shows"),
    "css-linear-gradient": ("background(-image)?", r"linear-gradient\(", "give it a background colour before"),
    "css-radial-gradient": ("background(-image)?", r"radial-gradient\(", "give it a background colour before"),
    "css-border-radius": ("border(-[a-z]+)*-radius", None, "let corners be square there"),
    "css-box-shadow": ("box-shadow", None, "use a border"),
    "css-text-shadow": ("text-shadow", None, "choose a colour that reads well alone"),
    "css-opacity": ("opacity", None, "write the colour itself"),
    "css-filter": ("filter", None, "change the image itself"),
    "css-clip-path": ("clip-path", None, "cut the image itself"),
    "css-mix-blend-mode": ("mix-blend-mode", None, "change the image itself"),
    "css-transform": ("transform", None, "turn the image itself"),
    "css-transition": ("transition(-[a-z]+)*", None, DO_WITHOUT),
    "css-animation": ("animation(-[a-z]+)*", None, "use an animated GIF, whose first picture says it all"),
    "css-variables": ("--[a-z][\\w-]*", None, "write the value itself"),
    "css-unit-calc": ("[a-z-]+", r"\bcalc\(", "write the length itself"),
    "css-function-clamp": ("[a-z-]+", r"\bclamp\(", "write the length itself"),
    "css-function-min": ("[a-z-]+", r"\bmin\(", "write the length itself"),
    "css-function-max": ("[a-z-]+", r"\bmax\(", "write the length itself"),
    "css-unit-rem": ("[a-z-]+", r"\drem\b", "write pixels"),
    "css-unit-ch": ("[a-z-]+", r"\dch\b", "write pixels"),
    "css-unit-vmin": ("[a-z-]+", r"\dvmin\b", "write pixels or per cent"),
    "css-unit-vmax": ("[a-z-]+", r"\dvmax\b", "write pixels or per cent"),
    "css-function-light-dark": ("[a-z-]+", r"\blight-dark\(", "write the colour, and the other in @media"),
    "css-modern-color": ("[a-z-]+", r"\b(lab|lch|oklab|oklch|hwb|color)\(", "write the colour as #rrggbb"),
    "css-conic-gradient": ("background(-image)?", r"conic-gradient\(", "give it a background colour before"),
    "css-margin-inline-block": ("margin-(inline|block)", None, "write margin-left, -right, -top and -bottom"),
    "css-margin-inline-start-end": ("margin-inline-(start|end)", None, "write margin-left and margin-right"),
    "css-margin-block-start-end": ("margin-block-(start|end)", None, "write margin-top and margin-bottom"),
    "css-padding-inline-block": ("padding-(inline|block)", None, "write padding-left, -right, -top and -bottom"),
    "css-padding-inline-start-end": ("padding-inline-(start|end)", None, "write padding-left and padding-right"),
    "css-padding-block-start-end": ("padding-block-(start|end)", None, "write padding-top and padding-bottom"),
    "css-border-inline-block": ("border-(inline|block)", None, "write border-left, -right, -top and -bottom"),
    "css-border-inline-block-individual": ("border-(inline|block)-(start|end)", None, "write border-left and the like"),
    "css-border-inline-block-longhand": (
        "border-(inline|block)(-start|-end)?-(color|style|width)", None, "write border-left-width and the like"
    ),
    "css-border-radius-logical": ("border-(start|end)-(start|end)-radius", None, "let corners be square there"),
    "css-block-inline-size": ("block-size|inline-size", None, "write width=\"…\" and height=\"…\""),
    "css-intrinsic-size": ("[a-z-]+", r"\b(min|max|fit)-content\b", "write the length itself"),
    "css-column-layout-properties": ("column-(fill|rule|rule-[a-z]+|span|width)", None, "use a table"),
    "css-scroll-snap": ("scroll-snap-[a-z-]+", None, DO_WITHOUT),
}  # fmt: skip
"""How each tested thing is written, its property and what its value holds, and what to do instead.

What was tested of a property and is not among them is called as the property is.
"""

_STYLE = re.compile(r"<style[^>]*>(.*?)</style\s*>", re.S | re.I)
_ATTRIBUTE = re.compile(r"\sstyle=(?:\"([^\"]*)\"|'([^']*)')", re.I)
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_DECLARED = re.compile(r"(?:^|[{;])\s*(-{0,2}[a-z][\w-]*)\s*:\s*([^;{}]+)", re.I)
_IMPORT = re.compile(r"@import\b")


@dataclass(frozen=True, slots=True)
class Tested:
    """One thing of CSS: when it was tested, and the programs that ignore it."""

    name: str
    date: str
    ignored_by: tuple[str, ...]

    @property
    def matters(self) -> bool:
        """Whether enough people would see something else."""
        return self.name not in HARMLESS and len(self.ignored_by) >= (1 if self.name in LAYOUT else ENOUGH)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A declaration at an offset of the HTML that large mail programs ignore."""

    at: int
    written: str
    tested: Tested
    hint: str

    @property
    def message(self) -> str:
        """Who ignores what."""
        *others, last = self.tested.ignored_by
        who = f"{', '.join(others)} and {last}" if others else last
        return f"'{self.written}' is ignored by {who} (caniemail.com, tested {self.tested.date})"


@cache
def tested() -> Mapping[str, Tested]:
    """All that was tested, by name."""
    data = json.loads((files("nurture.emails") / "caniemail" / "support.json").read_text())
    return {
        name: Tested(name, one["tested"], tuple(
            client for client, says in zip(data["clients"], one["support"], strict=True) if says == "n"
        ))
        for name, one in data["features"].items()
    }  # fmt: skip


def ignored(html: str) -> Iterator[Ignored]:
    """What large mail programs ignore of the styles in `html`.

    What stands in `@media` and its like is written for those who read it, and is passed over.
    """
    for block in _STYLE.finditer(html):
        for found in _IMPORT.finditer(block[1]):
            yield from _matters("css-at-import", block.start(1) + found.start(), "@import", "put the rules in <style>")
        yield from _declared(_without_at_rules(_blank(_COMMENT, block[1])), block.start(1))
    for attribute in _ATTRIBUTE.finditer(html):
        group = 1 if attribute[1] is not None else 2
        yield from _declared(attribute[group], attribute.start(group))


def _declared(text: str, start: int) -> Iterator[Ignored]:
    for found in _DECLARED.finditer(text):
        name, value = found[1].lower(), found[2].strip()
        for feature in _features(name, value):
            _, values, hint = WRITTEN.get(feature, (name, None, DO_WITHOUT))
            written = f"{name}: {value}" if values and len(value) < 30 else name
            yield from _matters(feature, start + found.start(1), written, hint)


@lru_cache(maxsize=4096)
def _features(name: str, value: str) -> tuple[str, ...]:
    """What of the tested things a declaration is."""
    found = tuple(
        feature
        for feature, (properties, values, _) in WRITTEN.items()
        if re.fullmatch(properties, name) and (values is None or re.search(values, value, re.I))
    )
    itself = f"css-{name}"
    return (*found, itself) if itself in tested() and itself not in WRITTEN else found


def _matters(name: str, at: int, written: str, hint: str) -> Iterator[Ignored]:
    if tested()[name].matters:
        yield Ignored(at, written, tested()[name], hint)


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: " " * len(match[0]), text)


def _without_at_rules(text: str) -> str:
    """`text` with blanks for every `@…` and the braces behind it."""
    kept: list[str] = []
    at: Sequence[int] = [match.start() for match in re.finditer("@", text)]
    end = 0
    for start in at:
        if start >= end:
            kept.append(text[end:start])
            end = _end_of_rule(text, start)
            kept.append(" " * (end - start))
    return "".join([*kept, text[end:]])


def _end_of_rule(text: str, start: int) -> int:
    depth = 0
    for at in range(start, len(text)):
        if text[at] == ";" and not depth:
            return at + 1
        depth += (text[at] == "{") - (text[at] == "}")
        if text[at] == "}" and depth <= 0:
            return at + 1
    return len(text)
