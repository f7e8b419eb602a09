"""What changed between two states of a project's files."""

from __future__ import annotations

from support.line import PROJECT, TEMPLATE, campaign, project_files

from nurture.actions.changes import Changes, changes
from nurture.actions.check import check_files

BASE = "<html><body>{% block body %}{% endblock %}<p>{{ project.postal_address }}</p></body></html>"
EMAIL = (
    '---\nsubject: Hello\n---\n{% extends "layouts/base.html" %}{% block body %}<p>Hi {{ contact.first_name }}</p>'
    '<a href="{{ links.unsubscribe }}">stop</a>{% endblock %}'
)
STEPS = """
- {id: hello, send: hello}
- {id: rest, wait: 3 days}
- {id: again, send: second}
"""


def files(project: str = PROJECT, **campaigns: str) -> dict[str, str]:
    told = campaigns or {"one": campaign(STEPS), "two": campaign("- {id: hello, send: hello}")}
    return project_files(project, told, {"hello": EMAIL, "layouts/base": BASE})


def between(before: dict[str, str], after: dict[str, str]) -> Changes:
    return changes(check_files(before), check_files(after))


def test_files_that_only_look_different_have_no_changes() -> None:
    other = files()
    other["campaigns/one.yaml"] = "# a word about it\n" + other["campaigns/one.yaml"].replace("title: A", "title:   A")
    other["templates/emails/hello.html"] += "{# a word about it #}"
    assert not between(files(), other)


def test_a_key_is_told_as_it_is_written_with_its_place() -> None:
    (one,) = between(files(), files(one=campaign(STEPS.replace("3 days", "5 days")), two=files_of("two"))).campaigns
    (key,) = one.keys
    assert (one.sign, one.campaign, key.sign, key.path, key.before, key.after) == (
        "~", "one", "~", "steps.rest.wait", "3 days", "5 days",
    )  # fmt: skip
    assert key.line is not None
    line = campaign(STEPS.replace("3 days", "5 days")).splitlines()[key.line - 1]
    assert line[key.column - 1 if key.column else 0 :].startswith("wait: 5 days")


def files_of(name: str) -> str:
    return files()[f"campaigns/{name}.yaml"]


def test_campaigns_come_and_go() -> None:
    found = between(files(), files(one=files_of("one"), three=files_of("two")))
    assert [(one.sign, one.campaign) for one in found.campaigns] == [("+", "three"), ("-", "two")]


def test_a_layout_names_every_email_that_it_changes() -> None:
    other = files()
    other["templates/emails/layouts/base.html"] = BASE.replace("<p>", "<p>Bye. ")
    (template,) = between(files(), other).templates
    assert template.file == "templates/emails/layouts/base.html"
    assert template.emails == (("one", "hello", ""), ("two", "hello", ""))
    assert template.campaigns == ("one", "two")


def test_an_email_changes_with_its_own_template_only() -> None:
    other = files()
    other["templates/emails/second.html"] = TEMPLATE.replace("Hi", "Hello")
    found = between(files(), other)
    assert [one.emails for one in found.templates] == [(("one", "again", ""),)]
    assert [(one.campaign, one.keys) for one in found.campaigns] == [("one", ())]


def test_the_project_file_is_compared_too() -> None:
    found = between(files(), files(PROJECT.replace("name: Acme Shop", "name: Acme Store")))
    assert [(key.path, key.before, key.after) for key in found.project] == [("from.name", "Acme Shop", "Acme Store")]
    assert {email for one in found.campaigns for email in one.emails} == {
        ("one", "hello", ""), ("one", "again", ""), ("two", "hello", ""),
    }  # fmt: skip


def test_a_campaign_with_errors_is_told_as_such() -> None:
    found = between(files(), files(one="title: 3\n", two=files_of("two")))
    assert [(one.sign, one.campaign) for one in found.campaigns] == [("!", "one")]


def test_before_the_beginning_there_was_nothing() -> None:
    found = changes(None, check_files(files()))
    assert [(one.sign, one.campaign) for one in found.campaigns] == [("+", "one"), ("+", "two")]
