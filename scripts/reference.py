#!/usr/bin/env python3
"""Write the pages of docs/ about the files, and docs/keys.md, from the models that read those files."""

from __future__ import annotations

import sys
import tomllib
import types
from collections.abc import Iterator
from datetime import time
from decimal import Decimal
from enum import Enum
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from nurture.core import calendar, dates, values  # noqa: E402
from nurture.core.campaign import STEP_KINDS, Campaign, Holdout, StepBase  # noqa: E402
from nurture.core.condition import BY_KEY, Leaf  # noqa: E402
from nurture.core.enter import ENTER_KINDS  # noqa: E402
from nurture.core.money import Money  # noqa: E402
from nurture.core.persona import Personas  # noqa: E402
from nurture.core.project import Project  # noqa: E402
from nurture.emails import source  # noqa: E402
from nurture.files import shape  # noqa: E402
from nurture.files.keys import Key, every_key  # noqa: E402

NOTE = "<!-- Written by scripts/reference.py from the models; change those and run it again. -->\n"
CAMPAIGN_INTRO = """\
A campaign is a file `campaigns/NAME.yaml`; its name is the file's name (small letters, digits and `-`).
All keys of all files, each with the test that guards it, are listed in [keys](keys.md).
`nurture check` says what is wrong in it, at its line. With `nurture schema` an editor completes it as you type.

```yaml
# yaml-language-server: $schema=../.nurture/campaign.schema.json
title: Wake up inactive potential customers
status: live
topic: offers
audience: {stage: inactive}
enter: {look: daily at 10:53}
holdout: 10%
goal:
  purchased: {since: entry}
  claimed_within: {click: 7 days, email: 3 days}
  measured_over: 45 days
steps:
  - {id: miss-you, send: wake-up/miss-you}
  - {id: pause, wait: 3 days}
  - id: interested
    if: {clicked: miss-you}
    then:
      - {id: offer, send: wake-up/offer}
```
"""
KEYS_INTRO = """\
Each key of each file, with a test that fails when the key is ignored. A `*` stands for a name of your own. Steps and
conditions stand in many places and are named once. What may be written behind a key, with its default and an example,
stands in [the campaign file](campaign-file.md), [the project file](project-file.md), [the file of
personas](personas-file.md) and [templates](templates.md).
"""
PROJECT_INTRO = """\
`nurture.yaml` stands at the top of a project's folder and says what holds for every campaign. Secrets never stand
in it: keys and passwords come from the environment or from `.env`.
`nurture check` says what is wrong in it, at its line.
"""
PERSONAS_INTRO = """\
`personas.yaml` stands beside `nurture.yaml` and holds people made up for [previews](preview.md): somebody whose name is
too long, who reads from right to left, of whom we know nothing. Nothing of it runs. What is left out is what we do not
know of them. `nurture check` says what is wrong in it, at its line.
"""
YAML = """\
## How values are spelled

| Value | Written | |
|---|---|---|
| a length of time | `3 days`, `1 hour`, `90 minutes`, `2 weeks` | whole days keep the time of day when clocks change |
| a time in the past | `60 days ago` | |
| a time of day | `10:00` | 24 hours; in the contact's own time, for `look` in the project's |
| hours | `09:00-18:00` | up to, not including, the second; over midnight where the second is not later |
| weekdays | `mon-fri`, `sat, sun`, `[mon, wed]` | |
| a share | `10%` | |
| an amount | `50 EUR`, `4.99 EUR` | |
| a limit | `1 per 24 hours` | rolling |
| business days | `3 business days` | not the weekends and holidays of the contact's country |
| days | `holidays`, `12-24`, `12-24..12-26`, `2026-05-19` | `holidays` are those of the contact's country |
| a moment | `2026-11-27 10:07`, `2026-11-27` | |
| yes or no | `yes`, `no`, `true`, `false` | |

Files are YAML 1.2: `10:00`, `NO` and `2026-11-27` are text, and so is `yes` but where a switch stands. Anchors,
aliases, merge keys, tags and tabs are not read, a key stands once, and a key that is not listed here is a mistake.
"""
WORDS: tuple[tuple[Any, str], ...] = (
    (values.Duration, "a length of time"),
    (time, "a time of day"),
    (values.Hours, "hours"),
    (values.Rate, "a limit"),
    (values.Look, "when"),
    (calendar.BusinessDays, "business days"),
    (calendar.Days, "days"),
    (dates.LocalMoment, "a moment"),
    (Money, "an amount"),
    (bool, "yes or no"),
    (int, "a whole number"),
    (float, "a number"),
    (Decimal, "a number"),
    (str, "text"),
    (Any, "a value"),
)


