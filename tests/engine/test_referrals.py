"""Referrals: a link of one's own to share, and credit to whoever shared it; on both databases."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from support.line import MONDAY, PROJECT, Line, campaign

from nurture.actions.check import check_files
from nurture.actions.contacts import show_contact
from nurture.actions.doctor import invariants
from nurture.actions.intake import take_rows
from nurture.actions.report import report
from nurture.core.referral import landing
from nurture.emails.links import Purpose, Ref, Signer
from nurture.store.database import insert_all
from nurture.store.referrals import Referrals
from nurture.store.tables import referral

from .conftest import Start

SHARING = PROJECT + "referral: {url: https://acme.example/welcome?from=mail}\n"
LETTER = """---
subject: Bring a friend
---
<p><a href="{{ links.referral }}">share</a> {{ links.referral }}</p>
{{ project.postal_address }} <a href="{{ links.unsubscribe }}">stop</a>
"""


def shop(start: Start, project: str = SHARING) -> Line:
    line = start(campaign("- {id: hello, send: share}\n"), project=project, templates={"share": LETTER})
    line.add_contact("ada")
    line.pass_()
    return line


def code_of(line: Line, who: str = "ada") -> str:
    email = next(one.email for _, one in line.provider.handed if one.contact_id == line.names[who])
    found = re.search(r'https://n\.acme\.example/r/([\w-]+)"', email.html)
    assert found
    return found[1]


def tell(line: Line, kind: str, **row: Any) -> dict[str, int]:
    said = {"at": line.clock().isoformat(), "amount": "20", **row} if kind == "purchases" else row
    return dict(take_rows(line.database, line.program, kind, [said], line.clock(), line.emails.signer).counts)


def test_an_email_has_a_link_of_its_contacts_own_to_share(start: Start) -> None:
    line = shop(start)
    assert line.emails.signer.read(Purpose.REFERRAL, code_of(line)) == Ref(line.names["ada"], line.message()["id"])
    email = line.provider.handed[0][1].email
    assert f"https://n.acme.example/r/{code_of(line)}" in email.text


def test_a_shared_link_allows_nothing_but_to_refer(start: Start) -> None:
    signer: Signer = shop(start).emails.signer
    token = signer.token(Purpose.REFERRAL, "0a" * 16, "1b" * 16)
    assert [purpose for purpose in Purpose if signer.read(purpose, token)] == [Purpose.REFERRAL]


def test_the_code_joins_what_the_landing_page_asks_already() -> None:
    assert landing("https://a.example/x?y=1#z", "code") == "https://a.example/x?y=1&ref=code#z"
    assert landing("https://a.example", "code") == "https://a.example?ref=code"


def test_a_sign_up_with_the_code_gives_credit_to_the_referrer(start: Start) -> None:
    line = shop(start)
    counts = tell(line, "contacts", email="ben@example.com", ref=code_of(line))
    assert (counts["referred"], counts["unknown_refs"]) == (1, 0)
    row = line.rows(referral)[0]
    assert (row["referrer_id"], row["campaign"], row["step"]) == (line.names["ada"], "first", "hello")
    assert show_contact(line.database, "ben@example.com")["contact"]["referred_by"] == "ada@example.com"
    brought = show_contact(line.database, "ada@example.com")["referrals"]
    assert [one["address"] for one in brought] == ["ben@example.com"]
    assert show_contact(line.database, "ben@example.com")["contact"]["attributes"] == {}


def test_an_order_with_the_code_gives_credit_and_counts_what_was_bought(start: Start) -> None:
    line = shop(start)
    tell(line, "purchases", email="ben@example.com", order_id="o1", referrer=code_of(line))
    tell(line, "purchases", email="ben@example.com", order_id="o2")
    tell(line, "contacts", email="cem@example.com", ref="ADA@example.com")
    assert report(line.database, line.program, line.clock()).referrals == Referrals(1, 2, 1, 4000)
    assert report(line.database, line.program, line.clock(), "first").referrals == Referrals(1, 1, 1, 4000)
    line.refund("o1")
    assert report(line.database, line.program, line.clock()).referrals == Referrals(1, 2, 1, 2000)
    found = {one["address"]: one["purchases"] for one in show_contact(line.database, "ada@example.com")["referrals"]}
    assert found == {"ben@example.com": 1, "cem@example.com": 0}


def test_of_two_referrers_the_first_stands_in_whatever_order_they_are_told(start: Start) -> None:
    line = shop(start)
    line.add_contact("dia")
    earlier, later = (MONDAY - timedelta(days=days) for days in (5, 2))
    said = {"email": "ben@example.com", "amount": "20"}
    tell(line, "purchases", **said, order_id="o2", at=later.isoformat(), ref="dia@example.com")
    tell(line, "purchases", **said, order_id="o1", at=earlier.isoformat(), ref=code_of(line))
    again = tell(line, "purchases", **said, order_id="o3", at=later.isoformat(), ref="dia@example.com")
    assert again["referred"] == 0
    assert [(row["referrer_id"], row["order_id"]) for row in line.rows(referral)] == [(line.names["ada"], "o1")]


def test_nobody_brings_themself_or_whoever_brought_them(start: Start) -> None:
    line = shop(start)
    line.add_contact("ben")
    assert tell(line, "contacts", email="ada@example.com", ref=code_of(line))["referred"] == 0
    assert tell(line, "contacts", email="ben@example.com", ref=code_of(line))["referred"] == 1
    assert tell(line, "contacts", email="ada@example.com", ref="ben@example.com")["referred"] == 0
    assert len(line.rows(referral)) == 1


def test_two_who_brought_each_other_are_found(start: Start) -> None:
    line = shop(start)
    tell(line, "contacts", email="ben@example.com", ref=code_of(line))
    asked = invariants(line.database, line.program, None, line.clock(), slack=timedelta())
    assert all(one.ok for one in asked)
    with line.database.write() as connection:
        row = line.rows(referral)[0]
        insert_all(connection, referral, [{**row, "contact_id": row["referrer_id"], "referrer_id": row["contact_id"]}])
    asked = invariants(line.database, line.program, None, line.clock(), slack=timedelta())
    assert [one.name for one in asked if not one.ok] == ["referrals"]


def test_a_code_of_somebody_elses_making_loses_no_order(start: Start) -> None:
    line = shop(start)
    forged = Signer([b"x" * 32]).token(Purpose.REFERRAL, line.names["ada"], line.message()["id"])
    unsubscribe = line.emails.signer.token(Purpose.UNSUBSCRIBE, line.names["ada"], line.message()["id"])
    for number, ref in enumerate(("newsletter", forged, unsubscribe, "nobody@example.com")):
        counts = tell(line, "purchases", email="ben@example.com", order_id=f"o{number}", ref=ref)
        assert (counts["new"], counts["unknown_refs"], counts["referred"]) == (1, 1, 0)
    assert line.rows(referral) == []


def test_without_referrals_in_the_project_such_a_column_is_an_attribute(start: Start) -> None:
    line = start(campaign())
    tell(line, "contacts", email="ben@example.com", ref="newsletter")
    known = show_contact(line.database, "ben@example.com")["contact"]
    assert known["attributes"] == {"ref": "newsletter"} and known["referred_by"] is None


def test_a_shared_link_that_leads_nowhere_is_a_mistake() -> None:
    files = {
        "nurture.yaml": PROJECT,
        "campaigns/first.yaml": campaign("- {id: hello, send: share}\n"),
        "templates/emails/share.html": LETTER,
    }
    assert "'links.referral' leads nowhere" in str(check_files(files).errors[0])
    assert not check_files({**files, "nurture.yaml": SHARING}).errors
