"""Events and suppressions in: recorded once, with the consequences they would have had."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from imports.shop import NOW, Shop
from nurture.store.tables import message

CONTACTS = "email,signed_up\nada@x.example,2026-10-01\nbo@x.example,2026-10-01\n"
HEAD = "kind,email,at,url,user_agent,name\n"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"


@pytest.fixture
def known(shop: Shop) -> Shop:
    """A shop with two contacts."""
    shop.take("contacts", CONTACTS)
    return shop


@pytest.mark.parametrize("kind", ["opened", "clicked", "replied", "form"])
def test_engagement_makes_a_prospect(known: Shop, kind: str) -> None:
    text = f"{HEAD}{kind},Ada@x.example,2026-11-01T10:00:00Z,https://acme.example,{BROWSER},guide\n"
    assert known.take("events", text).counts["new"] == 1
    row = known.contact("ada@x.example")
    assert (row["stage"], row["last_engaged_at"]) == ("prospect", datetime(2026, 11, 1, 10, tzinfo=UTC))
    assert known.contact("bo@x.example")["stage"] == "lead"


def test_a_machine_is_judged_by_its_agent_and_moves_nothing(known: Shop) -> None:
    known.take("events", HEAD + "opened,ada@x.example,2026-11-01T10:00:00Z,,Mozilla/5.0,\n")
    assert known.contact("ada@x.example")["stage"] == "lead"
    assert [row["machine"] for row in known.rows("event")] == ["apple-mpp"]


def test_an_open_without_an_agent_is_taken_for_a_persons(known: Shop) -> None:
    known.take("events", "event,address,time\nopen,ada@x.example,2026-11-01\n")
    assert [(row["kind"], row["machine"]) for row in known.rows("event")] == [("opened", None)]


def test_the_same_file_twice_changes_nothing(known: Shop) -> None:
    text = (
        HEAD
        + f"clicked,ada@x.example,2026-11-01T10:00:00Z,https://a.example/1,{BROWSER},\n"
        + f"clicked,ada@x.example,2026-11-01T10:00:00Z,https://a.example/2,{BROWSER},\n"
        + "unsubscribed,bo@x.example,2026-11-02T10:00:00Z,,,\n"
    )
    known.take("events", text)
    before = known.everything()
    known.now = NOW + timedelta(minutes=5)
    counts = known.take("events", text).counts
    assert known.everything() == before
    assert (counts["new"], counts["known"]) == (0, 3)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("complained,ada@x.example,2026-11-01,,,", "complained"),
        ("unsubscribed,ada@x.example,2026-11-01,,,", "unsubscribed"),
        ("bounced,ada@x.example,2026-11-01,,,", "bounced"),
    ],
)
def test_some_events_suppress(known: Shop, row: str, reason: str) -> None:
    known.take("events", HEAD + row + "\n")
    (suppression,) = known.rows("suppression")
    assert (suppression["address_key"], suppression["reason"]) == ("ada@x.example", reason)


@pytest.mark.parametrize("bounce", ["soft", "policy", "content"])
def test_a_bounce_that_is_not_the_addresss_fault_suppresses_nobody(known: Shop, bounce: str) -> None:
    known.take("events", f"kind,email,at,bounce\nbounced,ada@x.example,2026-11-01,{bounce}\n")
    assert (len(known.rows("event")), known.rows("suppression")) == (1, [])


def test_an_unsubscribe_from_a_topic_withdraws_that_consent_only(known: Shop) -> None:
    known.take("contacts", "email,consent,consent_at\nada@x.example,yes,2026-10-01\n")
    known.take("events", "kind,email,at,topic\nunsubscribed,ada@x.example,2026-11-01,offers\n")
    assert {row["topic"]: row["given"] for row in known.rows("consent")} == {"offers": False, "stories": True}
    assert known.rows("suppression") == []


def test_further_columns_are_kept_as_detail(known: Shop) -> None:
    known.take("events", "kind,email,at,name,budget\nform,ada@x.example,2026-11-01,quote,500\n")
    (row,) = known.rows("event")
    assert (row["name"], row["detail"]) == ("quote", {"budget": 500})


def test_an_event_may_name_its_message(known: Shop) -> None:
    ada, at = known.contact("ada@x.example")["id"], datetime(2026, 11, 1, tzinfo=UTC)
    with known.database.write() as connection:
        connection.execute(insert(message), [_message(ada, at)])
    head = "kind,message_id,at,user_agent\n"
    click, lost = f"clicked,{'a' * 32},2026-11-01T00:00:05Z,{BROWSER}\n", f"opened,{'b' * 32},2026-11-02,\n"
    summary = known.take("events", head + click + lost)
    assert (summary.counts["new"], summary.rejected) == (1, 1)
    (row,) = known.rows("event")
    assert (row["contact_id"], row["message_id"], row["machine"]) == (ada, "a" * 32, "too-soon")
    assert known.rows("message")[0]["machine_clicked_at"] == at + timedelta(seconds=5)


def _message(owner: str, at: datetime) -> dict[str, object]:
    return {
        "contact_id": owner, "id": "a" * 32, "enrollment_id": "e" * 32, "campaign": "c", "step": "s",
        "state": "accepted", "planned_at": at, "expires_at": at, "attempts": 1, "fence": 1, "accepted_at": at,
        "resent_by_policy": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("opened,nobody@x.example,2026-11-01,,,", "import the contact first"),
        ("a peek,ada@x.example,2026-11-01,,,", "write one of opened"),
        ("opened,ada@x.example,2027-11-01,,,", "future"),
        ("opened,,2026-11-01,,,", "email: is missing"),
        (",ada@x.example,2026-11-01,,,", "kind: is missing"),
        ("opened,ada@x.example,,,,", "at: is missing"),
        ("form,ada@x.example,2026-11-01,,,", "name: is missing"),
    ],
)
def test_an_event_that_cannot_be_used_is_refused_with_the_reason(known: Shop, row: str, said: str) -> None:
    summary = known.take("events", HEAD + row + "\n")
    assert said in summary.first_rejects[0].reason
    assert known.rows("event") == []


def test_a_dry_run_of_events_counts_and_writes_nothing(known: Shop) -> None:
    before = known.everything()
    text = HEAD + "opened,ada@x.example,2026-11-01,,,\nopened,ada@x.example,2026-11-01,,,\n"
    counts = known.take("events", text, dry_run=True).counts
    assert (counts["new"], counts["known"]) == (1, 1)
    assert known.everything() == before


# --- suppressions ------------------------------------------------------------------------------------------------

SUPPRESSED = """email,reason,at,source
ADA@x.example,Spam Report,2026-11-01,old system
later@x.example,,,
odd..address@x.example,unsubscribed,2026-11-01,
no address,,,
x@y.example,tired,,
"""


def test_suppressions_are_kept_by_address_whether_or_not_it_is_anybodys(known: Shop) -> None:
    summary = known.take("suppressions", SUPPRESSED)
    assert (summary.counts["new"], summary.rejected) == (3, 2)
    rows = {row["address_key"]: (row["reason"], row["source"], row["contact_id"]) for row in known.rows("suppression")}
    assert rows == {
        "ada@x.example": ("complained", "old system", known.contact("ada@x.example")["id"]),
        "later@x.example": ("imported", "import", None),
        "odd..address@x.example": ("unsubscribed", "import", None),
    }


def test_the_same_suppressions_twice_change_nothing(known: Shop) -> None:
    known.take("suppressions", SUPPRESSED)
    before = known.everything()
    counts = known.take("suppressions", SUPPRESSED).counts
    assert (counts["new"], counts["known"]) == (0, 3)
    assert known.everything() == before


def test_a_dry_run_of_suppressions_counts_and_writes_nothing(known: Shop) -> None:
    before = known.everything()
    assert known.take("suppressions", SUPPRESSED, dry_run=True).counts["new"] == 3
    assert known.everything() == before


def test_an_event_of_ones_own_is_kept_with_its_fields(known: Shop) -> None:
    text = (
        "event,email,at,total,basket_id,items\n"
        'checkout_started,ada@x.example,2026-11-01T10:00:00Z,50,b1,"[{""name"": ""Tea"", ""price"": 4.50}]"\n'
        "Checkout_Started,ada@x.example,2026-11-01T10:00:00Z,50,b2,\n"
    )
    for _ in range(2):
        known.take("events", text)
    first, second = sorted(known.rows("event"), key=lambda row: row["detail"]["basket_id"])
    assert (first["kind"], first["name"], second["name"]) == ("custom", "checkout_started", "checkout_started")
    assert first["detail"] == {"total": 50, "basket_id": "b1", "items": [{"name": "Tea", "price": "4.50"}]}
    assert known.contact("ada@x.example")["stage"] == "lead"


def test_a_total_is_a_number_however_it_is_spelled(known: Shop) -> None:
    rows = "".join(
        f"checkout_started,ada@x.example,2026-11-0{n}T10:00:00Z,{t},1.50\n" for n, t in ((1, "49.90"), (2, "7"))
    )
    known.take("events", "kind,email,at,total,version\n" + rows)
    details = [row["detail"] for row in known.rows("event") if row["kind"] == "custom"]
    assert sorted(detail["total"] for detail in details) == [7, 49.9]
    assert {detail["version"] for detail in details} == {"1.50"}


@pytest.mark.parametrize(("kind", "meant"), [("cliked", "did you mean clicked"), ("Checkout started", "your own")])
def test_a_misspelt_kind_is_not_an_event_of_ones_own(known: Shop, kind: str, meant: str) -> None:
    summary = known.take("events", f"{HEAD}{kind},ada@x.example,2026-11-01,,,\n")
    assert meant in summary.first_rejects[0].reason
