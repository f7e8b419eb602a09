"""What other programs send in comes in as from a file, under a key, told row by row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from nurture.actions.intake import KINDS, MOST_ROWS
from nurture.actions.keys import make_key, revoke_key
from nurture.web import openapi
from nurture.web.api import AT_ONCE, LARGEST_BODY
from web.ground import Ground, served

AT = "2026-03-02T12:00:00Z"


class Caller:
    """Another program with a key."""

    def __init__(self, ground: Ground, client: httpx.Client, *scopes: str) -> None:
        self.ground, self.client = ground, client
        self.key = make_key(ground.opened.database, "shop", scopes, ground.clock.at)

    def post(self, kind: str, rows: Any = None, raw: bytes | None = None, **headers: str) -> httpx.Response:
        body = raw if raw is not None else orjson.dumps(rows)
        said = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers}
        return self.client.post(f"/api/{kind}", content=body, headers=said)


@pytest.fixture
def shop(migrated_url: str, tmp_path: Path) -> Iterator[Caller]:
    with served(tmp_path / "project", migrated_url) as (ground, client):
        yield Caller(ground, client)


@pytest.fixture
def lite(migrated_sqlite_url: str, tmp_path: Path) -> Iterator[Caller]:
    with served(tmp_path / "project", migrated_sqlite_url) as (ground, client):
        yield Caller(ground, client)


ROWS: dict[str, list[dict[str, Any]]] = {
    "contacts": [{"email": "grace@example.com", "first_name": "Grace", "plan": "pro"}, {"email": "alan@example.com"}],
    "purchases": [{"order_id": "7", "email": "ada@example.com", "amount": "20.00", "at": AT},
                  {"order_id": "8", "email": "new@example.com", "amount": 12.5, "at": AT}],
    "events": [{"kind": "replied", "email": "ada@example.com", "at": AT},
               {"kind": "form", "name": "quote", "email": "deniz@example.com", "at": AT}],
    "suppressions": [{"email": "gone@example.com", "reason": "complained"}, {"email": "ada@example.com"}],
}  # fmt: skip
TABLES = {"contacts": "contact", "purchases": "purchase", "events": "event", "suppressions": "suppression"}


@pytest.mark.parametrize("kind", ROWS)
def test_rows_come_in_and_telling_them_again_changes_nothing(shop: Caller, kind: str) -> None:
    before = len(shop.ground.rows(TABLES[kind]))
    first, again = shop.post(kind, ROWS[kind]), shop.post(kind, ROWS[kind])
    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.json()["new"], again.json()["new"]) == (2, 0)
    assert len(shop.ground.rows(TABLES[kind])) == before + 2


@pytest.mark.parametrize("kind", ROWS)
def test_one_object_is_one_row(lite: Caller, kind: str) -> None:
    answer = lite.post(kind, ROWS[kind][0])
    assert answer.status_code == 200
    assert answer.json()["results"] == [{"row": 0, "ok": True}]


def test_what_is_told_moves_the_contact_as_an_import_does(shop: Caller) -> None:
    shop.post("events", ROWS["events"])
    assert shop.ground.person()["stage"] == "prospect"
    shop.post("purchases", ROWS["purchases"])
    assert (shop.ground.person()["stage"], shop.ground.person()["revenue"]) == ("customer", 2000)


def test_good_rows_go_in_and_the_others_say_why(shop: Caller) -> None:
    answer = shop.post("contacts", [{"email": "nobody"}, {"email": "grace@example.com"}, {"first_name": "X"}])
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [one["ok"] for one in results] == [False, True, False]
    assert "is not an email address" in results[0]["reason"]
    assert results[2]["reason"] == "email: is missing"
    assert len(shop.ground.rows("contact", address="grace@example.com")) == 1


def test_more_than_twenty_bad_rows_each_say_why(lite: Caller) -> None:
    rows = [{"email": f"nobody {number}"} for number in range(40)]
    answer = lite.post("contacts", rows)
    assert answer.status_code == 422
    assert all(one["reason"] for one in answer.json()["results"])


def test_amounts_keep_every_digit_of_the_json(lite: Caller) -> None:
    lite.post(
        "purchases", raw=b'{"order_id": "9", "email": "ada@example.com", "at": "%s", "amount": 0.29}' % AT.encode()
    )
    assert lite.ground.rows("purchase", order_id="9")[0]["amount"] == 29


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer nurture_00_x", "Basic YWRhOmFkYQ==", f"Bearer nurture_{'0' * 16}_{'a' * 43}"],
)
def test_without_a_key_nothing_comes_in(lite: Caller, header: str) -> None:
    answer = lite.post("contacts", {"email": "grace@example.com"}, Authorization=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert not lite.ground.rows("contact", address="grace@example.com")


def test_a_forged_secret_under_a_known_id_opens_nothing(lite: Caller) -> None:
    forged = lite.key[:-1] + ("A" if lite.key[-1] != "A" else "B")
    assert lite.post("contacts", ROWS["contacts"], Authorization=f"Bearer {forged}").status_code == 401


def test_a_revoked_key_opens_nothing(shop: Caller) -> None:
    assert shop.post("contacts", ROWS["contacts"]).status_code == 200
    revoke_key(shop.ground.opened.database, "shop", shop.ground.clock.at)
    assert shop.post("contacts", ROWS["contacts"]).status_code == 401


def test_a_key_opens_what_it_is_for(migrated_sqlite_url: str, tmp_path: Path) -> None:
    with served(tmp_path / "project", migrated_sqlite_url) as (ground, client):
        caller = Caller(ground, client, "purchases")
        assert caller.post("purchases", ROWS["purchases"]).status_code == 200
        answer = caller.post("suppressions", ROWS["suppressions"])
        assert (answer.status_code, answer.json()["status"]) == (403, 403)
        assert not ground.rows("suppression")


def test_the_key_itself_is_not_kept(lite: Caller) -> None:
    lite.post("contacts", ROWS["contacts"])
    (row,) = lite.ground.rows("api_key")
    assert lite.key.rpartition("_")[2] not in repr(row)
    assert row["used_at"] == lite.ground.clock.at


def test_a_password_s_cookie_is_no_key(lite: Caller) -> None:
    headers = {"Cookie": "nurture_session=x", "Content-Type": "application/json"}
    assert lite.client.post("/api/contacts", content=b"[]", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("raw", "status"),
    [(b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b'{"email": NaN}', 400), (b"[]", 422), (b'"x"', 422),
     (b"[1]", 422), (b"null", 422)],
)  # fmt: skip
def test_a_body_of_another_shape_is_refused(lite: Caller, raw: bytes, status: int) -> None:
    answer = lite.post("contacts", raw=raw)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_strange_values_are_refused_and_nothing_breaks(lite: Caller) -> None:
    strange: list[Any] = ["\ud800", "\0", 10**400, 1e308, [[[[[[1]]]]]], {"a": {"b": {}}}, True, None, "x" * 5000]
    for value in strange:
        for kind, rows in ROWS.items():
            for name in rows[0]:
                body = _plain({**rows[0], name: value, "more": value})
                assert lite.post(kind, raw=body).status_code in (200, 422, 429)


def _plain(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


def test_too_many_rows_and_too_many_bytes_are_refused(lite: Caller) -> None:
    row = {"email": "grace@example.com"}
    assert lite.post("contacts", [row] * MOST_ROWS).status_code == 200
    assert lite.post("contacts", [row] * (MOST_ROWS + 1)).status_code == 422
    assert lite.post("contacts", raw=b" " * (LARGEST_BODY + 1)).status_code == 413


def test_a_body_that_is_not_called_json_is_refused(lite: Caller) -> None:
    assert lite.post("contacts", ROWS["contacts"], **{"Content-Type": "text/plain"}).status_code == 415


def test_a_crowd_of_one_key_is_asked_to_wait(lite: Caller) -> None:
    answers = [lite.post("contacts", raw=b"{") for _ in range(AT_ONCE * 3)]
    waiting = [answer for answer in answers if answer.status_code == 429]
    assert waiting
    assert waiting[0].headers["retry-after"] == "1"


def test_a_get_is_not_answered(lite: Caller) -> None:
    assert lite.client.get("/api/contacts").status_code == 405


def test_the_description_names_every_field_the_imports_read(lite: Caller) -> None:
    told = lite.client.get("/api/openapi.json")
    assert told.status_code == 200
    described = told.json()
    assert described["openapi"] == "3.1.0"
    for name, kind in KINDS.items():
        fields = described["components"]["schemas"][name]["properties"]
        assert set(fields) == set(kind.fields) == set(openapi.FIELDS[name])
        assert all(field["description"] for field in fields.values())
        assert f"/api/{name}" in described["paths"]
