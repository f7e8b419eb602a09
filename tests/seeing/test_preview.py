"""An email as its contact would get it, and whether the gate would let it go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from quopri import decodestring
from typing import Any

import pytest
from sqlalchemy import select
from support.line import PROJECT, TEMPLATE, Line, campaign

from nurture.actions.check import check_files
from nurture.actions.preview import Gate, Preview, draft, preview, send_test
from nurture.core.errors import InputError, NotFound, ProjectError, RenderError
from nurture.core.event import BounceClass, Kind
from nurture.providers.base import Rejected
from nurture.providers.outbox import Outbox, read
from nurture.store import tables

Start = Callable[..., Line]
LIMITS = "limits: {per_hour: 5, per_contact: [1 per 24 hours]}\n"
WINDOW = "{days: mon-fri, hours: 09:00-18:00}"


def shown(line: Line, who: str | None = "ada", step: str = "hello", **more: Any) -> Preview:
    laid_out = draft(line.database, check_files(line.files), line.emails.signer, line.clock())
    return preview(line.database, laid_out, "first", step, f"{who}@example.com" if who else None, line.clock(), **more)


def gate(line: Line, at: datetime, who: str = "ada") -> Gate:
    found = shown(line, who, at=at).gate
    assert found is not None
    return found


def everything(line: Line) -> dict[str, list[Any]]:
    with line.database.read() as connection:
        return {
            name: sorted(map(str, connection.execute(select(table)))) for name, table in tables.metadata.tables.items()
        }


def test_a_preview_is_what_the_contact_is_sent_but_for_ids_and_tracking(start: Start) -> None:
    line = start()
    line.add_contact("ada", first_name="Zoë")
    found = shown(line)
    line.pass_()
    sent = line.provider.handed[0][1].email
    assert (found.subject, found.address) == (sent.subject, sent.recipient.address)
    assert "Hi Zoë" in found.text
    assert "Hi Zoë" in sent.text
    assert [name for name, _ in found.headers][-5:] == [name for name, _ in sent.headers]
    assert "https://acme.example/go" in found.html
    assert "https://acme.example/go" not in sent.html


def test_a_preview_shows_the_files_as_they_stand_not_the_release(start: Start) -> None:
    line = start()
    line.add_contact("ada")
    line.files["templates/emails/hello.html"] = TEMPLATE.replace("Hello", "Good morning")
    assert shown(line).subject == "Good morning"


def test_a_preview_speaks_the_contacts_language_or_the_one_asked_for(start: Start) -> None:
    line = start(templates={"hello.tr": TEMPLATE.replace("Hello", "Merhaba")})
    line.add_contact("ada", locale="tr-TR")
    line.add_contact("bob", locale="de")
    assert (shown(line).subject, shown(line).locale) == ("Merhaba", "tr")
    assert shown(line, "bob").subject == "Hello"
    assert shown(line, "bob", locale="tr").subject == "Merhaba"


def test_somebody_is_made_up_where_nobody_is_named_and_that_is_said(start: Start) -> None:
    body = "---\nsubject: Hi\n---\n<p>{{ last_purchase.total|money }} {{ project.postal_address }}</p>"
    line = start(templates={"hello": body}, project=PROJECT.replace("EUR", "JPY"))
    found = shown(line, None)
    assert found.made_up
    assert "4,990" in found.text


def test_what_a_preview_cannot_show_is_told_with_what_there_is(start: Start) -> None:
    line = start(campaign("- {id: hello, send: hello}\n- {id: pause, wait: 1 day}"))
    with pytest.raises(NotFound, match=r"'pause'.* hello"):
        shown(line, None, "pause")
    with pytest.raises(NotFound, match=r"ada@example\.com is no contact's"):
        shown(line)
    line.files["campaigns/first.yaml"] = campaign(status="lively")
    with pytest.raises(ProjectError, match="lively"):
        shown(line, None)
    line.files["campaigns/first.yaml"] = campaign()
    line.files["templates/emails/hello.html"] = TEMPLATE.replace("first_name", "nickname")
    with pytest.raises(RenderError, match=r"hello.html:4.*nickname"):
        shown(line, None)


def test_a_preview_writes_nothing_whatever_it_asks(start: Start) -> None:
    line = start(
        campaign(send_window=WINDOW), project=PROJECT + "limits: {per_hour: 5, per_contact: [1 per 24 hours]}\n"
    )
    line.add_contact("ada")
    before = everything(line)
    for hours in (0, 10, 100):
        shown(line, at=line.clock() + timedelta(hours=hours))
    assert everything(line) == before
    line.pass_()
    before = everything(line)
    shown(line, at=line.clock())
    assert everything(line) == before


def test_the_gate_is_asked_in_the_contacts_own_time(start: Start) -> None:
    line = start(campaign(send_window=WINDOW))
    line.add_contact("ada", timezone="Asia/Tokyo")
    morning = datetime(2026, 3, 4, 0, 30, tzinfo=UTC)
    assert gate(line, morning).goes
    evening = morning + timedelta(hours=10)
    asked = gate(line, evening)
    opening = datetime(2026, 3, 5, 0, 0, tzinfo=UTC)
    assert asked == Gate(evening, False, "window", asked.until)
    assert asked.until is not None and opening <= asked.until <= opening + timedelta(minutes=30)


def test_the_gate_names_why_an_email_would_not_leave(start: Start) -> None:
    line = start(campaign(holdout="0%"))
    for who, consents in (("ada", ("offers",)), ("bob", ()), ("eve", ("offers",))):
        line.add_contact(who, consents=consents)
    line.unsubscribe("eve")
    assert gate(line, line.clock()).goes
    assert gate(line, line.clock(), "bob").reason == "no-consent"
    assert gate(line, line.clock(), "eve").reason == "suppressed"
    line.files["campaigns/first.yaml"] = campaign(holdout="100%")
    assert gate(line, line.clock()).reason == "holdout"
    line.files["campaigns/first.yaml"] = campaign(status="paused")
    assert gate(line, line.clock()).reason == "the campaign is paused"


def test_the_gate_knows_what_was_sent_before(start: Start) -> None:
    steps = "- {id: hello, send: hello}\n- {id: pause, wait: 1 hour}\n- {id: second, send: second}"
    line = start(campaign(steps), project=PROJECT + "limits: {per_contact: [1 per 24 hours]}\n")
    line.add_contact("ada")
    line.pass_()
    assert gate(line, line.clock()).reason == "it was handed over on 2026-03-02 08:00 UTC (accepted)"
    soon = shown(line, step="second", at=line.clock() + timedelta(hours=2)).gate
    assert soon == Gate(line.clock() + timedelta(hours=2), False, "capped", line.clock() + timedelta(days=1))
    later = shown(line, step="second", at=line.clock() + timedelta(days=1)).gate
    assert later is not None
    assert later.goes


def test_an_email_that_waits_already_is_asked_about_as_if_it_came_due_then(start: Start) -> None:
    line = start(campaign(send_window="{hours: 20:00-21:00}"))
    line.add_contact("ada")
    line.pass_()
    assert line.states() == [("hello", "due")]
    assert gate(line, line.clock() + timedelta(days=30, hours=12)).goes


def test_somebody_made_up_is_asked_about_as_everybody_is(start: Start) -> None:
    line = start(campaign(send_window=WINDOW))
    before = everything(line)
    noon, night = (datetime(2026, 3, 4, hour, tzinfo=UTC) for hour in (12, 23))
    asked = [shown(line, None, at=at).gate for at in (noon, night)]
    assert [(gate.goes, gate.reason) for gate in asked if gate] == [(True, None), (False, "window")]
    assert everything(line) == before


def test_somebody_made_up_takes_nothing_from_the_contact_with_their_address(start: Start) -> None:
    line = start()
    line.add_contact("ada", first_name="Zoë")
    line.unsubscribe("ada")
    found = shown(line, None, at=line.clock())
    assert found.address == "ada@example.com"
    assert "Hi Ada" in found.text
    assert found.gate is not None
    assert found.gate.goes


def test_what_was_sent_already_can_still_be_looked_at(start: Start) -> None:
    line = start()
    line.add_contact("ada")
    line.pass_()
    line.unsubscribe("ada")
    assert "Hi Ada" in shown(line).text


def test_a_test_goes_through_the_provider_marked_untracked_and_unrecorded(start: Start, tmp_path: Path) -> None:
    line = start()
    contact_id = line.add_contact("ada")
    before = everything(line)
    laid_out = draft(line.database, check_files(line.files), line.emails.signer, line.clock())
    outbox = Outbox(tmp_path, line.clock)
    subject = send_test(
        line.database, laid_out, outbox, "first", "hello", "me@example.org", "ada@example.com", line.clock()
    )
    outbox.close()
    assert everything(line) == before
    index = (tmp_path / "index.jsonl").read_text()
    message_id = index.partition('"message_id":"')[2][:32]
    content = decodestring(read(tmp_path, message_id)).decode()
    assert subject == "[Test] Hello"
    assert "Subject: [Test] Hello" in content
    assert "To: me@example.org" in content
    assert "Hi Ada" in content
    assert "https://acme.example/go" in content
    assert contact_id not in index


def test_a_test_with_a_subject_that_varies_is_marked_too(start: Start) -> None:
    line = start(templates={"hello": TEMPLATE.replace("subject: Hello", 'subject: "Hi {{ contact.first_name }}"')})
    laid_out = draft(line.database, check_files(line.files), line.emails.signer, line.clock())
    send_test(line.database, laid_out, line.provider, "first", "hello", "me@example.org", None, line.clock())
    assert line.provider.handed[0][1].email.subject == "[Test] Hi Ada"


def test_a_test_that_is_refused_says_what_the_provider_said(start: Start) -> None:
    line = start()
    line.provider.answer = lambda _: Rejected("mailbox full", BounceClass.SOFT)
    laid_out = draft(line.database, check_files(line.files), line.emails.signer, line.clock())
    with pytest.raises(InputError, match="ledger did not take the email: mailbox full"):
        send_test(line.database, laid_out, line.provider, "first", "hello", "me@example.org", None, line.clock())
    with pytest.raises(InputError, match="not an email address"):
        send_test(line.database, laid_out, line.provider, "first", "hello", "me", None, line.clock())


SHOWN = "<p>{{ event.items|length }} of {{ event.total|money }}</p>"
EVENT = f"---\nsubject: Hello\n---\n{SHOWN}" + TEMPLATE.split("---\n")[2]
ON = campaign(enter="{on: checkout_started, where: {plan: [pro]}, per: basket_id}", audience="{}")


def test_a_preview_has_the_event_given_or_the_latest_or_one_made_up(start: Start) -> None:
    line = start(ON, templates={"hello": EVENT})
    line.add_contact("ada")
    assert "1 of €49.90" in shown(line, None).text
    line.fact("ada", Kind.CUSTOM, name="checkout_started", detail={"items": [{}, {}], "total": 7})
    assert "2 of €7.00" in shown(line).text
    assert "0 of €8.00" in shown(line, event={"items": [], "total": "8"}).text


def test_the_gate_is_asked_for_a_contact_whom_no_event_let_in(start: Start) -> None:
    line = start(ON, templates={"hello": EVENT})
    line.add_contact("ada")
    before = everything(line)
    assert gate(line, line.clock()).goes
    assert everything(line) == before


def test_event_is_not_known_where_nobody_enters_on_one(start: Start) -> None:
    line = start()
    line.files["templates/emails/hello.html"] = EVENT
    assert "'event' is known only" in str(check_files(line.files).errors[0])
