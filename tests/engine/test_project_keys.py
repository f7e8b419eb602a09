"""Keys of the project's file, each with what it alone brings about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.line import MONDAY, PROJECT, Ledger, campaign, line

from nurture.actions.advance import advance
from nurture.actions.claim import claim
from nurture.actions.enroll import enroll
from nurture.actions.report import report
from nurture.config import read_settings
from nurture.core.email import Outgoing
from nurture.core.event import Kind
from nurture.providers.base import Outcome, Unknown
from nurture.store.tables import kept_email
from nurture.wiring import Opened

from .conftest import Start

LEGAL = "legal: {trade_title: Acme Ticaret Ltd., mersis: '0123456789012345'}\n"
FOOTER = "---\nsubject: Hi\n---\n<p>{{ project.name }} of {{ project.currency }}</p>"
"""An email to which the footer is added that the law asks for."""


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("title: Wake up", "Wake up <first."),
        ("project: Bazaar", "Bazaar of"),
        ("currency: TRY", "of TRY"),
        ("base_url: https://mail.bazaar.example", "<https://mail.bazaar.example/"),
        ("postal_address: Harbour 1, Izmir", "Harbour 1, Izmir"),
        ("from: {name: Zoe, address: zoe@shop.example}", "zoe@shop.example"),
        ("from: {name: Zoe, address: zoe@shop.example}", "Zoe"),
        ("reply_to: answers@shop.example", "answers@shop.example"),
        (LEGAL, "Acme Ticaret Ltd."),
        (LEGAL, "0123456789012345"),
    ],
)
def test_an_email_shows_what_the_files_say(migrated_sqlite_url: str, said: str, seen: str) -> None:
    key = said.partition(":")[0]
    kept = "".join(one for one in PROJECT.splitlines(keepends=True) if not one.startswith((f"{key}:", "exchange:")))
    title = said.removeprefix("title: ") if key == "title" else "Another"
    text = campaign(title=title)
    project = PROJECT if key == "title" else kept + said + "\n"
    with line(migrated_sqlite_url, text, project=project, templates={"hello": FOOTER}) as opened:
        opened.add_contact(country="TR")
        opened.pass_()
        email = opened.provider.handed[0][1].email
    headers = [f"{name}: {value}" for name, value in email.headers]
    whole = "\n".join([email.html, *headers, str(email.sender), str(email.reply_to)])
    assert seen in whole


def test_a_contact_without_a_language_is_written_to_in_the_projects(start: Start) -> None:
    dated = "---\nsubject: '{{ contact.signed_up_at|day }}'\n---\n<p>Hi</p>"
    text = start(project=PROJECT.replace("locale: en", "locale: tr"), templates={"hello": dated})
    text.add_contact(locale=None)
    text.pass_()
    assert text.provider.handed[0][1].email.subject == "2 Mart 2026"


def test_sums_are_told_in_the_projects_currency_at_its_rates(start: Start) -> None:
    project = PROJECT.replace("currency: EUR", "currency: TRY").replace("{TRY: 0.02}", "{EUR: 40}")
    told = start(project=project)
    told.add_contact()
    told.buy("ada", "10", "EUR")
    told.buy("ada", "5", "TRY")
    found = report(told.database, told.program, told.clock())
    assert (found.currency, found.revenue, told.contact()["revenue"]) == ("TRY", 405_00, 405_00)


@pytest.mark.parametrize(
    ("window", "leaves"),
    [("{days: thu}", "2026-03-05 00:00"), ("{hours: 12:00-18:00}", "2026-03-02 12:00")],
)
def test_the_projects_window_holds_where_a_campaign_has_none(start: Start, window: str, leaves: str) -> None:
    held = start(project=PROJECT + f"send_window: {window}\n")
    held.add_contact(timezone="UTC")
    held.run(days=5)
    opening = datetime.fromisoformat(leaves).replace(tzinfo=UTC)
    assert opening <= held.sent_at()[0][1] <= opening + timedelta(hours=1)


@pytest.mark.parametrize("kind", [Kind.OPENED, Kind.FORM])
def test_points_are_given_for_what_the_file_names(start: Start, kind: Kind) -> None:
    points = f"score: {{half_life: 10 days, points: {{{kind.value}: 10}}}}\n"
    scored = start(campaign(audience="{where: [{score: {at_least: 9}}]}"), project=PROJECT + points)
    for who in ("ada", "bob"):
        scored.add_contact(who)
    scored.fact("ada", kind)
    scored.reply("bob")
    scored.pass_()
    assert (len(scored.enrollments("ada")), scored.enrollments("bob")) == (1, [])


@dataclass
class Counted(Ledger):
    """A ledger that tells how many messages each call brought."""

    batches: list[int] = field(default_factory=list)

    def send(self, batch: Sequence[Outgoing], deadline: float) -> list[Outcome]:
        self.batches.append(len(batch))
        return super().send(batch, deadline)


def test_a_call_hands_over_no_more_emails_than_may_be_in_flight(start: Start) -> None:
    provider = Counted()
    sending = start(project=PROJECT + "sending: {in_flight: 3}\n", provider=provider)
    for number in range(7):
        sending.add_contact(f"p{number}")
    sending.run(minutes=5)
    assert sorted(provider.batches) == [1, 3, 3]


def test_a_claim_is_given_up_when_its_lease_has_passed(start: Start) -> None:
    leased = start(project=PROJECT + "sending: {lease: 40 minutes}\n")
    leased.add_contact()
    enroll(leased.database, leased.queries, leased.clock())
    advance(leased.database, leased.queries, leased.clock())
    assert claim(leased.database, leased.queries, leased.emails, "ledger", 32, leased.clock()).claims
    leased.clock.forward(minutes=39)
    leased.pass_()
    assert leased.message()["state"] == "sending"
    leased.clock.forward(minutes=2)
    leased.pass_()
    assert leased.message()["state"] == "unknown"


def test_evidence_of_a_lost_answer_is_waited_for_as_long_as_the_file_says(start: Start) -> None:
    project = PROJECT + "sending: {unknown: {after: 1 day, then: resend}}\n"
    lost = start(campaign(expires="9 days"), project=project, provider=Ledger(answer=lambda _: Unknown("lost")))
    lost.add_contact()
    lost.run(days=2, step=timedelta(hours=1))
    times = [at - MONDAY for _, at in lost.sent_at()]
    assert len(times) == 2 and timedelta(days=1) <= times[1] <= timedelta(days=1, hours=2)


def test_the_values_of_emails_are_kept_as_long_as_the_file_says(start: Start) -> None:
    keeping = start(project=PROJECT + "sending: {keep_emails: 10 days}\n")
    keeping.add_contact()
    keeping.pass_()
    keeping.clock.forward(days=9)
    keeping.pass_()
    assert len(keeping.rows(kept_email)) == 1
    keeping.clock.forward(days=2)
    keeping.pass_()
    assert keeping.rows(kept_email) == []


def test_what_is_known_is_kept_in_the_database_that_the_file_names(tmp_path: Path) -> None:
    (tmp_path / "nurture.yaml").write_text(PROJECT + "database: sqlite:///elsewhere.db\n", encoding="utf-8")
    opened = Opened(tmp_path, read_settings(tmp_path, {}))
    opened.database.close()
    assert (tmp_path / "elsewhere.db").is_file()
