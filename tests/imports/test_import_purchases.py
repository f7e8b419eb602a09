"""Purchases in: each order once, exact to the smallest coin, in any order of rows and files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from imports.shop import NOW, Shop
from nurture.actions.import_purchases import parse_items
from nurture.core.errors import InputError
from nurture.core.score import same
from nurture.store.database import Database
from nurture.store.migrate import migrate

HEAD = "order_id,email,amount,currency,at\n"
CONTACTS = "email,signed_up\nada@x.example,2025-01-01\n"


def told(shop: Shop) -> dict[str, Any]:
    """What must not depend on the order in which things came, without random ids and times of recording."""
    names = {row["id"]: row["address"] for row in shop.rows("contact")}
    skipped = {"id", "recorded_at", "created_at", "superseded_at", "marked_at", "source", "score_until"}
    return {
        table: sorted(
            json.dumps({k: names.get(str(v), v) for k, v in row.items() if k not in skipped}, default=str)
            for row in shop.rows(table)
            if not row.get("superseded_at")
        )
        for table in ("contact", "purchase", "refund", "conversion", "stage_change")
    }


def test_a_purchase_makes_a_customer_and_a_conversion(shop: Shop) -> None:
    shop.take("contacts", CONTACTS)
    summary = shop.take("purchases", HEAD + "F-1,ADA@x.example,1450.00,TRY,2026-09-25T19:27:00+03:00\n")
    assert (summary.counts["new"], summary.counts["contacts"]) == (1, 0)
    (row,) = shop.rows("purchase")
    assert (row["amount"], row["currency"], row["value"]) == (145000, "TRY", 2900)
    assert row["occurred_at"] == datetime(2026, 9, 25, 16, 27, tzinfo=UTC)
    assert shop.contact("ada@x.example")["stage"] == "customer"
    assert [(row["kind"], row["old_stage"]) for row in shop.rows("conversion")] == [("converted", "inactive")]


def test_the_same_file_twice_changes_nothing(shop: Shop) -> None:
    text = (
        HEAD + "F-1,ada@x.example,12.50,,2026-09-25\nF-2,b@x.example,1,,2026-09-26\nF-1,ada@x.example,-5,,2026-10-01\n"
    )
    shop.take("purchases", text)
    before = shop.everything()
    shop.now = NOW + timedelta(minutes=5)
    counts = shop.take("purchases", text).counts
    assert shop.everything() == before
    assert (counts["new"], counts["known"], counts["refunds"], counts["known_refunds"]) == (0, 2, 0, 1)


def test_no_currency_means_the_projects_and_the_smallest_unit_is_the_currencys(shop: Shop) -> None:
    text = (
        HEAD + "1,a@x.example,12.5,,2026-09-25\n2,a@x.example,1450,jpy,2026-09-25\n3,a@x.example,0.001,KWD,2026-09-25\n"
    )
    shop.take("purchases", text)
    assert [(row["amount"], row["currency"]) for row in shop.rows("purchase")] == [
        (1250, "EUR"),
        (1450, "JPY"),
        (1, "KWD"),
    ]


def test_amounts_in_json_are_exact(shop: Shop) -> None:
    line = '{"order_id": 7, "email": "a@x.example", "amount": 1234567890123.45, "at": "2026-09-25"}\n'
    shop.take("purchases", line, "orders.jsonl")
    assert [(row["order_id"], row["amount"]) for row in shop.rows("purchase")] == [("7", 123456789012345)]


def test_whom_nobody_knew_is_known_since_the_first_purchase_and_a_customer_without_a_conversion(shop: Shop) -> None:
    counts = shop.take("purchases", HEAD + "2,n@x.example,5,,2026-06-01\n1,n@x.example,5,,2026-05-01\n").counts
    assert (counts["new"], counts["contacts"]) == (2, 1)
    row = shop.contact("n@x.example")
    assert (row["known_at"], row["signed_up_at"]) == (datetime(2026, 4, 30, 21, tzinfo=UTC), None)
    assert (row["stage"], row["source"], row["purchase_count"], row["revenue"]) == ("customer", "purchase", 2, 1000)
    assert shop.rows("conversion") == []


def test_an_earlier_purchase_in_a_later_file_moves_the_beginning(shop: Shop) -> None:
    shop.take("purchases", HEAD + "2,n@x.example,5,,2026-06-01\n")
    shop.take("purchases", HEAD + "1,n@x.example,5,,2023-05-01\n")
    assert shop.contact("n@x.example")["known_at"] == datetime(2023, 4, 30, 21, tzinfo=UTC)
    live = [row for row in shop.rows("conversion") if not row["superseded_at"]]
    assert [(row["order_id"], row["kind"]) for row in live] == [("2", "won_back")]


def test_the_order_of_files_and_rows_changes_nothing(shop: Shop, sqlite_url: str) -> None:
    orders = [
        f"{n},ada@x.example,{n}.00,,{date}" for n, date in enumerate(("2023-01-01", "2025-02-01", "2026-09-01"), 1)
    ]
    orders += ["2,ada@x.example,-2.00,,2026-10-01", "3,ada@x.example,-3.00,,2026-10-02"]
    shop.take("contacts", CONTACTS)
    shop.take("purchases", HEAD + "\n".join(orders))
    first = told(shop)
    other = Shop(Database(sqlite_url.replace("nurture.db", "other.db")), shop.folder)
    migrate(other.database)
    other.take("purchases", HEAD + "\n".join(reversed(orders)))
    other.take("contacts", CONTACTS)
    assert told(other) == first
    # Points are added up in another order, which rounds otherwise.
    assert same(other.contact("ada@x.example")["score_until"], shop.contact("ada@x.example")["score_until"])
    other.database.close()


def test_a_contact_can_be_named_by_id(shop: Shop) -> None:
    shop.take("contacts", CONTACTS)
    ada = shop.contact("ada@x.example")["id"]
    summary = shop.take("purchases", f"order,contact_id,total,date\n1,{ada},5,2026-01-01\n2,{'0' * 32},5,2026-01-01\n")
    assert (summary.counts["new"], summary.rejected) == (1, 1)
    assert "no contact has the id" in summary.first_rejects[0].reason


def test_items_are_kept_with_their_prices_as_text(shop: Shop) -> None:
    cell = '"[{""name"": ""Kettle"", ""quantity"": 2, ""price"": 59.00, ""sku"": ""K-1""}]"'
    shop.take("purchases", f"order_id,email,amount,at,items\n1,a@x.example,118,2026-01-01,{cell}\n")
    (row,) = shop.rows("purchase")
    assert row["items"] == [{"name": "Kettle", "quantity": 2, "price": "59.00", "sku": "K-1"}]


@pytest.mark.parametrize(
    "cell", ["kettle", "{}", '["kettle"]', '[{"quantity": "many"}]', '[{"price": "1,50"}]', [{}] * 201, '[{"a": NaN}]']
)
def test_items_that_are_none_are_refused(cell: Any) -> None:
    with pytest.raises(ValueError, match=r"^items: "):
        parse_items(cell)


# --- refunds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "refund",
    [
        "order_id,email,amount,at\n1,ada@x.example,-12.50,2026-10-01\n",
        "order_id,amount,type,at\n1,12.50,refund,2026-10-01\n",
        "order_id,type,at\n1,refund,2026-10-01\n",
        "order_id,refund_of,amount,at\nR-7,1,12.50,2026-10-01\n",
        "refund_id,refund_of,at\nR-7,1,2026-10-01\n",
    ],
)
def test_a_refund_may_be_told_in_several_ways(shop: Shop, refund: str) -> None:
    shop.take("contacts", CONTACTS)
    shop.take("purchases", HEAD + "1,ada@x.example,12.50,,2026-09-25\n")
    if "email" not in refund:
        refund = refund.replace("\n", ",email\n", 1).rstrip() + ",\n"
    summary = shop.take("purchases", refund)
    assert (summary.counts["refunds"], summary.rejected) == (1, 0)
    (row,) = shop.rows("purchase")
    assert row["refunded"] == 1250
    (conversion,) = shop.rows("conversion")
    assert conversion["reversed_at"] == NOW
    assert shop.contact("ada@x.example")["revenue"] == 0


def test_a_refund_may_stand_before_its_purchase_in_the_file(shop: Shop) -> None:
    summary = shop.take("purchases", HEAD + "1,ada@x.example,-2.00,,2026-10-01\n1,ada@x.example,12.50,,2026-09-25\n")
    assert (summary.counts["new"], summary.counts["refunds"], summary.rejected) == (1, 1, 0)
    assert shop.contact("ada@x.example")["revenue"] == 1050


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("9,a@x.example,-1,,2026-10-01", "order 9 is not known"),
        ("1,a@x.example,-99,,2026-10-01", "was 12.50 EUR"),
        ("1,a@x.example,-1,TRY,2026-10-01", "was paid in EUR"),
        ("1,a@x.example,-1.999,,2026-10-01", "more decimal places"),
    ],
)
def test_a_refund_that_cannot_be_is_refused(small_shop: Shop, row: str, said: str) -> None:
    summary = small_shop.take("purchases", f"{HEAD}1,a@x.example,12.50,,2026-09-25\n{row}\n")
    assert said in summary.first_rejects[0].reason
    assert small_shop.rows("refund") == []


# --- rows that cannot be used ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",a@x.example,5,,2026-01-01", "order_id: is missing"),
        ("1,,5,,2026-01-01", "email: is missing"),
        ("1,a@x.example,,,2026-01-01", "amount: is missing"),
        ("1,a@x.example,5,,", "at: is missing"),
        ("1,a@x.example,5,,2027-01-01", "future"),
        ('1,a@x.example,"1.450,00",,2026-01-01', "write it like 1450.00"),
        ("1,a@x.example,1e3,,2026-01-01", "write it like"),
        ("1,a@x.example,NaN,,2026-01-01", "write it like"),
        ("1,a@x.example,5.001,,2026-01-01", "more decimal places than EUR has"),
        ("1,a@x.example,5,XXA,2026-01-01", "is not a currency"),
        ("1,a@x.example,5,€,2026-01-01", "is not a currency"),
    ],
)
def test_a_purchase_that_cannot_be_used_is_refused_with_the_reason(small_shop: Shop, row: str, said: str) -> None:
    summary = small_shop.take("purchases", HEAD + row + "\n")
    assert said in summary.first_rejects[0].reason
    assert small_shop.rows("purchase") == small_shop.rows("contact") == []


def test_an_order_told_differently_is_refused(shop: Shop) -> None:
    shop.take("purchases", HEAD + "1,a@x.example,5,,2026-01-01\n")
    rows = ("1,a@x.example,6", "1,b@x.example,5", "2,a@x.example,5", "2,a@x.example,6")
    text = HEAD + "".join(f"{row},,2026-01-01\n" for row in rows)
    summary = shop.take("purchases", text)
    assert [one.line for one in summary.first_rejects] == [2, 3, 5]
    assert "already, with 5.00 EUR" in summary.first_rejects[0].reason
    assert "of another contact" in summary.first_rejects[1].reason
    assert [row["address"] for row in shop.rows("contact")] == ["a@x.example"]


def test_a_dry_run_counts_everything_and_writes_nothing(shop: Shop) -> None:
    shop.take("contacts", CONTACTS)
    before = shop.everything()
    rows = "".join(f"{n},n{n % 3}@x.example,5,,2026-01-01\n" for n in range(1200))
    text = HEAD + rows + "5,n2@x.example,-1,,2026-02-01\n5,n2@x.example,9,,2026-01-01\n7,n1@x.example,5,,2026-01-01\n"
    counts = shop.take("purchases", text, dry_run=True).counts
    assert shop.everything() == before
    real = shop.take("purchases", text).counts
    assert {name: count for name, count in counts.items() if count} == {k: v for k, v in real.items() if v}
    assert (real["new"], real["known"], real["contacts"], real["refunds"], real["rejected"]) == (1200, 1, 3, 1, 1)


@pytest.mark.parametrize("text", ["email,amount,at\n", "order_id,amount,at\n", "order_id,email,amount\n"])
def test_a_table_without_the_needed_columns_is_refused(small_shop: Shop, text: str) -> None:
    with pytest.raises(InputError, match="has no column"):
        small_shop.take("purchases", text + "1,2,3\n")
