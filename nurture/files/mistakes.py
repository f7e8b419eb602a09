"""What a model refused, said in the words of campaign files: one function for each kind of refusal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from nurture.core.campaign import STEP_KINDS
from nurture.core.condition import BY_KEY
from nurture.core.lifecycle import Stage
from nurture.core.problem import Problem
from nurture.files import kinds, shape
from nurture.files.fixes import meant
from nurture.files.nearest import did_you_mean, nearest
from nurture.files.places import is_currency, locale_meant
from nurture.files.positions import Node, Path, Place, Positions

STAGES = frozenset(stage.value for stage in Stage)
ATTRIBUTE = "an attribute of your own is asked for like {attribute: {plan: pro}}"
PATTERNS = {
    "id": ("is not a step's id", "use small letters, digits and '-', like 'second-letter'"),
    "send": ("is not the name of a template", "write its path below templates/emails, like 'wake-up/miss-you'"),
    "base_url": ("is not an address of the web", "write it like 'https://n.acme.example'"),
    "locale": ("is not a locale", "write it like 'en' or 'tr-TR'"),
    "currency": ("is not a currency", "write three capital letters, like 'EUR'"),
    "exchange": ("is not a currency", "write three capital letters, like 'TRY'"),
    "topics": ("is not a topic's name", "use small letters, digits and '-', like 'product-news'"),
    "personas": ("is not a name here", "use small letters, digits and '-', like 'long-name'"),
    "until": ("is no time, no date and no condition", "write '10:00', 'contact.trial_ends' or {clicked: welcome}"),
    "anniversary": ("is not the name of a date", "write an attribute's name, like 'birthday'"),
    "date": ("is not the name of a date", "write an attribute's name, like 'trial_ends'"),
    "database": ("is not the URL of a database", "write it like 'sqlite:///nurture.db' or 'postgresql+psycopg://host/name'"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal of a model, beside the place in the file it is about."""

    root: type[BaseModel]
    loc: tuple[str | int, ...]
    kind: str
    context: Mapping[str, Any]
    path: Path
    node: Node
    key: Place
    parent: Node

    @property
    def last(self) -> str:
        """The last key on the way there."""
        return next((element for element in reversed(self.path) if isinstance(element, str)), "")

    @property
    def shown(self) -> str:
        """The value as somebody wrote it, short enough for a line."""
        text = self.node.text if self.node.items is None and self.node.entries is None else ""
        return text if len(text) <= 60 else text[:57] + "…"

    @property
    def example(self) -> str | None:
        """A right value, as a line of YAML."""
        names = [element for element in self.loc if isinstance(element, str) and ":" not in element]
        for model in shape.models_at(self.root, self.loc[: self._upto(names)]):
            field = shape.keys(model).get(self.last)
            value = shape.example(field) if field else None
            if value is not None:
                return shape.flow(value)
        return None

    def _upto(self, names: Sequence[str]) -> int:
        return self.loc.index(self.last) if self.last in names else len(self.loc)


@dataclass(frozen=True, slots=True)
class Said:
    """The problem to show: where, under which rule, what and what instead."""

    place: Place
    rule: str
    message: str
    hint: str | None = None


def _unknown_key(refusal: Refusal) -> Said:
    key = str(refusal.loc[-1])
    known = {name for model in shape.models_at(refusal.root, refusal.loc[:-1]) for name in shape.keys(model)}
    if key == "name" and refusal.root.__name__ == "Campaign" and len(refusal.loc) == 1:
        return Said(refusal.key, "unknown-key", "a campaign's name is its file's name", "remove this line")
    absent = known - set(refusal.parent.entries or ())
    best = nearest(key, absent) or nearest(key, known)
    listed = f"known here: {', '.join(sorted(known))}" if known else None
    return Said(refusal.key, "unknown-key", f"unknown key '{key}'", f"did you mean '{best}'?" if best else listed)


