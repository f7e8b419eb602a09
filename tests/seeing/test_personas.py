"""People made up for previews: who they are, and what is wrong with their file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from support.line import PROJECT, TEMPLATE, Line, campaign

from nurture.actions.check import check_files
from nurture.actions.preview import Preview, draft, preview, send_test
from nurture.core.errors import InputError, NotFound
from nurture.files.folder import PERSONAS
from nurture.store import tables

Start = Callable[..., Line]
SHOWN = """---
subject: Hello
---
<p>{{ contact.first_name or 'nobody' }} {{ contact.last_name or 'at all' }} of {{ contact.country or 'nowhere' }} in
{{ contact.timezone }}, {{ contact.stage }}, since {{ contact.signed_up_at|day }}.
{{ contact.brews_with|default('unknown', true) }}. {{ contact.account or 'none' }} by
{{ contact.account_owner or 'nobody' }}.</p>
<div>{% if last_purchase is defined %}<p>{{ last_purchase.order_id }} at {{ last_purchase.at|day }} for
{{ last_purchase.total|money }}: {% for item in last_purchase.items %}{{ item.name }}{% endfor %}</p>{% endif %}</div>
<p><a href="https://acme.example/go">go</a> {{ project.postal_address }}</p>
"""
WHOLE = """
    first_name: İpek
    last_name: Ökten
    stage: former
    locale: tr
    country: TR
    timezone: Europe/Istanbul
    signed_up: 14 days
    attributes: {brews_with: cezve}
    account: {name: Engines Ltd, owner_name: Grace Ğ, owner_address: grace@mail.acme.example}
    last_purchase: {total: 20 EUR, ago: 7 days, order: F-1, items: [{name: Çay}]}
