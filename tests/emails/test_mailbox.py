"""What a mailbox shows before an email is opened, tried with people whose names are unusual."""

from __future__ import annotations

import pytest

from emails.parts import email_file
from nurture.emails.mailbox import SHOWN, mailbox

KNOWN = {"project": {"name": "Acme"}, "campaign": {"name": "spring", "title": "Spring"}}
OUT = '{{ project.postal_address }} <a href="{{ links.unsubscribe }}">stop</a>'


def rules(subject: str) -> list[tuple[str, str]]:
    files = {"a.html": email_file(OUT, subject=subject, preheader="p")}
    return [(one.rule, one.severity) for one in mailbox(files, "a", KNOWN, True)]


@pytest.mark.parametrize(
    "subject",
    ["{{ contact.first_name or 'Hello' }}, we kept your place", "News of {{ project.name }}", "x" * SHOWN,
     "{{ event.title }}", "{{ last_purchase.order_id }} is on its way", "{{ coupon.worth }} for you"],
)  # fmt: skip
def test_a_subject_that_says_something_to_everybody_is_right(subject: str) -> None:
    assert rules(subject) == []


def test_a_subject_that_is_empty_for_somebody_is_an_error() -> None:
    assert rules("{{ contact.first_name }}") == [("empty-subject", "error")]


def test_a_long_subject_is_warned_about_and_noted_where_only_long_names_make_it_so() -> None:
    assert rules("x" * (SHOWN + 1)) == [("long-subject", "warning")]
    assert rules("{{ contact.first_name }} {{ contact.last_name }}, " + "x" * 40) == [("long-subject", "note")]


def test_an_email_without_a_way_out_or_an_address_is_warned_about() -> None:
    files = {"a.html": "---\nsubject: x\npreheader: y\n---\n<html>\n<body><p>x</p>\n</body></html>"}
    told = [(one.rule, one.severity, one.line, one.column) for one in mailbox(files, "a", KNOWN, True)]
    assert told == [("no-postal-address", "warning", 7, 1), ("no-unsubscribe", "warning", 7, 1)]


def test_a_way_out_that_only_some_get_to_see_is_none() -> None:
    body = "{% if contact.country == 'TR' %}{{ links.unsubscribe }}{% endif %}{{ project.postal_address }}"
    files = {"a.html": f"---\nsubject: x\npreheader: y\n---\n<p>{body}</p>"}
    assert [one.rule for one in mailbox(files, "a", KNOWN, True)] == ["no-unsubscribe"]


def test_an_email_without_a_preheader_is_warned_about() -> None:
    files = {"a.html": f"---\nsubject: x\n---\n<p>{OUT}</p>"}
    assert [(one.rule, one.severity) for one in mailbox(files, "a", KNOWN, True)] == [("no-preheader", "warning")]


def test_a_subject_that_is_not_sent_is_not_judged() -> None:
    files = {"a.html": email_file(OUT, subject="{{ contact.first_name }}", preheader="p")}
    assert mailbox(files, "a", KNOWN, False) == []
