"""What Jinja2 could not read, told where it is mended: the tag that is not closed, the word that is not known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from jinja2.exceptions import TemplateSyntaxError

CLOSES = {
    "if": "endif", "for": "endfor", "block": "endblock", "with": "endwith", "macro": "endmacro", "call": "endcall",
    "filter": "endfilter", "autoescape": "endautoescape", "raw": "endraw",
}  # fmt: skip
WORDS = frozenset({*CLOSES, *CLOSES.values(), "else", "elif", "extends", "include", "import", "from", "set", "endset"})
_TAG = re.compile(r"\{%[-+]?\s*(\w+)")
_OPENING = re.compile(r"\{\{|\{%")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.S)
_CLOSED = re.compile(r"\{\{(?:(?!\{\{|\{%).)*?\}\}|\{%(?:(?!\{\{|\{%).)*?%\}", re.S)


@dataclass(frozen=True, slots=True)
class Told:
    """Where in the text a mistake is mended (an offset), what it is, and what to write."""

    at: int
    message: str
    hint: str | None


def explain(text: str, error: TemplateSyntaxError) -> Told:
    """A syntax error of `text` in the words of its writer."""
    reason = str(error.message)
    braces = _unclosed_braces(text, error.lineno) or _unclosed_quote(text, error.lineno)
    for told in (braces, _unknown_word(text, reason), _unclosed_tag(text, reason)):
        if told is not None:
            return told
    return Told(_line(text, error.lineno), f"the template cannot be read: {reason}", None)


def _line(text: str, number: int) -> int:
    """Where a line begins, without its indentation."""
    lines = text.split("\n")
    before = lines[: max(number, 1) - 1]
    here = lines[len(before)] if len(before) < len(lines) else ""
    return sum(len(line) + 1 for line in before) + len(here) - len(here.lstrip())


def _unclosed_braces(text: str, upto: int) -> Told | None:
    """Braces that open and do not close before the next ones open."""
    closed = {match.start() for match in _CLOSED.finditer(text)}
    for match in _OPENING.finditer(text):
        if match.start() not in closed and text.count("\n", 0, match.start()) < upto:
            ending = "}}" if match[0] == "{{" else "%}"
            message = f"the '{match[0]}' that opens here is not closed"
            return Told(match.start(), message, f"close it with '{ending}'")
    return None


def _unclosed_quote(text: str, upto: int) -> Told | None:
    """Braces in which a quote opens and does not close."""
    for match in _CLOSED.finditer(text):
        if text.count("\n", 0, match.start()) < upto and re.search("[\"']", _QUOTED.sub("", match[0])):
            return Told(match.start(), "a quote that opens here is not closed", "close it before the braces do")
    return None


def _unknown_word(text: str, reason: str) -> Told | None:
    """A tag that begins with a word no tag has."""
    found = re.search(r"unknown tag '(\w+)'", reason)
    if not found or found[1] in WORDS:
        return None
    at = next((match.start(1) for match in _TAG.finditer(text) if match[1] == found[1]), 0)
    near = get_close_matches(found[1], sorted(WORDS), 1)
    return Told(at, f"there is no tag '{found[1]}'", f"did you mean '{near[0]}'?" if near else None)


def _unclosed_tag(text: str, reason: str) -> Told | None:
    """The tag that begins something no tag ends, or the one that ends what none began."""
    if "unknown tag" not in reason and "end of template" not in reason:
        return None
    stray, left = _walk(text)
    if stray is not None:
        word = _TAG.match(text, stray)
        return Told(stray, f"'{word[1] if word else ''}' ends what nothing before it began", "take it out")
    if left is None:
        return None
    opening = _TAG.match(text, left)
    begun = str(opening[1]) if opening else "if"
    return Told(left, f"the '{begun}' that begins here is not ended", f"write '{{% {CLOSES[begun]} %}}' where it ends")


def _walk(text: str) -> tuple[int | None, int | None]:
    """The first closing tag that closes nothing and, where all close something, the innermost that stays open."""
    stack: list[tuple[str, int]] = []
    for word, at in _tags(text):
        if word in CLOSES:
            stack.append((word, at))
        elif word in CLOSES.values():
            if not stack:
                return at, None
            if CLOSES[stack[-1][0]] != word:
                return None, stack[-1][1]
            stack.pop()
    return None, stack[-1][1] if stack else None


def _tags(text: str) -> Iterator[tuple[str, int]]:
    for match in _TAG.finditer(text):
        yield match[1], match.start()
