"""The Jinja2 in which marketers' templates run: no way out, bounded in time and in size.

The sandbox of Jinja2 guards attributes but bounds neither time nor memory. Here every string stays under
MAX_TEXT, everything printed under MAX_OUTPUT, all loops of a rendering together under MAX_ROUNDS, all calls
under MAX_CALLS, and a clock ends what is still too slow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context
from markupsafe import Markup

from nurture.core.money import Money
from nurture.emails.filters import FILTERS, MAX_TEXT, bounded
from nurture.emails.marks import ANY, clean

MAX_OUTPUT = 500_000
MAX_ROUNDS = 10_000
MAX_CALLS = 2_000
MAX_RANGE = 1_000
MAX_NUMBER = 10**15
MAX_SECONDS = 2.0
BUDGET = " budget"
"""Key of the budget in a context; no template can spell it."""

_METHODS = frozenset({"upper", "lower", "strip", "title", "startswith", "endswith", "split"})
_LOOP = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem", "depth"}
)
_ATTRIBUTES: tuple[tuple[type, frozenset[str]], ...] = (
    (str, _METHODS),
    (LoopContext, _LOOP | {"cycle", "changed"}),
    (datetime, frozenset({"year", "month", "day", "hour", "minute"})),
    (date, frozenset({"year", "month", "day"})),
    (Money, frozenset({"amount", "currency"})),
)
_TESTS = (
    "defined undefined none true false boolean number integer float string mapping sequence iterable "
    "odd even divisibleby sameas in == eq equalto != ne > gt greaterthan >= ge < lt lessthan <= le"
).split()
_PRINTABLE = (str, int, float, Decimal, Money, date)


class LinkMark:
    """One of `links.*`: it can be printed, and nothing else."""

    __slots__ = ("mark", "name")

    def __init__(self, name: str, mark: str) -> None:
        self.name, self.mark = name, Markup(mark)

    def __str__(self) -> str:
        raise TypeError(f"links.{self.name} can only be printed as it stands: {{{{ links.{self.name} }}}}")


class Budget:
    """What one rendering may still spend. `locale` and `timezone` are the contact's."""

    __slots__ = ("calls", "chars", "deadline", "locale", "rounds", "timezone")

    def __init__(self, locale: str, timezone: str) -> None:
        self.locale, self.timezone = locale, timezone
        self.rounds, self.calls, self.chars = MAX_ROUNDS, MAX_CALLS, MAX_OUTPUT
        self.deadline: float | None = None

    def tick(self) -> None:
        """Raise SecurityError once the rendering has run for MAX_SECONDS since its first loop or call."""
        if self.deadline is None:
            self.deadline = time.monotonic() + MAX_SECONDS
        elif time.monotonic() > self.deadline:
            raise SecurityError(f"the template ran for more than {MAX_SECONDS:g} seconds; loop over less")


class Environment(ImmutableSandboxedEnvironment):
    """Jinja2 for emails: strict, autoescaping, items before attributes, and only what is listed here."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=True, finalize=_finalize)
        self.filters = {**FILTERS, "_rounds": _rounds, "_bounded": bounded}
        self.tests = {name: self.tests[name] for name in _TESTS}
        self.globals = {"range": _range}

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        return super()._generate(_bound(source), *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The item, else one of the few attributes listed above, else undefined."""
        if isinstance(obj, Mapping):
            value = obj.get(attribute, self)
            if value is self:
                return self.undefined(obj=_Named("this"), name=attribute)
            return _enter(value) if type(value) in _CLEANED else value
        if isinstance(obj, Undefined):
            return obj._fail_with_undefined_error()
        return self._attribute(obj, attribute)

    def _attribute(self, obj: Any, attribute: str) -> Any:
        for kind, allowed in _ATTRIBUTES:
            if isinstance(obj, kind):
                return getattr(obj, attribute) if attribute in allowed else self._refused(obj, attribute)
        return self._refused(obj, attribute)

    def _refused(self, obj: Any, attribute: str) -> Undefined:
        message = f"{attribute!r} cannot be asked of {_kind(obj)}"
        return self.undefined(message, name=attribute, exc=SecurityError)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]` for keys and positions; text in brackets means the same as after a dot."""
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        if isinstance(obj, Undefined):
            return obj._fail_with_undefined_error()
        try:
            return _enter(obj[argument])
        except (TypeError, LookupError):
            return self.undefined(f"there is no item {argument!r}", name=str(argument))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Call a macro, `_`, `range` or one of the listed methods; anything else is refused."""
        budget = __context.parent[BUDGET]
        budget.calls -= 1
        if budget.calls < 0:
            raise SecurityError(f"the template makes more than {MAX_CALLS} calls")
        budget.tick()
        if not _callable(__obj):
            raise SecurityError(f"{_kind(__obj)} cannot be called")
        return bounded(__context.call(__obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers of bounded size; `+` also joins texts and lists of bounded length."""
        if operator == "**":
            raise SecurityError("** is not available in templates")
        if _number(left) and _number(right):
            return _bounded_number(self.binop_table[operator](left, right))
        if operator == "+" and type(left) is type(right) and isinstance(left, (str, list)):
            return bounded(left + right)
        raise SecurityError(f"{operator!r} is for numbers, not for {_kind(left)} and {_kind(right)}")


class _Named:
    """Stands for an object in the text of an undefined error."""

    def __init__(self, name: str) -> None:
        self.name = name


_CLEANED = frozenset({str, list, tuple})


def _enter(value: Any, depth: int = 0) -> Any:
    """A value as it enters the template: text is cleaned, also within lists."""
    if type(value) is str:
        return clean(value)
    if type(value) in (list, tuple) and depth < 8:
        return [_enter(item, depth + 1) for item in value]
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
    if isinstance(obj, (Macro, Undefined)) or getattr(obj, "callable_in_templates", False):
        return True
    owner = getattr(obj, "__self__", None)
    return isinstance(owner, (str, LoopContext)) and getattr(obj, "__name__", "") in {*_METHODS, "cycle", "changed"}


def callable_in_templates[F: Callable[..., Any]](function: F) -> F:
    return function
