"""SendGrid's webhook: nothing forged is read, and nothing genuine is lost for being odd."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.sendgrid_server import FakeSendGrid
from hypothesis import given
from hypothesis import strategies as st

from nurture.core.errors import ConfigError
from nurture.core.event import BounceClass, Fact, Kind, SuppressionReason
from nurture.providers.sendgrid import BadBody, Forged, parse_webhook

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
AT = int((NOW - timedelta(minutes=5)).timestamp())
ACCOUNT = FakeSendGrid()
MESSAGE = "0" * 31 + "1"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
USUAL = {
    "email": "ada@example.com",
    "timestamp": AT,
    "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
    "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    "message_id": MESSAGE,
    "contact_id": "c1",
    "campaign": "welcome",
    "step": "first",
}


def take(body: bytes) -> list[Fact]:
    return parse_webhook(body, ACCOUNT.sign(body, NOW), [ACCOUNT.public_key], NOW)


def facts(*events: Any) -> list[Fact]:
    return take(json.dumps(events).encode())


def fact(event: str, **changes: Any) -> Fact:
    (found,) = facts({**USUAL, "event": event, "sg_event_id": "rbtnWrG1DVDGGGFHFyun0A==", **changes})
    return found


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("processed", Kind.PROCESSED), ("deferred", Kind.DEFERRED), ("delivered", Kind.DELIVERED),
        ("bounce", Kind.BOUNCED), ("dropped", Kind.DROPPED), ("open", Kind.OPENED), ("click", Kind.CLICKED),
        ("spamreport", Kind.COMPLAINED), ("unsubscribe", Kind.UNSUBSCRIBED),
        ("group_unsubscribe", Kind.UNSUBSCRIBED), ("group_resubscribe", Kind.OTHER),
        ("account_status_change", Kind.OTHER), ("Processed", Kind.PROCESSED),
    ],
)  # fmt: skip
def test_every_event_has_its_kind_and_names_its_message(event: str, kind: Kind) -> None:
    found = fact(event)
    assert (found.kind, found.source) == (kind, "sendgrid")
    assert (found.message_id, found.contact_id, found.address) == (MESSAGE, "c1", "ada@example.com")
    assert found.identity == "rbtnWrG1DVDGGGFHFyun0A=="
    assert found.occurred_at == datetime.fromtimestamp(AT, UTC)
    assert found.detail["event"] == event


@pytest.mark.parametrize(
    ("changes", "bounce"),
    [
        ({"status": "5.0.0", "type": "bounce", "reason": "500 unknown recipient"}, BounceClass.HARD),
        ({"status": "5.0.0", "type": "blocked", "reason": "500 unknown recipient"}, BounceClass.SOFT),
        ({"status": "5.1.1", "type": "blocked"}, BounceClass.SOFT),
        ({"status": "5.1.1", "type": "bounce"}, BounceClass.HARD),
        ({"status": "5.2.2", "type": "bounce"}, BounceClass.SOFT),
        ({"status": "5.7.1", "type": "bounce"}, BounceClass.POLICY),
        ({"status": "5.7.26", "type": "blocked"}, BounceClass.POLICY),
        ({"status": "5.0.0", "type": "bounce", "reason": "550 5.7.1 blocked by us"}, BounceClass.POLICY),
        ({"status": "4.4.1", "type": "bounce"}, BounceClass.SOFT),
        ({"type": "blocked", "bounce_classification": "Unclassified"}, BounceClass.SOFT),
        ({"type": "bounce", "bounce_classification": "Invalid Address"}, BounceClass.HARD),
        ({"type": "bounce", "bounce_classification": "Mailbox Unavailable"}, BounceClass.SOFT),
        ({"type": "bounce", "bounce_classification": "Reputation", "status": "5.1.1"}, BounceClass.POLICY),
        ({"type": "blocked", "bounce_classification": "Content"}, BounceClass.CONTENT),
        ({"type": "blocked", "bounce_classification": "Frequency or Volume Too High"}, BounceClass.POLICY),
        ({"type": "blocked", "bounce_classification": "Technical Failure"}, BounceClass.SOFT),
        ({}, BounceClass.SOFT),
    ],
)
def test_a_bounce_suppresses_only_when_it_is_about_the_address(changes: dict[str, str], bounce: BounceClass) -> None:
    found = fact("bounce", **changes)
    assert found.bounce is bounce
    assert found.suppresses is (SuppressionReason.BOUNCED if bounce is BounceClass.HARD else None)


@pytest.mark.parametrize(
    ("reason", "suppresses"),
    [
        ("Bounced Address", SuppressionReason.BOUNCED),
        ("Invalid", SuppressionReason.BOUNCED),
        ("Spam Reporting Address", SuppressionReason.COMPLAINED),
        ("Unsubscribed Address", SuppressionReason.UNSUBSCRIBED),
        ("Spam Content", None),
        ("Invalid SMTPAPI header", None),
        ("Recipient List over Package Quota", None),
        ("a reason nobody knows", None),
    ],
)
def test_a_drop_suppresses_only_for_what_is_known_of_the_address(
    reason: str, suppresses: SuppressionReason | None
) -> None:
    assert fact("dropped", reason=reason, status="5.0.0").suppresses is suppresses


def test_complaints_and_unsubscribes_suppress() -> None:
    assert fact("spamreport").suppresses is SuppressionReason.COMPLAINED
    assert fact("unsubscribe").suppresses is SuppressionReason.UNSUBSCRIBED
    assert fact("group_unsubscribe", asm_group_id=10).suppresses is SuppressionReason.UNSUBSCRIBED
    assert fact("group_resubscribe").suppresses is None


def test_opens_and_clicks_are_judged() -> None:
    assert fact("open", useragent=PHONE, sg_machine_open=False).machine is None
    assert fact("open", useragent=PHONE, sg_machine_open=True).machine == "provider-says"
    assert fact("open", useragent="Mozilla/5.0", sg_machine_open=False).machine == "apple-mpp"
    assert fact("click", useragent=PHONE, url="https://a.example/").machine is None
    assert fact("click", useragent=PHONE, url="https://a.example/").url == "https://a.example/"


def test_a_post_in_which_every_link_is_clicked_at_once_is_a_machines() -> None:
    click = {**USUAL, "event": "click", "useragent": PHONE}
    found = facts({**click, "url": "https://a.example/1"}, {**click, "url": "https://a.example/2"})
    assert [each.machine for each in found] == ["burst", "burst"]


@pytest.mark.parametrize("stamp", [AT, str(AT), AT * 1000, str(AT * 1000), AT + 0.0])
def test_a_time_is_read_in_every_shape_it_comes_in(stamp: object) -> None:
    found = fact("delivered", timestamp=stamp)
    assert found.occurred_at == datetime.fromtimestamp(AT, UTC)
    assert found.natural_key == fact("delivered").natural_key


@pytest.mark.parametrize("stamp", [None, "soon", True, [], "nan", "1e400", -1e30])
def test_a_time_that_is_none_becomes_the_time_of_the_post(stamp: object) -> None:
    assert fact("delivered", timestamp=stamp).occurred_at == NOW


def test_one_occurrence_told_twice_has_one_natural_key_whatever_its_event_id() -> None:
    assert fact("open", sg_event_id="a").natural_key == fact("open", sg_event_id="b").natural_key


@pytest.mark.parametrize(
    "changes",
    [{"timestamp": AT + 1}, {"email": "b@example.com"}, {"sg_message_id": "x.0"}, {"url": "https://b.example"},
     {"url_offset": {"index": 1, "type": "html"}}, {"event": "open"}],
)  # fmt: skip
def test_different_occurrences_have_different_natural_keys(changes: dict[str, Any]) -> None:
    event = {**USUAL, "event": "click", "url": "https://a.example", "url_offset": {"index": 0, "type": "html"}}
    first, second = facts(event, {**event, **changes})
    assert first.natural_key != second.natural_key


def test_a_late_bounce_without_our_ids_still_names_the_address() -> None:
    event = {"email": "ada@example.com", "event": "bounce", "type": "bounce", "timestamp": AT}
    (found,) = facts(event)
    assert (found.message_id, found.contact_id, found.identity) == (None, None, None)
    assert (found.address, found.bounce) == ("ada@example.com", BounceClass.HARD)


@pytest.mark.parametrize("theirs", ["42", 42, "G" * 32, None])
def test_another_senders_arguments_are_not_taken_for_ours(theirs: object) -> None:
    found = fact("delivered", message_id=theirs)
    assert (found.message_id, found.contact_id) == (None, None)


@pytest.mark.parametrize("category", ["cat facts", ["a", "b"], [], None, {"x": 1}])
def test_categories_and_attempts_may_have_any_shape(category: object) -> None:
    found = fact("deferred", category=category, attempt="5", response="400 try again later")
    assert found.detail["category"] == category


def test_an_event_that_is_none_costs_the_others_nothing() -> None:
    found = facts("what", 7, None, {}, {"event": 3}, {**USUAL, "event": "delivered"})
    assert [each.kind for each in found] == [Kind.OTHER] * 5 + [Kind.DELIVERED]


def test_an_unknown_event_keeps_its_name_and_its_payload() -> None:
    found = fact("teleported", to="Mars")
    assert (found.kind, found.name, found.detail["to"]) == (Kind.OTHER, "teleported", "Mars")


def test_text_no_database_stores_is_replaced() -> None:
    body = b'[{"event":"open","email":"a@x.co","useragent":"a\\u0000b\\ud800c"}]'
    assert take(body)[0].detail["useragent"] == "a\ufffdb\ufffdc"


def test_an_empty_array_is_genuine_and_tells_nothing() -> None:
    assert take(b"[]") == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b"null", b'"x"', b"[" * 5000])
def test_a_body_that_is_no_array_is_bad(body: bytes) -> None:
    with pytest.raises(BadBody):
        take(body)


def test_a_body_that_is_too_large_is_bad() -> None:
    with pytest.raises(BadBody, match="4194305 bytes"):
        take(b"[" + b" " * (4 * 1024 * 1024 - 1) + b"]")


BODY = json.dumps([{**USUAL, "event": "open"}]).encode()


def refused(body: bytes, headers: dict[str, str], keys: list[str] | None = None) -> str:
    with pytest.raises(Forged) as caught:
        parse_webhook(body, headers, [ACCOUNT.public_key] if keys is None else keys, NOW)
    return str(caught.value)


def test_a_body_changed_by_one_byte_is_forged() -> None:
    assert "fits none" in refused(BODY.replace(b"ada@", b"adb@"), ACCOUNT.sign(BODY, NOW))
    assert "fits none" in refused(BODY + b" ", ACCOUNT.sign(BODY, NOW))


def test_another_accounts_signature_is_forged() -> None:
    assert "fits none" in refused(BODY, FakeSendGrid().sign(BODY, NOW))


def test_a_changed_timestamp_is_forged() -> None:
    name = "X-Twilio-Email-Event-Webhook-Timestamp"
    headers = ACCOUNT.sign(BODY, NOW)
    assert "fits none" in refused(BODY, {**headers, name: str(int(headers[name]) + 1)})


@pytest.mark.parametrize("missing", ["Signature", "Timestamp"])
def test_a_post_without_its_headers_is_forged(missing: str) -> None:
    headers = {name: value for name, value in ACCOUNT.sign(BODY, NOW).items() if missing not in name}
    assert "not signed" in refused(BODY, headers)


@pytest.mark.parametrize("signature", ["x", "====", "ünicode", base64.b64encode(b"no DER").decode()])
def test_a_signature_that_is_none_is_forged(signature: str) -> None:
    headers = {**ACCOUNT.sign(BODY, NOW), "X-Twilio-Email-Event-Webhook-Signature": signature}
    assert "fits none" in refused(BODY, headers)


def test_without_a_key_everything_is_forged() -> None:
    assert "fits none" in refused(BODY, ACCOUNT.sign(BODY, NOW), [])


@pytest.mark.parametrize("hours", [-49, 49])
def test_a_post_signed_days_ago_is_stale(hours: int) -> None:
    assert "too far" in refused(BODY, ACCOUNT.sign(BODY, NOW - timedelta(hours=hours)))


def test_bytes_that_are_no_text_are_forged() -> None:
    assert "fits none" in refused(b"\xff[]", ACCOUNT.sign(b"\xff[]", NOW))


def test_a_repeat_within_a_day_is_read() -> None:
    headers = ACCOUNT.sign(BODY, NOW - timedelta(hours=24))
    assert len(parse_webhook(BODY, headers, [ACCOUNT.public_key], NOW)) == 1


def test_two_keys_are_good_while_one_replaces_the_other() -> None:
    keys = [FakeSendGrid().public_key, ACCOUNT.public_key]
    assert len(parse_webhook(BODY, ACCOUNT.sign(BODY, NOW), keys, NOW)) == 1


def test_header_names_may_come_in_any_case() -> None:
    headers = {name.lower(): value for name, value in ACCOUNT.sign(BODY, NOW).items()}
    assert len(parse_webhook(BODY, headers, [ACCOUNT.public_key], NOW)) == 1


def test_a_configured_key_that_is_none_is_the_configurations_fault() -> None:
    with pytest.raises(ConfigError, match="public key"):
        parse_webhook(BODY, ACCOUNT.sign(BODY, NOW), ["not a key"], NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["event", "email", "timestamp", "status", "type", "reason", "bounce_classification", "url", "useragent",
          "url_offset", "sg_event_id", "sg_message_id", "message_id", "contact_id", "sg_machine_open"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(["bounce", "click", "open", "dropped"])))
def test_any_event_becomes_exactly_one_fact(event: dict[str, Any]) -> None:
    (found,) = facts(event)
    assert found.occurred_at.tzinfo is not None
