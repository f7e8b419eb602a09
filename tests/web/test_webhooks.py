from __future__ import annotations

import logging
import random
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from web.ground import SENT, Ground, served

Served = tuple[Ground, httpx.Client]
PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = b64encode(
    PRIVATE.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
CANARY = "canary.7f3a@example.com"


@pytest.fixture
def web(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_url, NURTURE_SENDGRID_WEBHOOK_KEY=PUBLIC) as both:
        yield both


@pytest.fixture
def lite(migrated_sqlite_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_sqlite_url, NURTURE_SENDGRID_WEBHOOK_KEY=PUBLIC) as both:
        yield both


def told(ground: Ground, kind: str, number: int, **more: Any) -> dict[str, Any]:
    """An event about Ada's message, an hour after it left."""
    contact_id, message_id = ground.people["ada"]
    ids = {"contact_id": contact_id, "message_id": message_id, "sg_event_id": f"event-{kind}-{number}"}
    at = int((SENT + timedelta(hours=1, seconds=number)).timestamp())
    return {"event": kind, "email": "ada@example.com", "timestamp": at, "sg_message_id": "abc.filter0", **ids, **more}


def post(served: Served, events: Any, *, raw: bytes | None = None, signed: bytes | None = None) -> httpx.Response:
    ground, client = served
    body = raw if raw is not None else orjson.dumps(events)
    timestamp = str(int(ground.clock.at.timestamp()))
    signature = PRIVATE.sign(timestamp.encode() + (signed if signed is not None else body), ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }
    return client.post("/webhooks/sendgrid", content=body, headers=headers)


def test_what_sendgrid_tells_is_recorded_before_it_is_thanked(web: Served) -> None:
    ground, _ = web
    events = [told(ground, "delivered", 1), told(ground, "open", 2, useragent="Mozilla/5.0 (X11; Linux x86_64)")]
    assert post(web, events).status_code == 200
    assert {row["kind"] for row in ground.rows("event")} == {"delivered", "opened"}
    assert ground.message()["delivered_at"] is not None
    assert ground.person()["stage"] == "prospect"


def test_doubled_late_and_shuffled_events_come_to_the_same(web: Served) -> None:
    ground, _ = web
    events = [told(ground, kind, n) for n, kind in enumerate(("processed", "delivered", "open", "click", "bounce"))]
    events[3] |= {"useragent": "Mozilla/5.0 (X11; Linux x86_64)", "url": "https://shop.example/"}
    again = [{**event, "sg_event_id": event["sg_event_id"] + "-told-again"} for event in events]
    posts = [*events, *events, *again]
    random.Random(7).shuffle(posts)
    for event in posts:
        assert post(web, [event]).status_code == 200
    assert sorted(row["kind"] for row in ground.rows("event")) == [
        "bounced", "clicked", "delivered", "opened", "processed"
    ]  # fmt: skip


def test_a_body_altered_by_one_byte_is_refused_and_changes_nothing(lite: Served) -> None:
    ground, _ = lite
    body = orjson.dumps([told(ground, "spamreport", 1)])
    altered = body.replace(b"ada@", b"adb@")
    assert post(lite, None, raw=altered, signed=body).status_code == 403
    assert ground.rows("event") == ground.rows("suppression") == []


def test_a_post_without_a_signature_is_refused(lite: Served) -> None:
    _, client = lite
    assert client.post("/webhooks/sendgrid", content=b"[]").status_code == 403


def test_a_signed_body_that_is_no_array_is_a_bad_request(lite: Served) -> None:
    assert post(lite, None, raw=b'{"event": "open"}').status_code == 400
    assert post(lite, None, raw=b"not json").status_code == 400


def test_a_signed_empty_array_is_fine(lite: Served) -> None:
    assert post(lite, []).status_code == 200


def test_a_body_over_the_limit_is_refused_unread(lite: Served) -> None:
    assert post(lite, None, raw=b"[" + b" " * (5 * 1024 * 1024) + b"]").status_code == 413


def test_a_type_nobody_knows_is_kept(lite: Served) -> None:
    ground, _ = lite
    assert post(lite, [told(ground, "teleported", 1)]).status_code == 200
    (event,) = ground.rows("event")
    assert (event["kind"], event["name"]) == ("other", "teleported")


def test_a_late_bounce_without_ids_finds_its_message_by_address(web: Served) -> None:
    ground, _ = web
    event = told(ground, "bounce", 1, reason="550 5.1.1 user unknown", status="5.1.1", type="bounce")
    bare = {name: value for name, value in event.items() if name not in ("contact_id", "message_id", "sg_message_id")}
    assert post(web, [bare | {"email": "ADA@Example.com"}]).status_code == 200
    assert ground.message()["bounced_at"] is not None
    assert ground.rows("suppression")[0]["reason"] == "bounced"


def test_a_bounce_from_before_the_email_left_is_not_blamed_on_it(lite: Served) -> None:
    ground, _ = lite
    before = int((SENT - timedelta(minutes=5)).timestamp())
    event = told(ground, "bounce", 1, reason="550 5.1.1", status="5.1.1", type="bounce", timestamp=before)
    bare = {name: value for name, value in event.items() if name not in ("contact_id", "message_id")}
    post(lite, [bare])
    assert ground.message()["bounced_at"] is None


def test_events_of_addresses_that_are_none_or_nobody_s_cost_the_others_nothing(lite: Served) -> None:
    ground, _ = lite
    strays: list[Any] = [
        {"event": "bounce", "email": "not an address", "timestamp": 1, "sg_event_id": "s1"},
        {"event": "delivered", "email": "nobody@elsewhere.example", "timestamp": 2, "sg_event_id": "s2"},
        {"event": "delivered", "email": "@", "timestamp": 3, "sg_event_id": "s3"},
        17,
        None,
    ]
    assert post(lite, [*strays, told(ground, "delivered", 9)]).status_code == 200
    assert [row["kind"] for row in ground.rows("event")] == ["delivered"]


def test_the_route_is_off_without_a_key(migrated_sqlite_url: str, tmp_path: Path) -> None:
    with served(tmp_path / "project", migrated_sqlite_url) as both:
        assert post(both, []).status_code == 404


def test_no_address_is_written_into_a_log(lite: Served, caplog: pytest.LogCaptureFixture) -> None:
    ground, client = lite
    with caplog.at_level(logging.DEBUG):
        post(lite, [told(ground, "bounce", 1, email=CANARY, contact_id="x", message_id="y")])
        post(lite, None, raw=f'["{CANARY}"'.encode())
        client.get(f"/u/{CANARY}", params={"who": CANARY})
        client.get("/", headers={"Referer": CANARY, "User-Agent": CANARY})
    ours = [line for line in caplog.messages if "HTTP Request" not in line]  # httpx itself tells the test's own URLs
    assert ours
    assert CANARY not in "\n".join(ours)