def _missing(refusal: Refusal) -> Said:
    key = str(refusal.loc[-1])
    fields = [shape.keys(model).get(key) for model in shape.models_at(refusal.root, refusal.loc[:-1])]
    field = next((one for one in fields if one is not None), None)
    value = shape.example(field) if field is not None else None
    hint = f"write it like '{key}: {shape.flow(value)}'" if value is not None else None
    about = f" ({field.description.rstrip('.')})" if field is not None and field.description else ""
    rule = "missing-step-id" if key == "id" and set(refusal.node.entries or ()) & set(STEP_KINDS) else "missing-key"
    return Said(refusal.node.place, rule, f"'{key}' is missing{about}", hint)


def _condition(refusal: Refusal) -> Said:
    entries = refusal.node.entries
    if entries is None:
        return _no_condition(refusal)
    if len(entries) == 1:
        key, entry = next(iter(entries.items()))
        best = nearest(key, BY_KEY)
        hint = f"did you mean '{best}'?" if best else f"known: {', '.join(BY_KEY)}; {ATTRIBUTE}"
        return Said(entry.place, "unknown-condition", f"unknown condition '{key}'", hint)
    if not entries:
        return Said(refusal.node.place, "condition", "a condition is missing", "write one like {country: TR}")
    second = list(entries.values())[1].place
    names = list(entries)
    ways = (
        "make two items of them" if isinstance(refusal.path[-1], int) else "put them in a list under 'all:' or 'any:'"
    )
    hint = f"{ways}: - {names[0]}: …  - {names[1]}: …"
    return Said(second, "condition", "a condition has one key, and this one has a second", hint)


def _no_condition(refusal: Refusal) -> Said:
    place, text = refusal.node.place, refusal.node.text
    if refusal.path[-1:] == ("until",):
        hint = "write a time of day like '10:00', or a condition like {clicked: welcome}"
        clock = meant(text, "is not a time of day")
        return Said(
            place,
            "condition",
            f"'{text}' is no time and no condition",
            f"did you mean '{clock}'?" if clock else hint,
        )
    if refusal.node.items is not None:
        return Said(place, "condition", "one condition stands here, not a list", "put the list under 'all:' or 'any:'")
    best = nearest(text.replace(":", " ").split(" ")[0], BY_KEY)
    field = BY_KEY[best].model_fields.get(best) or BY_KEY[best].model_fields[f"{best}_"] if best else None
    hint = f"write it like {{{best}: {shape.flow(shape.example(field))}}}" if field else "write one like {country: TR}"
    return Said(place, "condition", f"'{refusal.shown}' is not a condition", hint)


def _step(refusal: Refusal) -> Said:
    entries, place = refusal.node.entries, refusal.node.place
    example = "write it like {id: welcome, send: prospect/welcome}"
    if entries is None:
        return Said(place, "step", "a step is an id and what it does", example)
    kinds = [key for key in entries if key in STEP_KINDS]
    if len(kinds) > 1:
        hint = "make two steps of them, each with its own id"
        return Said(
            entries[kinds[1]].place,
            "step",
            f"a step does one thing, and this one does '{kinds[0]}' and '{kinds[1]}'",
            hint,
        )
    for key in entries:
        best = nearest(key, STEP_KINDS) if key != "id" else None
        if best:
            return Said(entries[key].place, "unknown-step", f"unknown kind of step '{key}'", f"did you mean '{best}'?")
    others = [key for key in entries if key != "id"]
    known = f"a step has one of: {', '.join(STEP_KINDS)}"
    if others:
        return Said(entries[others[0]].place, "unknown-step", f"unknown kind of step '{others[0]}'", known)
    return Said(place, "step", "this step does nothing", known)