"""


def shown(line: Line, persona: str, personas: str, step: str = "hello") -> Preview:
    checked = check_files({**line.files, PERSONAS: f"personas:\n  ada: {{}}\n  ipek:{personas}"})
    assert not checked.errors, checked.errors
    laid = draft(line.database, checked, line.emails.signer, line.clock())
    return preview(line.database, laid, "first", step, None, line.clock(), persona=persona)


def test_a_persona_is_shown_as_the_file_says(start: Start) -> None:
    line = start(templates={"hello": SHOWN, "hello.tr": SHOWN.replace("Hello", "Merhaba")})
    found = shown(line, "ipek", WHOLE)
    text = " ".join(found.text.split())
    assert (found.subject, found.locale, found.persona, found.made_up) == ("Merhaba", "tr", "ipek", True)
    assert "İpek Ökten of TR in Europe/Istanbul, former, since 16 Şubat 2026. cezve. Engines Ltd by Grace Ğ." in text
    assert "F-1 at 23 Şubat 2026 for €20,00: Çay" in text


def test_what_a_persona_leaves_out_is_not_known(start: Start) -> None:
    line = start(templates={"hello": SHOWN})
    found = shown(line, "ada", " {address: info@example.org}")
    text = " ".join(found.text.split())
    assert text.startswith("nobody at all of nowhere in UTC, lead, since January 31, 2026. unknown. none by nobody.")
    assert "F-1" not in text
    assert found.address == "ada@example.com"


def test_a_persona_has_the_address_of_the_file(start: Start) -> None:
    found = shown(start(), "ipek", " {address: info@example.org, first_name: İpek}")
    assert found.address == "info@example.org"


def test_the_owner_of_a_persona_s_account_sends_where_the_campaign_says_so(start: Start) -> None:
    found = shown(start(campaign(**{"from": "account owner"})), "ipek", WHOLE)
    assert found.headers[0] == ("From", "Grace Ğ <grace@mail.acme.example>")


def test_a_persona_who_is_not_tracked_gets_plain_links(start: Start) -> None:
    line = start(templates={"hello": TEMPLATE.replace("contact.first_name", "contact.first_name or 'you'")})
    assert "https://n.acme.example/c/" in shown(line, "ada", " {}").source.replace("=\r\n", "")
    untracked = shown(line, "ipek", " {tracked: no}").source.replace("=\r\n", "")
    assert "https://n.acme.example/c/" not in untracked
    assert "https://acme.example/go" in untracked


def test_a_persona_enters_on_its_own_event(start: Start) -> None:
    body = TEMPLATE.replace("Hi {{ contact.first_name }}", "{{ event.total|money }}")
    line = start(campaign(enter="{on: checkout, per: basket}", audience="{}"), templates={"hello": body})
    assert "€7.00" in shown(line, "ipek", " {events: {checkout: {total: 7, basket: b}}}").text
    assert "€49.90" in shown(line, "ada", " {}").text


def test_a_persona_has_the_date_that_lets_people_in(start: Start) -> None:
    body = TEMPLATE.replace("Hi {{ contact.first_name }}", "{{ contact.trial_ends|day }}")
    line = start(campaign(enter="{date: trial_ends, days_before: 3}", audience="{}"), templates={"hello": body})
    assert "March 5, 2026" in shown(line, "ada", " {}").text
    assert "May 1, 2026" in shown(line, "ipek", " {attributes: {trial_ends: 2026-05-01}}").text


def test_a_persona_is_nobody_in_the_database_afterwards(start: Start) -> None:
    line = start()
    shown(line, "ipek", WHOLE)
    assert [line.rows(table) for table in (tables.contact, tables.account, tables.purchase, tables.message)] == [[]] * 4


def test_a_persona_that_is_not_there_is_told_with_the_nearest(start: Start) -> None:
    with pytest.raises(NotFound, match="nobody named 'ipk'; did you mean 'ipek'"):
        shown(start(), "ipk", WHOLE)
    line = start()
    with pytest.raises(InputError, match="not for both"):
        laid = draft(line.database, check_files(line.files), line.emails.signer, line.clock())
        preview(line.database, laid, "first", "hello", "ada@example.com", line.clock(), persona="ada")


def test_a_test_goes_out_with_a_persona_s_values(start: Start) -> None:
    line = start()
    checked = check_files({**line.files, PERSONAS: "personas: {ipek: {first_name: İpek}}"})
    laid = draft(line.database, checked, line.emails.signer, line.clock())
    to = "me@example.org"
    send_test(line.database, laid, line.provider, "first", "hello", to, None, line.clock(), persona="ipek")
    assert "Hi İpek" in line.provider.handed[0][1].email.text


def test_personas_are_no_part_of_what_runs(start: Start) -> None:
    line = start()
    before = line.queries.release.id
    line.files[PERSONAS] = "personas: {ipek: {first_name: İpek}}"
    line.clock.at += timedelta(hours=1)
    line.publish()
    assert line.queries.release.id == before


MISTAKES = {
    "{frist_name: Ada}": ("frist_name", "unknown-key", "did you mean 'first_name'?"),
    "{locale: turkish}": ("turkish", "unknown-locale", "did you mean 'tr'?"),
    "{locale: xx}": ("xx", "unknown-locale", "write it like 'tr' or 'en-GB'"),
    "{timezone: Europe/Istambul}": ("Europe/Istambul", "bad-zone", "did you mean 'Europe/Istanbul'?"),
    "{country: UK}": ("UK", "wrong-value", "write two letters like TR or DE (ISO 3166); the United Kingdom is GB"),
    "{stage: custmer}": ("custmer", "unknown-stage", "did you mean 'customer'?"),
    "{signed_up: 3 dya}": ("3 dya", "bad-duration", "did you mean '3 days'?"),
    "{last_purchase: {total: 5 TRI}}": ("5 TRI", "unknown-currency", "did you mean 'TRY'?"),
    "{events: {chekout: {}}}": ("chekout", "unknown-event", "did you mean 'checkout'?"),
}


@pytest.mark.parametrize(("persona", "said"), MISTAKES.items())
def test_a_mistake_in_personas_is_told_at_its_place(persona: str, said: tuple[str, str, str]) -> None:
    word, rule, hint = said
    line = f"  me: {persona}"
    files = {
        "nurture.yaml": PROJECT, "campaigns/first.yaml": campaign(enter="{on: checkout, per: basket}", audience="{}"),
        "templates/emails/hello.html": TEMPLATE,
        PERSONAS: f"personas:\n  ada: {{}}\n{line}\n",
    }  # fmt: skip
    checked = check_files(files)
    found = [(one.line, one.column, one.rule, one.hint) for one in checked.problems if one.path == PERSONAS]
    assert found == [(3, line.index(word) + 1, rule, hint)]
    assert not checked.broken
    assert bool(checked.loaded.personas) is (rule == "unknown-event")


def test_a_name_that_is_none_is_respelled() -> None:
    checked = check_files({"nurture.yaml": PROJECT, PERSONAS: "personas:\n  Long Name: {}\n"})
    assert [(one.line, one.column, one.hint) for one in checked.errors] == [(2, 3, "did you mean 'long-name'?")]
