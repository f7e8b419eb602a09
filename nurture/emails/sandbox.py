"""The Jinja2 in which marketers' templates run: no way out, bounded in time and in size.

The sandbox of Jinja2 guards attributes but bounds neither time nor memory. Here every text a template makes
stays under MAX_TEXT, and a `Budget` bounds loops, calls, what is printed, and the clock. Text from people is
cleaned where it enters, so that it cannot pretend to be one of our marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing, pass_context
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from nurture.core.money import Money
from nurture.emails.filters import BUDGET, FILTERS, bounded, loopable
from nurture.emails.marks import ANY, clean
from nurture.emails.words import translate

MAX_RANGE = 1_000
MAX_NUMBER = 10**15
_ATTRIBUTES: tuple[tuple[type, frozenset[str]], ...] = (
    (str, frozenset(["upper", "lower", "strip", "title", "startswith", "endswith", "split"])),
    (
        LoopContext,
        frozenset(
            ["index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem", "cycle"]
        ),
    ),
    (datetime, frozenset(["year", "month", "day", "hour", "minute"])),
    (date, frozenset(["year", "month", "day"])),
    (Money, frozenset(["amount", "currency"])),
)
_METHODS = _ATTRIBUTES[0][1] | {"cycle"}
_TESTS = frozenset({
    "defined", "undefined", "none", "true", "false", "boolean", "number", "integer", "float", "string",
    "mapping", "sequence", "iterable", "odd", "even", "divisibleby", "in", "==", "eq", "equalto", "!=", "ne",
    ">", "gt", "greaterthan", ">=", "ge", "<", "lt", "lessthan", "<=", "le",
})  # fmt: skip
_PRINTABLE = (int, float, Decimal, Money, date)


class Missing(StrictUndefined):
    """A name without a value: any use raises UndefinedError, which names the nearest one that has."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        name, obj = self._undefined_name or "", self._undefined_obj
        if obj is missing:
            return f"{name!r} has no value for this email"
        known = [str(key) for key in obj] if isinstance(obj, Mapping) else []
        near = get_close_matches(name, known, 1)
        return f"there is no {name!r} here" + (f"; did you mean {near[0]!r}?" if near else "")


class LinkMark:
    """One of `links.*`: it can be printed, and nothing else."""

    __slots__ = ("mark", "name")

    def __init__(self, name: str, mark: str) -> None:
        self.name, self.mark = name, Markup(mark)

    def __str__(self) -> str:
        raise TypeError(f"links.{self.name} can only be printed as it stands: {{{{ links.{self.name} }}}}")


class Words:
    """`_("text")` in the language of the email."""

    __slots__ = ("locale",)

    def __init__(self, locale: str) -> None:
        self.locale = locale

    def __call__(self, text: str) -> str:
        return translate(str(text), self.locale)


class Environment(ImmutableSandboxedEnvironment):
    """Jinja2 for emails: strict, autoescaping, items before attributes, and only what is listed here."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__(undefined=Missing, autoescape=True, finalize=_finalize)
        self.filters = {**FILTERS, "_rounds": _rounds, "_bounded": bounded}
        self.tests = {name: self.tests[name] for name in _TESTS}
        self.globals = {"range": _range}

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        bound: nodes.Template = _Bounds().visit(source)
        return super()._generate(bound, *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The item of that name, else one of the few attributes listed above, else undefined."""
        if type(obj) is dict or isinstance(obj, Mapping):
            value = obj.get(attribute, missing)
            if value is missing:
                return self.undefined(obj=obj, name=attribute)
            return enter(value)
        if isinstance(obj, Undefined):
            str(obj)
        for kind, allowed in _ATTRIBUTES:
            if isinstance(obj, kind) and attribute in allowed:
                return getattr(obj, attribute)
        return self.undefined(f"{attribute!r} cannot be asked of {_kind(obj)}", name=attribute, exc=SecurityError)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`, a key or position; text in brackets means the same as after a dot."""
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        if isinstance(obj, Undefined):
            str(obj)
        try:
            return enter(obj[argument])
        except (TypeError, LookupError):
            return self.undefined(f"there is no item {argument!r} here", name=str(argument))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a macro, `_`, `range` or one of the listed methods; anything else is refused."""
        if isinstance(__obj, Undefined):
            str(__obj)
        if not _callable(__obj):
            raise SecurityError(f"{_kind(__obj)} cannot be called")
        __context.parent[BUDGET].call()
        return bounded(__context.call(__obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers of bounded size; `+` also joins texts and lists of bounded length."""
        for side in (left, right):
            if isinstance(side, Undefined):
                str(side)
        if operator == "**":
            raise SecurityError("** is not available in templates")
        if _number(left) and _number(right):
            return _bounded_number(self.binop_table[operator](left, right))
        if operator == "+" and all(isinstance(side, str) for side in (left, right)):
            return bounded(left + right)
        raise SecurityError(f"{operator!r} is for numbers, not for {_kind(left)} and {_kind(right)}")


class _Bounds(NodeTransformer):
    """Puts a bound around what Jinja2 itself leaves without: loops, and joining with `~`."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        if node.recursive:
            raise TemplateSyntaxError("recursive loops are not available; use one loop in another", node.lineno)
        self.generic_visit(node)
        node.iter = _through("_rounds", node.iter)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        return _through("_bounded", self.generic_visit(node))

    def visit_Const(self, node: nodes.Const) -> nodes.Node:
        if isinstance(node.value, str) and ANY.search(node.value):
            raise TemplateSyntaxError("characters of the private planes 15 and 16 are not available", node.lineno)
        return node


def _through(name: str, node: Any) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


@pass_context
def _rounds(context: Context, value: Any) -> list[Any]:
    items = list(value) if isinstance(value, str) else loopable(value)
    context.parent[BUDGET].loop(len(items))
    return items


@pass_context
def _finalize(context: Context, value: Any) -> Any:
    """What is printed: text and numbers. Nothing, lists and groups are mistakes, told before they are sent."""
    if isinstance(value, str):
        context.parent[BUDGET].print(value)
        return value
    if type(value) is LinkMark:
        return value.mark
    if isinstance(value, Undefined):
        str(value)
    if value is None:
        raise ValueError("there is no value to print; say what to print instead: {{ … or 'something' }}")
    if not isinstance(value, _PRINTABLE):
        raise ValueError(f"{_kind(value)} cannot be printed")
    return str(value)


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE:
        raise SecurityError(f"range goes over more than {MAX_RANGE} numbers")
    return numbers


def enter(value: Any, depth: int = 0) -> Any:
    """A value as it enters the template: text is cleaned, also within lists."""
    if isinstance(value, str):
        return value if value.isprintable() or isinstance(value, Markup) else clean(str(value))
    if isinstance(value, (list, tuple)) and depth < 8:
        return [enter(item, depth + 1) for item in value]
    return value


def _kind(obj: Any) -> str:
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a group of values"}
    return names.get(type(obj), f"a {type(obj).__name__}")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal))


def _bounded_number(value: Any) -> Any:
    if abs(value) > MAX_NUMBER:
        raise SecurityError("the number is too large")
    return value


def _callable(obj: Any) -> bool:
    if isinstance(obj, (Macro, Words)) or obj is _range:
        return True
    owner = getattr(obj, "__self__", None)
    return isinstance(owner, (str, LoopContext)) and getattr(obj, "__name__", "") in _METHODS
