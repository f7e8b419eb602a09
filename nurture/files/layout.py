"""The canonical layout of a file: the models' order of keys, one indentation, one style of quotes, lists and spaces.

Comments stay with what they belong to. What is written in brackets stays so where it fits on its line.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from nurture.files import shape
from nurture.files.languages import KINDS
from nurture.files.spelling import days, respelled
from nurture.files.tree import scalar
from nurture.files.written import Member, Part, Written, written

WIDTH = 120
"""Columns of a line, without the comment beside it."""
FOLD = 100
GAP = 2
"""Spaces between a value and the comment beside it, at the least."""
STEP = "  "
SAFE = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=<][^\n\t]*")
RISKY = re.compile(r": |:$| #|\s$")
IN_BRACKETS = re.compile(r"[,\[\]{}]|:$")
MISTAKABLE = re.compile(r"(?i)yes|no|on|off|y|n|[-+]?[\d_.,:]+(e[-+]?\d+)?|0[xob]\w+|\d{4}-\d\d?-\d\d?.*")
"""Texts that another reader of YAML takes for a switch, a number or a date; they keep their quotes."""


def laid_out(text: str, model: type[BaseModel], spell: bool = True) -> str:
    """The canonical form of a text that `tree` can read. Values are respelled only where `spell` says so."""
    file = written(text.removeprefix("\ufeff"))
    _settle(file.root, model, (), spell)
    _align(file)
    lines = [*_squeezed(file.head), *_top(file), *_squeezed(file.foot)]
    return "\n".join(lines).strip("\n") + "\n"


def _align(file: Written) -> None:
    """Comments beside values stand in one column, the one that most of them stand in already, where there is room."""
    for _ in _top(file):
        pass  # says of every line with a comment how long it is
    told = [one for one in _walk(file.root) if one.beside]
    padded = Counter(one.beside_at for one in told if one.reach + GAP < one.beside_at < WIDTH)
    column = max(padded, key=lambda at: (padded[at], -at), default=0)
    for one in told:
        one.beside_at = column


def _walk(part: Part) -> Iterator[Member]:
    for member in part.members or ():
        yield member
        yield from _walk(member.part)


def _top(file: Written) -> Iterator[str]:
    """The keys of the file; an empty line stands around those that take several lines."""
    long_before = False
    for number, member in enumerate(file.root.members or ()):
        lines = list(_member(member, ""))
        long = len(lines) - len(member.before) > 1
        if number and (long or long_before or member.blank):
            yield ""
        yield from lines
        long_before = long


def _squeezed(lines: Sequence[str]) -> Iterator[str]:
    """Without the second of two empty lines."""
    for number, line in enumerate(lines):
        if line or not number or lines[number - 1]:
            yield line


# --- what the model says ---------------------------------------------------------------------------


def _settle(part: Part, root: type[BaseModel], path: tuple[str | int, ...], spell: bool) -> None:
    """Puts keys into the model's order and, where wanted, values into their one spelling."""
    kinds = shape.at(root, path)
    if spell and part.members is None:
        _spell(part, kinds)
    elif spell and frozenset in {getattr(kind, "__origin__", kind) for kind in kinds}:
        _shorten(part)
    if part.keyed:
        _sort(part, [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)])
    for number, member in enumerate(part.members or ()):
        _settle(member.part, root, (*path, member.key.text if member.key else number), spell)


def _spell(part: Part, kinds: Sequence[Any]) -> None:
    spelled = respelled(part.text, kinds)
    if spelled != part.text or (part.style and bool in kinds and str not in kinds):
        part.text, part.style = spelled, None


def _shorten(part: Part) -> None:
    """A list of weekdays that follow on each other becomes one text."""
    items = [member.part.text for member in part.members or ()]
    try:
        text = days(items)
    except ValueError:
        return
    if "-" in text and "," not in text and not any(_comments(part)):
        part.text, part.members, part.keyed, part.flow = text, None, False, False


def _comments(part: Part) -> Iterator[str]:
    for member in _walk(part):
        yield from filter(None, (*member.before, member.beside, *member.after))


def _sort(part: Part, models: Sequence[type[BaseModel]]) -> None:
    members = part.members or []
    names = {member.key.text for member in members if member.key}
    order = next((_order(model) for model in models if names <= set(shape.keys(model))), None)
    if order and members:
        part.members = sorted(members, key=lambda one: order.index(one.key.text) if one.key else 0)
        first = part.members[0]
        members[0].blank, first.blank = first.blank, False


def _order(model: type[BaseModel]) -> list[str]:
    """The model's keys in their order; below the top of a file those that are needed come first."""
    keys = shape.keys(model)
    top = any(model is kind.model for kind in KINDS)
    return list(keys) if top else sorted(keys, key=lambda key: not keys[key].is_required())


# --- lines -----------------------------------------------------------------------------------------


