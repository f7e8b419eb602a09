"""Names in templates: slips are told, a project's own columns are not."""

from __future__ import annotations

import pytest

from emails.parts import email_file
from nurture.emails.names import undeclared


def hints(text: str, more: frozenset[str] = frozenset()) -> list[str | None]:
    return [one.hint for one in undeclared({"a.html": email_file(f"<p>{text}</p>")}, "a", more)]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("{{ contact.frist_name }}", "contact.first_name"),
        ("{{ contact['frist_name'] }}", "contact.first_name"),
        ("{% if contact.lst_name %}x{% endif %}", "contact.last_name"),
        ("{{ contact.signedup_at|day }}", "contact.signed_up_at"),
        ("{{ last_purchase.totl|money }}", "last_purchase.total"),
        ("{{ first_name }}", "contact.first_name"),
        ("{{ FNAME }}", "contact.first_name"),
        ("{{ unsubscribe_url }}", "links.unsubscribe"),
        ("{% for one in last_purchase.itmes %}{{ one.name }}{% endfor %}", "last_purchase.items"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(text: str, meant: str) -> None:
    assert hints(text) == [f"did you mean {meant}?"]


@pytest.mark.parametrize(
    "name", ["brews_with", "city", "state", "county", "address2", "birthday", "company", "full_name", "plan"]
)
def test_a_column_of_the_project_s_own_is_left_alone(name: str) -> None:
    assert hints(f"{{{{ contact.{name} }}}}") == []


def test_a_column_that_looks_like_a_slip_is_left_alone_where_it_is_guarded_or_asked_for() -> None:
    assert hints("{{ contact.last_game }}") != []
    assert hints("{{ contact.last_game|default('') }}") == []
    assert hints("{{ contact.last_game }}", frozenset({"contact.last_game"})) == []


def test_each_place_of_a_name_on_a_line_has_its_own_column() -> None:
    files = {"a.html": email_file("<p>first_name {{ contact.frist_name }}</p>")}
    (problem,) = undeclared(files, "a")
    line = files["a.html"].split("\n")[problem.line - 1]
    assert line[problem.column - 1 :].startswith("frist_name }}")