def _value(refusal: Refusal) -> Said:
    """A parser of ours refused: its text has the reason, and the spelling after the semicolon."""
    reason = str(refusal.context.get("error", ""))
    what, _, how = reason.partition("; ")
    node = next((item for item in refusal.node.items or () if repr(item.value) in what), refusal.node)
    if kinds.is_nothing(node.text, reason):
        return Said(node.place, *kinds.NOTHING)
    guess = meant(node.text, reason) if node.text else None
    hint = f"did you mean '{guess}'?" if guess else how or None
    what = re.sub(r"^(None|\[.*\]|\{.*\}|\(.*\))(?= )", "this", what)
    rule = kinds.rule(node.text, reason)
    what = f"'{node.text}' is shorter than nothing" if rule == "negative-length" else what
    return Said(_shared(refusal, rule) or node.place, rule, what, hint)


def _shared(refusal: Refusal, rule: str) -> Place | None:
    """Where shares are wrong: the key of all of them, or the one that gets nobody."""
    ways = next((key for key in ("split", "variants") if key in (refusal.node.entries or {})), None)
    if ways is None or refusal.node.entries is None or rule not in ("shares", "unreachable-step"):
        return None
    shares = (item.child("share") for item in refusal.node.entries[ways].node.items or ())
    none = next((one for one in shares if one and re.fullmatch(r"0+(\.0+)?\s*%", one.text)), None)
    return none.place if none and rule == "unreachable-step" else refusal.node.entries[ways].place


def _word(refusal: Refusal) -> Said:
    words = re.findall(r"'([^']*)'", str(refusal.context.get("expected", "")))
    if refusal.shown:
        rule = "unknown-stage" if set(words) == STAGES else "unknown-word"
        hint = did_you_mean(refusal.shown, words)
        return Said(refusal.node.place, rule, f"'{refusal.shown}' is not known here", hint)
    return Said(refusal.node.place, "wrong-type", "one word stands here", f"write one of: {', '.join(words)}")


def _pattern(refusal: Refusal) -> Said:
    where = next((one for one in reversed(refusal.loc) if one in PATTERNS), "")
    what, hint = PATTERNS.get(
        str(where), ("is not spelled right", refusal.example and f"write it like '{refusal.example}'")
    )
    key = refusal.loc[-1] == "[key]"
    text = str(refusal.path[-1]) if key and refusal.path else refusal.shown
    guess = _respelled(str(where), text)
    better = f"did you mean '{guess}'?" if guess and guess != text else hint
    rule = kinds.PATTERNS.get(str(where), "wrong-value")
    return Said(refusal.key if key else refusal.node.place, rule, f"'{text}' {what}", better)


def _respelled(where: str, text: str) -> str | None:
    """`text` in the spelling that the key `where` asks for."""
    if where in ("id", "topics", "personas"):
        return re.sub(r"[^a-z0-9-]+", "-", text.lower()).strip("-")
    if where == "send":
        path = text.lower().removesuffix(".html").removeprefix("templates/emails/").replace(" ", "-")
        return path if re.fullmatch(r"[a-z0-9_-]+(/[a-z0-9_-]+)*", path) else None
    if where == "locale":
        return locale_meant(text)
    code = text.strip().upper()[:3]
    return code if where in ("currency", "exchange") and is_currency(code) else None


def _wanted(what: str) -> Callable[[Refusal], Said]:
    """A value of another type."""

    def said(refusal: Refusal) -> Said:
        node = refusal.node
        kind = (
            "a list"
            if node.items is not None
            else "keys and values"
            if node.entries is not None
            else f"'{refusal.shown}'"
        )
        example = refusal.example
        hint = f"write it like '{refusal.last}: {example}'" if example and refusal.last else None
        if what == "text" and node.text:
            hint = f'put it in quotes: "{refusal.shown}"'
        if what == "a list" and node.entries is not None and node.place.line > refusal.key.line:
            hint = "begin each of its items with '- ', the lines below it two spaces further in"
        return Said(node.place, "wrong-type", f"{what} is wanted here, and this is {kind}", hint)

    return said


