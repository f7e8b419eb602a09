"""Expressions whose value is known when an email is compiled: the project, the campaign, words of the layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Template, meta, nodes
from jinja2.exceptions import TemplateError
from markupsafe import Markup

from nurture.emails.budget import Budget
from nurture.emails.filters import BUDGET
from nurture.emails.sandbox import Environment
from nurture.emails.source import Kind, Piece, refuse

RESERVED = frozenset({"contact", "campaign", "project", "links", "email", "last_purchase", "event", "_"})
"""Names that a template cannot give to something else."""

_CALM = (nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Output, nodes.Template, nodes.TemplateData)


def fold(env: Environment, pieces: Sequence[Piece], known: Mapping[str, Any]) -> dict[int, str]:
    """The text of every expression among `pieces` that needs nothing but `known`, by its number.

    Raises ProjectError where such an expression cannot be evaluated, and where a reserved name is given away.
    """
    folded = {}
    for number, piece in enumerate(pieces):
        if piece.kind is Kind.VALUE and _constant(env, piece.text, known):
            folded[number] = _value(env, piece, known)
    return folded


def _constant(env: Environment, text: str, known: Mapping[str, Any]) -> bool:
    needed = _needed(env, text)
    return needed is not None and needed <= set(known)


@lru_cache(maxsize=4096)
def _needed(env: Environment, text: str) -> frozenset[str] | None:
    """The names an expression asks for; None where it does more than look values up."""
    tree = env.parse("{{" + text + "}}")
    if not all(isinstance(node, _CALM) or _word(node) for node in tree.find_all(nodes.Node)):
        return None
    return frozenset(meta.find_undeclared_variables(tree))


def _word(node: nodes.Node) -> bool:
    """`_("a literal text")`."""
    named = isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "_"
    return named and len(node.args) == 1 and isinstance(node.args[0], nodes.Const)  # type: ignore[attr-defined]


def _value(env: Environment, piece: Piece, known: Mapping[str, Any]) -> str:
    context = {**known, BUDGET: Budget("en", "UTC")}
    try:
        text = _expression(env, piece.text).render(context)
    except (TemplateError, ValueError, TypeError) as error:
        raise refuse(piece.problem("value", str(error))) from None
    return str(Markup(text))


@lru_cache(maxsize=4096)
def _expression(env: Environment, text: str) -> Template:
    return env.from_string("{% autoescape false %}{{" + text + "}}{% endautoescape %}")


def assigned(tree: nodes.Template) -> list[tuple[str, int]]:
    """Every reserved name that a template gives a value, with its line."""
    names = tree.find_all(nodes.Name)
    return [(node.name, node.lineno) for node in names if node.ctx != "load" and node.name in RESERVED]
