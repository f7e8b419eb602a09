"""Expressions whose value is known when an email is compiled: the project, the campaign, words of the layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import meta, nodes
from jinja2.exceptions import TemplateError
from markupsafe import Markup

from nurture.emails.budget import Budget
from nurture.emails.filters import BUDGET
from nurture.emails.sandbox import Environment
from nurture.emails.source import Kind, Piece, refuse

RESERVED = frozenset({"contact", "campaign", "project", "links", "email", "last_purchase", "event", "_"})
"""Names that a template cannot give to something else."""

_CALM = (nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Output, nodes.Template, nodes.TemplateData)


def fold(env: Environment, pieces: list[Piece], known: Mapping[str, Any]) -> dict[int, str]:
    """The text of every expression among `pieces` that needs nothing but `known`, by its number.

    Raises ProjectError where such an expression cannot be evaluated, and where a reserved name is given away.
    """
    folded = {}
    for number, piece in enumerate(pieces):
        if piece.kind is Kind.VALUE and _constant(env, piece.text, known):
            folded[number] = _value(env, piece, known)
    return folded


def _constant(env: Environment, text: str, known: Mapping[str, Any]) -> bool:
    tree = env.parse("{{" + text + "}}")
    if not meta.find_undeclared_variables(tree) <= set(known):
        return False
    return all(isinstance(node, _CALM) or _word(node) for node in tree.find_all(nodes.Node))


def _word(node: nodes.Node) -> bool:
    """`_("a literal text")`."""
    named = isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "_"
    return named and len(node.args) == 1 and isinstance(node.args[0], nodes.Const)  # type: ignore[attr-defined]


def _value(env: Environment, piece: Piece, known: Mapping[str, Any]) -> str:
    context = {**known, BUDGET: Budget("en", "UTC")}
    try:
        text = env.from_string("{% autoescape false %}{{" + piece.text + "}}{% endautoescape %}").render(context)
    except (TemplateError, ValueError, TypeError) as error:
        raise refuse(piece.problem("value", str(error))) from None
    return str(Markup(text))


def assigned(env: Environment, source: str) -> list[tuple[str, int]]:
    """Every reserved name that `source` gives a value, with its line."""
    names = env.parse(source).find_all(nodes.Name)
    return [(node.name, node.lineno) for node in names if node.ctx != "load" and node.name in RESERVED]