def _member(member: Member, pad: str) -> Iterator[str]:
    """A member's lines: its comments, its key or dash, its value."""
    yield from (f"{pad}{line}".rstrip() for line in _squeezed(member.before))
    name = f"{_scalar(member.key, True)}:" if member.key else "-"
    lines = list(_item(member.part, pad) if member.key is None else _valued(member.part, pad, name))
    lead = next((number for number, line in enumerate(lines) if not line.lstrip().startswith("#")), 0)
    yield from lines[:lead]
    yield _beside(lines[lead], member)
    yield from lines[lead + 1 :]
    yield from (f"{pad}{line}".rstrip() for line in _squeezed(member.after))


def _beside(line: str, member: Member) -> str:
    if not member.beside:
        return line
    member.reach = len(line)
    return f"{line}{' ' * max(GAP, member.beside_at - member.reach)}{member.beside}"


def _valued(part: Part, pad: str, name: str) -> Iterator[str]:
    inline = _inline(part, len(pad) + len(name) + 1)
    if inline is not None:
        yield f"{pad}{name} {inline}"
    elif part.members is None:
        head, *rest = _block_text(part)
        yield f"{pad}{name} {head}"
        yield from (f"{pad}{STEP}{line}".rstrip() for line in rest)
    else:
        yield f"{pad}{name}"
        yield from _members(part, pad + STEP)


def _members(part: Part, pad: str) -> Iterator[str]:
    for number, member in enumerate(part.members or ()):
        if number and member.blank:
            yield ""
        yield from _member(member, pad)


def _item(part: Part, pad: str) -> Iterator[str]:
    """An item's lines; comments above its first key stand above its dash."""
    if part.members is None or _inline(part, len(pad) + 2) is not None:
        yield from _valued(part, pad, "-")
        return
    lines = list(_members(part, pad + STEP))
    lead = next(number for number, line in enumerate(lines) if not line.startswith(f"{pad}{STEP}#"))
    yield from (f"{pad}{line.strip()}" for line in lines[:lead])
    yield f"{pad}- {lines[lead].removeprefix(pad + STEP)}"
    yield from lines[lead + 1 :]


def _inline(part: Part, used: int) -> str | None:
    """The value on one line after `used` columns; None where it needs several."""
    if part.members is None:
        return None if _takes_lines(part, used) else _scalar(part, False)
    if not part.members:
        return "{}" if part.keyed else "[]"
    short = not part.keyed and all(one.part.members is None for one in part.members)
    if not (part.flow or short) or any(_comments(part)):
        return None
    line = _flow(part)
    return line if used + len(line) <= WIDTH else None


def _flow(part: Part) -> str:
    if part.members is None:
        return _scalar(part, True)
    inner = ", ".join(
        f"{_scalar(one.key, True)}: {_flow(one.part)}" if one.key else _flow(one.part) for one in part.members
    )
    return f"{{{inner}}}" if part.keyed else f"[{inner}]"


# --- texts -----------------------------------------------------------------------------------------


def _scalar(part: Part, brackets: bool) -> str:
    """A scalar on one line: without quotes where it means the same without them."""
    text = part.text
    if part.style is None and not _needs_quotes(text, brackets):
        return text
    if part.style is not None and _is_plainly_text(text) and not _needs_quotes(text, brackets):
        return text
    if "\n" in text or "\t" in text or ('"' in text and "'" in text) or not text.isprintable():
        return json.dumps(text, ensure_ascii=False)
    return "'" + text.replace("'", "''") + "'" if '"' in text or "\\" in text else f'"{text}"'


def _is_plainly_text(text: str) -> bool:
    return bool(text) and isinstance(scalar(text), str) and not MISTAKABLE.fullmatch(text)


def _needs_quotes(text: str, brackets: bool) -> bool:
    if not text:
        return False
    plain = SAFE.fullmatch(text) or (text[0] in "-?:" and re.fullmatch(r"[-?:][^\s,\[\]{}][^\n\t]*", text))
    return not plain or bool(RISKY.search(text)) or (brackets and bool(IN_BRACKETS.search(text)))


def _takes_lines(part: Part, used: int) -> bool:
    if "\n" in part.text.rstrip("\n") or part.text.endswith("\n"):
        return _is_literal(part.text)
    return _folds(part.text) and (part.style == ">" or used + len(part.text) > WIDTH)


def _is_literal(text: str) -> bool:
    lines = text.split("\n")
    return (
        not lines[0].startswith((" ", "\t"))
        and bool(lines[0])
        and all(line == line.rstrip() and "\t" not in line and (line.isprintable()) for line in lines)
    )


def _folds(text: str) -> bool:
    return "  " not in text and text == text.strip() and " " in text and text.isprintable()


def _block_text(part: Part) -> Iterator[str]:
    """The lines of a text that has several, or is too long for one."""
    text = part.text
    if "\n" in text:
        yield "|" if text.endswith("\n") and not text.endswith("\n\n") else "|+" if text.endswith("\n\n") else "|-"
        yield from (text[:-1] if text.endswith("\n") else text).split("\n")
    else:
        yield ">-"
        yield from textwrap.wrap(text, FOLD, break_long_words=False, break_on_hyphens=False)
