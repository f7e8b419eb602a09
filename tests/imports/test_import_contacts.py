"""Contacts in: each address once, nothing blanked, nothing lost, and the same file twice changes nothing."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from imports.shop import NOW, Shop
from nurture.actions.record import restage
from nurture.core.errors import InputError

HEAD = "email,first_name,last_name,country,locale,timezone,signed_up,source,consent,consent_source,consent_at,tags,"
PEOPLE = f"""{HEAD}plan,seats
ada@x.example,Ada,Lovelace,gb,en_GB,Europe/London,2026-11-01,fair,offers stories,card,2026-11-01,vip;fair,pro,5
ayse@x.example,Ayşe,Çelik,TR,tr,Europe/Istanbul,2024-02-14,newsletter,yes,form,2024-02-14,,free,
jörg@bücher.de,Jörg,,DE,de,,,,no,,,,,"""


def day(year: int, month: int, date: int) -> datetime:
    """The midnight at which that day begins in Istanbul."""
    return datetime(year, month, date, tzinfo=UTC) - timedelta(hours=3)


def test_a_new_contact_is_kept_with_everything_the_row_says(shop: Shop) -> None:
    summary = shop.take("contacts", PEOPLE)
    assert +summary.counts == {"rows": 3, "new": 3}
    ada = shop.contact("ada@x.example")
    wanted = {
        "first_name": "Ada", "last_name": "Lovelace", "country": "GB", "locale": "en-GB", "timezone": "Europe/London",
        "source": "fair", "signed_up_at": day(2026, 11, 1), "known_at": day(2026, 11, 1), "created_at": NOW,
        "attributes": {"plan": "pro", "seats": 5}, "stage": "lead", "stage_check_at": day(2027, 1, 30), "tracked": True,
    }  # fmt: skip
    assert {name: ada[name] for name in wanted} == wanted
    assert [row["tag"] for row in shop.rows("contact_tag")] == ["fair", "vip"]


def test_a_contact_long_silent_is_inactive_at_once_and_a_row_says_since_when(shop: Shop) -> None:
    shop.take("contacts", PEOPLE)
    ayse = shop.contact("ayse@x.example")
    assert (ayse["stage"], ayse["stage_since"]) == ("inactive", day(2024, 2, 14) + timedelta(days=90))
    (change,) = shop.rows("stage_change")
    assert (change["old"], change["new"], change["cause"]) == ("lead", "inactive", "silent")


def test_a_contact_without_a_sign_up_is_known_from_now(shop: Shop) -> None:
    shop.take("contacts", PEOPLE)
    jorg = shop.contact("jörg@bücher.de")
    assert (jorg["signed_up_at"], jorg["known_at"]) == (None, NOW)
    assert {"address_key": "jörg@xn--bcher-kva.de", "contact_id": jorg["id"]} in shop.rows("contact_address")


def test_the_same_file_twice_changes_nothing(shop: Shop) -> None:
    shop.take("contacts", PEOPLE)
    before = shop.everything()
    shop.now = NOW + timedelta(minutes=5)
    summary = shop.take("contacts", PEOPLE)
    assert shop.everything() == before
    assert summary.counts["unchanged"] == 3 and not summary.counts["new"] + summary.counts["changed"]


def test_the_same_file_twice_changes_nothing_even_where_it_contradicts_itself(shop: Shop) -> None:
    rows = "".join(f"u{n}@x.example,Name{n},\n" for n in range(6000))
    text = f"email,first_name,note\nada@x.example,Ada,1\n{rows}ADA@x.example,Augusta,\nada@x.example,,2\n"
    first = shop.take("contacts", text)
    assert (first.counts["new"], first.counts["repeated"]) == (6001, 2)
    before = shop.everything()
    shop.now = NOW + timedelta(minutes=5)
    assert shop.take("contacts", text).counts["changed"] == 0
    assert shop.everything() == before
    ada = shop.contact("ada@x.example")
    assert (ada["first_name"], ada["attributes"]) == ("Augusta", {"note": 2})


def test_many_repeated_addresses_are_gathered_a_part_at_a_time(small_shop: Shop) -> None:
    rows = "".join(f"u{n % 40}@x.example,Name{n}\n" for n in range(120))
    summary = small_shop.take("contacts", "email,first_name\n" + rows, held=7)
    assert (summary.counts["rows"], summary.counts["new"], summary.counts["repeated"]) == (120, 40, 80)
    assert {row["first_name"] for row in small_shop.rows("contact")} == {f"Name{n}" for n in range(80, 120)}


def test_two_spellings_of_an_address_are_one_contact(shop: Shop) -> None:
    shop.take("contacts", "email,first_name\nuser@bücher.de,A\n")
    summary = shop.take("contacts", "email,last_name\nUSER@xn--bcher-kva.de,B\n")
    assert summary.counts["changed"] == 1
    (row,) = shop.rows("contact")
    assert (row["first_name"], row["last_name"]) == ("A", "B")


def test_dotless_and_dotted_letters_are_different_people(shop: Shop) -> None:
    shop.take("contacts", "email\ngıthub@x.example\ngithub@x.example\n")
    assert len(shop.rows("contact")) == 2


def test_an_empty_cell_never_blanks_what_is_known(shop: Shop) -> None:
    shop.take("contacts", PEOPLE)
    before = shop.everything()
    shop.take("contacts", "email,first_name,country,tags,plan,signed_up,consent\nada@x.example,, ,,,,\n")
    assert shop.everything() == before


def test_what_is_said_anew_is_changed_and_looked_at_again(shop: Shop) -> None:
    shop.take("contacts", PEOPLE)
    shop.now = NOW + timedelta(hours=1)
    summary = shop.take("contacts", "email,country,tags,seats,city\nada@x.example,FR,vip;press,6,Paris\n")
    assert summary.counts["changed"] == 1
    ada = shop.contact("ada@x.example")
    assert (ada["country"], ada["first_name"]) == ("FR", "Ada")
    assert ada["attributes"] == {"plan": "pro", "seats": 6, "city": "Paris"}
    assert {row["tag"] for row in shop.rows("contact_tag")} == {"vip", "fair", "press"}
    marks = {row["contact_id"]: row["marked_at"] for row in shop.rows("contact_mark")}
    assert marks[ada["id"]] == shop.now
    assert sorted(marks.values()) == [NOW, NOW, shop.now]


def test_a_number_and_its_text_are_different_attributes(shop: Shop) -> None:
    shop.take("contacts", '{"email": "a@x.example", "n": 1}\n', "a.jsonl")
    assert shop.take("contacts", '{"email": "a@x.example", "n": true}\n', "a.jsonl").counts["changed"] == 1
    assert shop.contact("a@x.example")["attributes"] == {"n": True}


def test_an_earlier_sign_up_tells_the_life_anew(shop: Shop) -> None:
    shop.take("contacts", "email\na@x.example\n")
    shop.take("contacts", "email,signed_up_at\na@x.example,2025-01-01\n")
    row = shop.contact("a@x.example")
    assert (row["known_at"], row["stage"]) == (day(2025, 1, 1), "inactive")
    shop.take("contacts", "email,signed_up_at\na@x.example,2026-11-01\n")
    row = shop.contact("a@x.example")
    assert (row["known_at"], row["stage"]) == (day(2026, 11, 1), "lead")
    assert [row["superseded_at"] for row in shop.rows("stage_change")] == [NOW]


# --- consent -----------------------------------------------------------------------------------------------


def consents(shop: Shop) -> dict[str, tuple[bool, str, datetime]]:
    return {row["topic"]: (row["given"], row["source"], row["occurred_at"]) for row in shop.rows("consent")}


def test_consent_is_kept_with_its_source_and_date(shop: Shop) -> None:
    shop.take("contacts", "email,consent,consent_source,consent_at\na@x.example,offers,card,2026-11-01\n")
    assert consents(shop) == {"offers": (True, "card", day(2026, 11, 1))}


def test_a_plain_yes_is_to_every_topic_that_is_not_transactional(shop: Shop) -> None:
    shop.take("contacts", "email,consent,source,signed_up\na@x.example,yes,fair,2026-11-01\n")
    assert consents(shop) == dict.fromkeys(("offers", "stories"), (True, "fair", day(2026, 11, 1)))


def test_topics_may_have_a_column_of_their_own(shop: Shop) -> None:
    shop.take("contacts", "email,consent,consent_topics\na@x.example,no,stories|offers\n")
    assert consents(shop) == dict.fromkeys(("offers", "stories"), (False, "import", NOW))


def test_the_newest_word_on_consent_stands_and_every_word_is_kept(shop: Shop) -> None:
    head = "email,consent,consent_topics,consent_at\n"
    for word, date in (("yes", "2026-05-01"), ("no", "2026-07-01"), ("yes", "2026-06-01")):
        shop.take("contacts", f"{head}a@x.example,{word},offers,{date}\n")
    assert consents(shop)["offers"][::2] == (False, day(2026, 7, 1))
    assert [(row["occurred_at"], row["given"]) for row in shop.rows("consent_change")] == [
        (day(2026, 5, 1), True), (day(2026, 6, 1), True), (day(2026, 7, 1), False),
    ]  # fmt: skip


def test_a_yes_without_a_date_never_overrules_a_no(shop: Shop) -> None:
    shop.take("contacts", "email,consent,consent_at\na@x.example,no,2026-06-01\n")
    before = shop.everything()
    assert shop.take("contacts", "email,consent\na@x.example,yes\n").counts["unchanged"] == 1
    assert shop.everything() == before


def test_a_no_without_a_date_counts_from_now_and_once(shop: Shop) -> None:
    shop.take("contacts", "email,consent,consent_at\na@x.example,yes,2026-06-01\n")
    shop.now = NOW + timedelta(hours=1)
    shop.take("contacts", "email,consent\na@x.example,no\n")
    assert consents(shop)["offers"][::2] == (False, shop.now)
    shop.now = NOW + timedelta(hours=2)
    before = shop.everything()
    shop.take("contacts", "email,consent\na@x.example,no\n")
    assert shop.everything() == before


# --- stages ------------------------------------------------------------------------------------------------


def test_a_customer_since_a_day_is_one_from_that_day(shop: Shop) -> None:
    shop.take(
        "contacts", "email,customer_since,signed_up\na@x.example,2026-03-01,2026-01-01\nb@x.example,2024-03-01,\n"
    )
    row = shop.contact("a@x.example")
    assert (row["stage"], row["stage_since"], row["known_at"]) == ("customer", day(2026, 3, 1), day(2026, 1, 1))
    row = shop.contact("b@x.example")
    assert (row["stage"], row["stage_since"], row["known_at"]) == (
        "former", day(2024, 3, 1) + timedelta(days=365), day(2024, 3, 1),
    )  # fmt: skip


def test_a_stated_stage_holds_from_now_and_saying_it_again_says_nothing(shop: Shop) -> None:
    shop.take("contacts", "email,stage\na@x.example,Customer\n")
    row = shop.contact("a@x.example")
    assert (row["stage"], row["stage_since"], row["stated_at"]) == ("customer", NOW, NOW)
    before = shop.everything()
    shop.now = NOW + timedelta(days=2)
    shop.take("contacts", "email,stage\na@x.example,customer\n")
    assert shop.everything() == before


def test_a_stage_stated_later_moves_a_contact_that_is_there(shop: Shop) -> None:
    shop.take("contacts", "email,signed_up\na@x.example,2026-11-01\n")
    shop.now = NOW + timedelta(days=2)
    shop.take("contacts", "email,stage\na@x.example,former\n")
    row = shop.contact("a@x.example")
    assert (row["stage"], row["stage_since"]) == ("former", shop.now)
    assert [(row["old"], row["new"], row["cause"]) for row in shop.rows("stage_change")] == [
        ("lead", "former", "import")
    ]


def test_a_stage_and_a_contradicting_date_are_refused(small_shop: Shop) -> None:
    summary = small_shop.take("contacts", "email,stage,customer_since\na@x.example,lead,2026-01-01\n")
    assert "give one of them" in summary.first_rejects[0].reason


@pytest.mark.parametrize("columns", ["", ",stage", ",customer_since"])
@pytest.mark.parametrize("signed_up", ["2026-11-01", "2026-03-01", "2024-02-14", ""])
def test_a_life_begun_by_import_is_the_one_told_from_rows(small_shop: Shop, columns: str, signed_up: str) -> None:
    cell = {"": "", ",stage": ",customer", ",customer_since": ",2025-08-01"}[columns]
    small_shop.take("contacts", f"email,signed_up{columns}\na@x.example,{signed_up}{cell}\n")
    before = {name: small_shop.rows(name) for name in ("contact", "stage_change")}
    with small_shop.database.write() as connection:
        restage(connection, small_shop.program, [before["contact"][0]["id"]], NOW)
    assert {name: small_shop.rows(name) for name in before} == before


# --- suppressions -------------------------------------------------------------------------------------------


def test_a_suppressed_address_is_imported_and_stays_suppressed(shop: Shop) -> None:
    shop.take("suppressions", "email,reason\nADA@x.example,complaint\n")
    summary = shop.take("contacts", PEOPLE)
    assert (summary.counts["new"], summary.counts["suppressed"]) == (3, 1)
    (row,) = shop.rows("suppression")
    assert (row["reason"], row["contact_id"]) == ("complained", shop.contact("ada@x.example")["id"])


# --- rows that cannot be used ---------------------------------------------------------------------------------

BAD = """email,first_name,country,signed_up,consent,tracking,plan
good@x.example,Good,TR,2026-11-01,yes,yes,pro
no-address,Ada,TR,,,,
"eve@x.example","A
Bcc: x@y.example",TR,,,,
a@x.example,Ada,Narnia,,,,
b@x.example,Ada,TR,2027-01-01,,,
c@x.example,Ada,TR,,newspapers,,
d@x.example,Ada,TR,,,perhaps,
,Ada,TR,,,,=1+1
f@x.example,Ada,TR,,,,a,b
"""


def test_good_rows_go_in_and_bad_ones_are_listed_with_line_and_reason(shop: Shop) -> None:
    summary = shop.take("contacts", BAD)
    assert (summary.counts["new"], summary.rejected) == (1, 8)
    assert [row["address"] for row in shop.rows("contact")] == ["good@x.example"]
    assert [(one.line, one.reason.split(":")[0]) for one in summary.first_rejects] == [
        (3, "email"), (4, "first_name"), (6, "country"), (7, "signed_up"), (8, "consent"), (9, "tracking"),
        (10, "email"), (11, "has 8 cells under 7 columns; put quotes around cells that hold the separator"),
    ]  # fmt: skip


def test_the_reject_file_can_be_mended_and_imported_again(shop: Shop) -> None:
    shop.take("contacts", BAD)
    rejected = shop.rejected
    assert rejected.splitlines()[0] == "email,first_name,country,signed_up,consent,tracking,plan,_line,_reason"
    assert "'=1+1,10,email: is missing" in rejected
    again = shop.take("contacts", rejected, "again.csv")
    assert again.rejected == 8
    mended = rejected.replace("no-address", "mended@x.example").replace("\n,Ada,TR", "\nformula@x.example,Ada,TR")
    summary = shop.take("contacts", mended, "again.csv")
    assert (summary.counts["new"], summary.rejected) == (2, 6)
    assert shop.contact("formula@x.example")["attributes"] == {"plan": "=1+1"}
    assert shop.contact("mended@x.example")["attributes"] == {}


def test_rejected_json_lines_stay_json_lines(shop: Shop) -> None:
    text = '{"email": "nobody", "seats": 5}\nnonsense\n'
    shop.take("contacts", text, "people.jsonl")
    first, second = map(json.loads, shop.rejected.splitlines())
    assert (first["email"], first["seats"], first["_line"]) == ("nobody", 5, 1)
    assert (second["_text"], second["_line"]) == ("nonsense", 2)
    mended = shop.rejected.replace("nobody", "somebody@x.example")
    assert shop.take("contacts", mended, "people.jsonl").counts["new"] == 1
    assert shop.contact("somebody@x.example")["attributes"] == {"seats": 5}


def test_only_the_first_twenty_rejects_are_listed_and_all_are_written(small_shop: Shop) -> None:
    summary = small_shop.take("contacts", "email\n" + "x\n" * 50)
    assert (summary.rejected, len(summary.first_rejects)) == (50, 20)
    assert len(small_shop.rejected.splitlines()) == 51


def test_a_dry_run_counts_everything_and_writes_nothing(shop: Shop) -> None:
    shop.take("contacts", PEOPLE)
    before = shop.everything()
    text = "email,first_name\nada@x.example,Augusta\nayse@x.example,Ayşe\nnew@x.example,N\nNEW@x.example,M\nbad,\n"
    counts = shop.take("contacts", text, dry_run=True).counts
    assert shop.everything() == before
    assert not (shop.folder / "rejected").exists()
    real = shop.take("contacts", text).counts
    assert counts == real
    assert (real["new"], real["changed"], real["unchanged"], real["repeated"], real["rejected"]) == (1, 1, 1, 1, 1)


# --- columns -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["email", "E-Mail", "ADDRESS", "mail", "e-posta", "Eposta", " email "])
def test_the_column_of_addresses_has_many_names(small_shop: Shop, name: str) -> None:
    assert small_shop.take("contacts", f"{name},First Name\na@x.example,Ada\n").counts["new"] == 1
    assert small_shop.contact("a@x.example")["first_name"] == "Ada"


def test_columns_can_be_renamed_and_left_out(small_shop: Shop) -> None:
    mapping = {"Kundenmail": "email", "Sitze": "seats", "Notiz": ""}
    small_shop.take("contacts", "Kundenmail,Sitze,Notiz\na@x.example,5,secret\n", mapping=mapping)
    assert small_shop.contact("a@x.example")["attributes"] == {"seats": 5}


def test_a_full_name_is_parted_unless_its_parts_are_there(small_shop: Shop) -> None:
    small_shop.take("contacts", "email,name,first_name\na@x.example,Ada Lovelace,\nb@x.example,Ada Lovelace,Augusta\n")
    names = {row["address"][0]: (row["first_name"], row["last_name"]) for row in small_shop.rows("contact")}
    assert names == {"a": ("Ada", "Lovelace"), "b": ("Augusta", "Lovelace")}


@pytest.mark.parametrize(
    ("text", "mapping", "said"),
    [
        ("name,plan\nAda,pro\n", {}, "no column email.*--map 'name=email'"),
        ("email,plan,plan\na@x.example,1,2\n", {}, "two columns are called 'plan'"),
        ("email,E-Mail\na@x.example,b@x.example\n", {}, "mean the same"),
        ("email\na@x.example\n", {"mail": "email"}, "there is no column 'mail'"),
        ("email,,plan\na@x.example,1,2\n", {}, "column 2 has no name"),
    ],
)
def test_a_table_whose_columns_cannot_be_told_is_refused_whole(
    small_shop: Shop, text: str, mapping: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        small_shop.take("contacts", text, mapping=mapping)
    assert small_shop.rows("contact") == []


def test_a_cell_under_no_name_is_refused_with_its_row(small_shop: Shop) -> None:
    summary = small_shop.take("contacts", "email,\na@x.example,\nb@x.example,5\n")
    assert (summary.counts["new"], summary.rejected) == (1, 1)


def test_all_kinds_of_columns_come_as_json_too(shop: Shop) -> None:
    line = {
        "email": "a@x.example", "tags": ["vip", "fair"], "tracking": False, "consent": ["offers"], "seats": 5,
        "paid": 12.5, "address2": None, "nested": {"a": [1, "x"]}, "first_name": 7,
    }  # fmt: skip
    shop.take("contacts", json.dumps(line) + "\n", "a.jsonl")
    row = shop.contact("a@x.example")
    assert row["attributes"] == {"seats": 5, "paid": 12.5, "nested": {"a": [1, "x"]}}
    assert (row["tracked"], row["first_name"]) == (False, "7")
    assert [row["tag"] for row in shop.rows("contact_tag")] == ["fair", "vip"]


def test_progress_is_told_up_to_the_end(small_shop: Shop) -> None:
    told: list[int] = []
    text = "email\n" + "".join(f"u{n}@x.example\n" for n in range(3000))
    small_shop.take("contacts", text, progress=told.append)
    assert told == sorted(told) and told[-1] == len(text)


def test_imports_at_the_same_time_give_no_address_to_two(shop: Shop) -> None:
    text = "email,first_name\n" + "".join(f"u{n}@x.example,Name{n}\n" for n in range(300))
    with ThreadPoolExecutor(3) as threads:
        done = list(threads.map(lambda n: shop.take("contacts", text, f"{n}.csv").counts["new"], range(3)))
    assert sorted(done) == [0, 0, 300]
    assert len(shop.rows("contact")) == len(shop.rows("contact_address")) == 300