def _bound(refusal: Refusal) -> Said:
    words = {"ge": "at least", "le": "at most", "gt": "more than"}
    if refusal.last in ("per_hour", "per_day") and refusal.shown == "0":
        return Said(refusal.node.place, *kinds.NOTHING)
    bound = next((f"{words[key]} {value}" for key, value in refusal.context.items() if key in words), "another number")
    return Said(
        refusal.node.place,
        "wrong-value",
        f"{refusal.shown} is outside what is possible here",
        f"write {bound}",
    )


def _empty(refusal: Refusal) -> Said:
    example = refusal.example
    hint = f"write it like '{refusal.last}: {example}'" if example else "write something, or remove the line"
    return Said(refusal.node.place, "empty-value", f"'{refusal.last}' is empty", hint)


SAYINGS: dict[str, Callable[[Refusal], Said]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "condition": _condition,
    "step": _step,
    "value_error": _value,
    "literal_error": _word,
    "enum": _word,
    "string_pattern_mismatch": _pattern,
    "string_type": _wanted("text"),
    "string_too_short": _empty,
    "too_short": _empty,
    "int_type": _wanted("a whole number"),
    "int_parsing": _wanted("a whole number"),
    "int_from_float": _wanted("a whole number"),
    "float_type": _wanted("a number"),
    "float_parsing": _wanted("a number"),
    "decimal_type": _wanted("a number"),
    "decimal_parsing": _wanted("a number"),
    "is_instance_of": _wanted("a number"),
    "bool_type": _wanted("yes or no"),
    "bool_parsing": _wanted("yes or no"),
    "model_type": _wanted("a mapping of keys and values"),
    "model_attributes_type": _wanted("a mapping of keys and values"),
    "dict_type": _wanted("a mapping of keys and values"),
    "tuple_type": _wanted("a list"),
    "list_type": _wanted("a list"),
    "greater_than_equal": _bound,
    "less_than_equal": _bound,
    "greater_than": _bound,
    "finite_number": _wanted("a number"),
}


def problems(root: type[BaseModel], errors: Sequence[Mapping[str, Any]], where: Positions) -> Iterator[Problem]:
    """The refusals of `root` (`ValidationError.errors()`) as problems, one for each place."""
    seen: set[Path] = set()
    meant_keys = _meant_keys(errors)
    for error in errors:
        refusal = _refusal(root, error, where)
        if refusal.kind == "too_short" and refusal.node.items:
            continue  # its items were refused one by one, so the list only looks too short
        if refusal.kind == "missing" and tuple(error["loc"]) in meant_keys:
            continue
        at = (
            *refusal.path,
            str(error["type"]) if error["type"] in ("missing", "value_error") else "",
            *_name(error),
        )
        if at in seen:
            continue
        seen.add(at)
        said = SAYINGS.get(refusal.kind, _wanted("another value"))(refusal)
        yield Problem(where.path, said.place.line, said.place.column, said.rule, said.message, said.hint)


def _meant_keys(errors: Sequence[Mapping[str, Any]]) -> set[Path]:
    """The missing keys that stand there misspelt: saying it once is enough."""
    missing = {tuple(error["loc"]) for error in errors if error["type"] == "missing"}
    found: set[Path] = set()
    for error in errors:
        if error["type"] == "extra_forbidden":
            *place, key = error["loc"]
            absent = [str(loc[-1]) for loc in missing if list(loc[:-1]) == place]
            best = nearest(str(key), absent)
            found |= {(*place, best)} if best else set()
    return found


def _name(error: Mapping[str, Any]) -> Path:
    return (error["loc"][-1],) if error["type"] == "missing" else ()


def _refusal(root: type[BaseModel], error: Mapping[str, Any], where: Positions) -> Refusal:
    loc = tuple(error["loc"])
    path = where.real(loc)
    return Refusal(
        root,
        loc,
        error["type"],
        error.get("ctx") or {},
        path,
        where.node(path),
        where.key(path),
        where.node(path[:-1]),
    )