SCALAR = (str, float, bool)
PLURALS = {
    "[a condition]": "[conditions]",
    "[a step]": "[steps]",
    "a limit": "limits",
    "text": "texts",
    "a value": "values",
}
PARSED = {
    "_listed": "…, or a list of them",
    "_step_or_past": "a step's id, a list of them, or …",
    "_holdout": "a share, or …",
    "parse_share": "a share",
    "parse_spread": "like `over 3 hours`",
    "parse_confidence": "a share",
    "parse_delivered": "like `500 delivered`",
    "parse_after_leaving": "`never`, or like `180 days after leaving`",
    "parse_look": "`at once`, or like `daily at 10:53`, `weekdays at 09:07`, `mondays at 09:07`",
}
"""What values are called that a parser of their own reads; … stands for their type."""


def _is(kind: Any, model: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, model)


def anchor(model: type[BaseModel]) -> str:
    """What a link to the model's table is called."""
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in model.__name__).strip("-")


def word(kind: Any) -> str:
    """What a value of that type is called."""
    if _is(kind, Leaf):
        return "[a condition](#conditions)"
    if _is(kind, StepBase):
        return "[a step](#steps)"
    if _is(kind, BaseModel):
        return f"[{anchor(kind).replace('-', ' ')}](#{anchor(kind)})"
    if _is(kind, Enum):
        return ", ".join(f"`{one.value}`" for one in kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if origin is tuple:
        return f"{_many(arguments[0])}"
    if origin is frozenset:
        return "weekdays"
    if origin is dict:
        return f"names, each with {words(arguments[1])}"
    return next((text for known, text in WORDS if kind is known), "")


def _many(item: Any) -> str:
    inner = words(item)
    for one, many in PLURALS.items():
        inner = inner.replace(one, many)
    return f"a list of {inner}"


def words(annotation: Any) -> str:
    """What a value of any of the annotation's types is called."""
    kinds = [kind for _, kind in shape.members(annotation) if kind is not type(None)]
    if int in kinds and float in kinds:
        kinds.remove(int)
    if set(SCALAR) <= set(kinds):
        kinds = [kind for kind in kinds if kind not in SCALAR]
        return " or ".join([*map(word, kinds), "a value"])
    return " or ".join(dict.fromkeys(word(kind) for kind in kinds))


def _parsers(field: FieldInfo) -> set[str]:
    """The parsers that read the field, those of its type among them."""
    metadata, waiting = list(field.metadata), [field.annotation]
    while waiting:
        kind = waiting.pop()
        if get_origin(kind) is Annotated:
            inner, *more = get_args(kind)
            metadata += more
            waiting.append(inner)
        elif get_origin(kind) in (Union, types.UnionType):
            waiting += get_args(kind)
    return {getattr(getattr(item, "func", None), "__name__", "") for item in metadata}


def value(field: FieldInfo) -> str:
    """What may stand behind the key."""
    parsers = _parsers(field)
    told = next((PARSED[name] for name in parsers if name in PARSED), None)
    if told is None and str(shape.example(field)).endswith(" ago"):
        return "a time in the past"
    kinds = words(field.annotation)
    return told.replace("…", kinds.removeprefix("a list of ").replace("texts", "text")) if told else kinds


def default(field: FieldInfo) -> str:
    """What holds without the key."""
    if field.is_required():
        return "needed"
    given = field.get_default(call_default_factory=True)
    if isinstance(given, Holdout):
        return f"`{given.share:.0%}`"
    if isinstance(given, frozenset):
        return "every day"
    if given is None:
        return "`never`" if "parse_after_leaving" in str(field.metadata) else ""
    told = shape.default(field)
    return "" if told is None else f"`{shape.flow(told)}`"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _code(example: Any) -> str:
    return f"`{shape.flow(example)}`" if example is not None else ""


def table(model: type[BaseModel], without: frozenset[str] = frozenset()) -> str:
    """The keys of a model as a table."""
    lines = _row("Key", "What it says", "Value", "Without it", "Example") + "|---|---|---|---|---|\n"
    for key, field in shape.keys(model).items():
        if key not in without:
            about = (field.description or "").rstrip(".")
            lines += _row(f"`{key}`", about, value(field), default(field), _code(shape.example(field)))
    return lines


def parts(root: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The models below `root` that have a table of their own, in the order they are met."""
    seen: set[type[BaseModel]] = set()
    waiting: list[Any] = [field.annotation for field in shape.keys(root).values()]
    while waiting:
        for _, kind in shape.members(waiting.pop(0)):
            if get_origin(kind) in (tuple, dict):
                waiting.append(get_args(kind)[-2 if get_origin(kind) is tuple else -1])
            elif _is(kind, BaseModel) and kind not in seen:
                seen.add(kind)
                waiting += [field.annotation for field in shape.keys(kind).values()]
                yield kind


def _below(root: type[BaseModel]) -> str:
    lines = ""
    for model in parts(root):
        if not _is(model, Leaf) and not _is(model, StepBase) and model not in ENTER_KINDS.values():
            head = f'### <a id="{anchor(model)}"></a>{anchor(model).replace("-", " ").capitalize()}'
            lines += f"\n{head}\n\n{_sentence(model)}.\n\n{table(model)}"
    return lines


def _sentence(model: type) -> str:
    return (model.__doc__ or "").strip().split("\n")[0].rstrip(".")


def entering() -> str:
    """The ways people come in."""
    lines = "\n## Entering\n\n`enter` has one of these.\n"
    for key, model in ENTER_KINDS.items():
        about = cleandoc(model.__doc__ or "")
        lines += f'\n### <a id="{anchor(model)}"></a>`{key}`\n\n{about}\n\n{table(model)}'
    return lines


def steps() -> str:
    """The kinds of steps."""
    lines = "\n## Steps\n\nA step has an `id` and does one thing.\n\n" + table(StepBase)
    for key, model in STEP_KINDS.items():
        lines += f"\n### `{key}`\n\n{model.__doc__}\n\n{table(model, frozenset({'id'}))}"
    return lines


def conditions() -> str:
    """What can be asked of a contact."""
    lines = "\n## Conditions\n\nA condition is one key and what is asked of it.\n\n"
    lines += _row("Condition", "Holds when", "Asked with", "Examples") + "|---|---|---|---|\n"
    for key, leaf in BY_KEY.items():
        field = shape.keys(leaf)[key]
        examples = "<br>".join(f"`{key}: {shape.flow(example)}`" for example in field.examples or ())
        lines += _row(f"`{key}`", " ".join((leaf.__doc__ or "").split()).rstrip("."), value(field), examples)
    return lines


def campaign_page() -> str:
    """docs/campaign-file.md"""
    head = f"{NOTE}\n# The campaign file\n\n{CAMPAIGN_INTRO}\n## Keys\n\n{table(Campaign)}"
    return head + entering() + steps() + conditions() + "\n## Keys below keys\n" + _below(Campaign) + "\n" + YAML


def project_page() -> str:
    """docs/project-file.md"""
    head = f"{NOTE}\n# The project file\n\n{PROJECT_INTRO}\n## Keys\n\n{table(Project)}"
    return head + "\n## Keys below keys\n" + _below(Project) + "\n" + YAML


def personas_page() -> str:
    """docs/personas-file.md"""
    head = f"{NOTE}\n# The file of personas\n\n{PERSONAS_INTRO}\n## Keys\n\n{table(Personas)}"
    return head + "\n## Keys below keys\n" + _below(Personas)


def all_keys() -> list[Key]:
    """The keys of every file: those of the models, and those of the front matter of templates."""
    front = (Key(f"front-matter.{key}", "templates/emails/*", about) for key, about in source.KEYS.items())
    return [*every_key(), *front]


def guards() -> dict[str, str]:
    """The test that fails when a key is ignored, as path::name, by the key."""
    read: dict[str, str] = tomllib.loads((ROOT / "tests/keys.toml").read_text(encoding="utf-8"))
    return read


def keys_page() -> str:
    """docs/keys.md"""
    tests = guards()
    lines = _row("Key", "File", "What it says", "Test") + "|---|---|---|---|\n"
    for key in all_keys():
        path, _, name = tests.get(key.name, "").partition("::")
        lines += _row(f"`{key.name}`", f"`{key.file}`", key.about.rstrip("."), f"[{name}](../{path})" if path else "")
    return f"{NOTE}\n# Every key\n\n{KEYS_INTRO}\n{lines}"


def pages() -> dict[Path, str]:
    """What the pages have to say, by their path."""
    docs = ROOT / "docs"
    return {
        docs / "campaign-file.md": campaign_page(),
        docs / "project-file.md": project_page(),
        docs / "personas-file.md": personas_page(),
        docs / "keys.md": keys_page(),
    }


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
