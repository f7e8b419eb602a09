"""What the models expect at a place of a file: which keys, which values, and an example of them."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag, TypeAdapter
from pydantic.fields import FieldInfo

from nurture.core.values import Duration

Element = str | int


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The model's fields by the key a file uses for them. A campaign's name is its file's and no key."""
    hidden = {name for name, field in model.model_fields.items() if field.exclude}
    return {field.alias or name: field for name, field in model.model_fields.items() if name not in hidden}


def members(annotation: Any) -> Iterator[tuple[str | None, Any]]:
    """The types a value may have, unions opened and annotations taken off, each with its tag."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        tag = next((item.tag for item in metadata if isinstance(item, Tag)), None)
        for own, member in members(inner):
            yield own or tag, member
    elif origin in (Union, types.UnionType):
        for argument in get_args(annotation):
            yield from members(argument)
    else:
        yield None, annotation


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _into(kind: Any, element: Element) -> Any | None:
    """The type below `element` in a value of type `kind`; None where there is no such place."""
    if _is_model(kind):
        field = keys(kind).get(str(element))
        return field.annotation if field else None
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (tuple, list) and isinstance(element, int):
        return arguments[0]
    if origin is dict:
        return arguments[1]
    return None


def at(annotation: Any, loc: Sequence[Element]) -> list[Any]:
    """The types expected at `loc`, a validator's location: tags choose a member, unknown labels are skipped."""
    found = list(members(annotation))
    if not loc:
        return [kind for _, kind in found]
    head, rest = loc[0], loc[1:]
    tagged = [kind for tag, kind in found if tag == head]
    if tagged:
        return at(tagged[0], rest)
    below = [inner for _, kind in found if (inner := _into(kind, head)) is not None]
    if below:
        return [kind for inner in below for kind in at(inner, rest)]
    return at(annotation, rest)


def models_at(root: type[BaseModel], loc: Sequence[Element]) -> list[type[BaseModel]]:
    """The models expected at `loc`."""
    return [kind for kind in at(root, loc) if _is_model(kind)]


def example(field: FieldInfo) -> Any | None:
    """A right value for the field: its own example, else one made of its type's."""
    if field.examples:
        return field.examples[0]
    schema = (
        None
        if isinstance(field.default, Duration)
        else next((item for item in field.metadata if hasattr(item, "json_schema")), None)
    )
    if schema is not None and schema.json_schema and schema.json_schema.get("examples"):
        return schema.json_schema["examples"][0]
    if isinstance(field.default, int | str | Duration) and not isinstance(field.default, Enum):
        return field.default
    return next((made for _, kind in members(field.annotation) if (made := _made(kind)) is not None), None)


def default(field: FieldInfo) -> Any | None:
    """What holds without the key, as a file would write it; None where nothing does, or nothing worth writing."""
    given = None if field.is_required() else field.get_default(call_default_factory=True)
    if given is None:
        return None
    alone: Any = Annotated[field.annotation, "the field alone", *field.metadata]
    whole: TypeAdapter[Any] = TypeAdapter(alone)
    told = whole.dump_python(given, mode="json", by_alias=True, exclude_defaults=True)
    return ("yes" if told else "no") if isinstance(told, bool) else told or (None if told in ([], {}) else told)


def _made(kind: Any) -> Any | None:
    if _is_model(kind):
        wanted = {key: field for key, field in keys(kind).items() if field.is_required()}
        chosen = wanted or dict(list(keys(kind).items())[:1])
        whole = {key: example(field) for key, field in chosen.items()}
        return whole if all(value is not None for value in whole.values()) else None
    if get_origin(kind) is tuple:
        items = (_made(item) for _, item in members(get_args(kind)[0]))
        return next(([item] for item in items if item is not None), None)
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    return None


def flow(value: Any) -> str:
    """A value as one line of YAML."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(inner) for inner in value) + "]"
    text = str(value)
    risky = isinstance(value, str) and (text.isdigit() or any(sign in text for sign in "{}[],#\"'") or ": " in text)
    return f'"{text}"' if risky else text
