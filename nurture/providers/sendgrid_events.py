"""SendGrid's Event Webhook turned into facts: verified over the raw bytes first, then read with suspicion.

Events come doubled, late, out of order and in shapes that differ from the documentation; one that cannot
be understood is kept as OTHER, and never costs the others of its post. Sources: SendGrid "Event Webhook
Reference" and "Security Features"; sendgrid-nodejs #1435 (repeats under new ids); Discourse (no status).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from nurture.core import machine
from nurture.core.errors import ConfigError
from nurture.core.event import BounceClass, Fact, Kind, SuppressionReason
from nurture.providers.bounces import ENHANCED, by_status

if TYPE_CHECKING:
    from sendgrid.helpers.eventwebhook import EventWebhook  # type: ignore[import-untyped]

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes; SendGrid posts at 768 kB."""

STALE_AFTER = timedelta(hours=48)
"""SendGrid repeats for 24 hours; whether repeats are signed anew is not documented, so replay is met by
recording each event once, and this is only the far end."""

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"

_KINDS = {
    "processed": Kind.PROCESSED,
    "deferred": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "bounce": Kind.BOUNCED,
    "dropped": Kind.DROPPED,
    "open": Kind.OPENED,
    "click": Kind.CLICKED,
    "spamreport": Kind.COMPLAINED,
    "unsubscribe": Kind.UNSUBSCRIBED,
    "group_unsubscribe": Kind.UNSUBSCRIBED,
}
_DROPS: dict[str, tuple[BounceClass, SuppressionReason | None]] = {
    "bounced address": (BounceClass.HARD, SuppressionReason.BOUNCED),
    "invalid": (BounceClass.HARD, SuppressionReason.BOUNCED),
    "spam reporting address": (BounceClass.POLICY, SuppressionReason.COMPLAINED),
    "unsubscribed address": (BounceClass.POLICY, SuppressionReason.UNSUBSCRIBED),
    "spam content": (BounceClass.CONTENT, None),
    "invalid smtpapi header": (BounceClass.CONTENT, None),
    "recipient list over package quota": (BounceClass.POLICY, None),
}
_CLASSIFIED = {
    "invalid address": BounceClass.HARD,
    "content": BounceClass.CONTENT,
    "reputation": BounceClass.POLICY,
    "frequency or volume too high": BounceClass.POLICY,
    "technical": BounceClass.SOFT,
    "technical failure": BounceClass.SOFT,
}
_GRAVEST_FIRST = (BounceClass.CONTENT, BounceClass.POLICY, BounceClass.HARD, BounceClass.SOFT)
_MESSAGE_ID = re.compile(r"[0-9a-f]{32}")
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class Forged(Exception):
    """The post is not SendGrid's, or too old: answer 403 and change nothing."""


class BadBody(ValueError):
    """A genuine post whose body is not a JSON array of a decent size."""


def parse_webhook(body: bytes, headers: Mapping[str, str], public_keys: Sequence[str], now: datetime) -> list[Fact]:
    """The facts of one post, in its order. `public_keys` are SendGrid's base64 keys, several while rotating.

    Raises Forged for a missing, wrong or stale signature (and where no key is given), BadBody for a body
    that is too large or no JSON array, ConfigError for a key that is none. `now` is aware UTC.
    """
    if len(body) > LARGEST_BODY:
        raise BadBody(f"the body has {len(body)} bytes; {LARGEST_BODY} are allowed")
    posted_at = _verified(body, {name.lower(): value for name, value in headers.items()}, public_keys, now)
    events = _loaded(body)
    clicks = _clicks(events)
    return [_fact(event, posted_at, clicks) for event in events]


def _verified(body: bytes, headers: Mapping[str, str], keys: Sequence[str], now: datetime) -> datetime:
    """The time of the post (aware UTC), once its signature is found genuine. Raises Forged."""
    signature, timestamp = headers.get(_SIGNATURE), headers.get(_TIMESTAMP)
    if not signature or not timestamp:
        raise Forged("the post is not signed")
    if not any(_signed_with(key, body, signature, timestamp) for key in keys):
        raise Forged("the signature fits none of the known keys")
    posted_at = _time(timestamp)
    if posted_at is None or abs(now - posted_at) > STALE_AFTER:
        raise Forged(f"the post was signed at {timestamp}, too far from now")
    return posted_at


def _signed_with(key: str, body: bytes, signature: str, timestamp: str) -> bool:
    verifier = _verifier(key)
    try:
        return bool(verifier.verify_signature(body.decode(), signature, timestamp))
    except (ValueError, TypeError):  # no UTF-8, no base64, no DER
        return False


@lru_cache(maxsize=16)
def _verifier(key: str) -> EventWebhook:
    from sendgrid.helpers.eventwebhook import EventWebhook

    try:
        return EventWebhook("".join(key.split()))
    except (ValueError, TypeError) as error:
        raise ConfigError("sendgrid: the webhook's public key is not the text SendGrid shows") from error


def _loaded(body: bytes) -> list[Any]:
    """The array. Broken surrogates and NUL, which no database stores, become U+FFFD."""
    body = body.replace(rb"\u0000", rb"\ufffd")
    try:
        events = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            events = orjson.loads(_LONE_SURROGATE.sub(rb"\\ufffd", body))
        except orjson.JSONDecodeError as error:
            raise BadBody(f"the body is not JSON: {error}") from error
    if not isinstance(events, list):
        raise BadBody("the body is JSON, but not an array of events")
    return events


_Clicks = Mapping[str, Sequence[tuple[datetime, str]]]


def _clicks(events: Sequence[Any]) -> _Clicks:
    """(time, URL) of the clicks in this post by message, for the rule about bursts."""
    found: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for event in events:
        if isinstance(event, dict) and _word(event) == "click":
            at = _time(event.get("timestamp"))
            if at is not None:
                found[_whose(event)].append((at, _text(event, "url") or ""))
    return found


def _fact(event: Any, posted_at: datetime, clicks: _Clicks) -> Fact:
    if not isinstance(event, dict):
        return Fact(Kind.OTHER, posted_at, "sendgrid", _key([repr(event)]), detail={"value": event})
    kind = _KINDS.get(_word(event), Kind.OTHER)
    at = _time(event.get("timestamp"))
    bounce, suppresses = _judged(kind, event)
    message_id = _text(event, "message_id")
    ours = message_id is not None and _MESSAGE_ID.fullmatch(message_id) is not None
    return Fact(
        kind=kind,
        occurred_at=at or posted_at,
        source="sendgrid",
        natural_key=_natural_key(event, at),
        identity=_text(event, "sg_event_id"),
        contact_id=_text(event, "contact_id") if ours else None,
        message_id=message_id if ours else None,
        address=_text(event, "email"),
        machine=_machine(kind, event, at or posted_at, clicks),
        url=_text(event, "url"),
        name=_text(event, "event") if kind is Kind.OTHER else None,
        bounce=bounce,
        suppresses=suppresses,
        detail=event,
    )


def _judged(kind: Kind, event: Mapping[str, Any]) -> tuple[BounceClass | None, SuppressionReason | None]:
    """What a bounce says about whom, and whether the address must not be mailed again."""
    if kind is Kind.COMPLAINED:
        return None, SuppressionReason.COMPLAINED
    if kind is Kind.UNSUBSCRIBED:
        return None, SuppressionReason.UNSUBSCRIBED
    if kind is Kind.DROPPED:
        return _DROPS.get((_text(event, "reason") or "").strip().lower(), (None, None))
    if kind is not Kind.BOUNCED:
        return None, None
    bounce = _bounce(event)
    return bounce, SuppressionReason.BOUNCED if bounce is BounceClass.HARD else None


def _bounce(event: Mapping[str, Any]) -> BounceClass:
    """The class of a bounce: what speaks of us or the email first, then of the address, then of the moment.

    A block is never hard. A bounce without any code is, since SendGrid itself suppresses such addresses.
    """
    kind = (_text(event, "type") or "").lower()
    classified = (_text(event, "bounce_classification") or "").strip().lower()
    status = (_text(event, "status") or "").strip()
    told = {by_status(status) or _coded(_text(event, "reason") or ""), _CLASSIFIED.get(classified)}
    found = next((each for each in _GRAVEST_FIRST if each in told), None)
    if found is None:
        lasting = kind == "bounce" and not status.startswith("4") and classified in ("", "unclassified")
        found = BounceClass.HARD if lasting else BounceClass.SOFT
    return BounceClass.SOFT if kind == "blocked" and found is BounceClass.HARD else found


def _coded(reason: str) -> BounceClass | None:
    code = ENHANCED.search(reason)
    return by_status(code[0]) if code else None


def _machine(kind: Kind, event: Mapping[str, Any], at: datetime, clicks: _Clicks) -> str | None:
    return machine.verdict(
        kind,
        _text(event, "useragent"),
        at,
        previous=clicks.get(_whose(event), ()),
        link=_text(event, "url") or "",
        provider_says=event.get("sg_machine_open") in (True, "true"),
    )


def _natural_key(event: Mapping[str, Any], at: datetime | None) -> str:
    """Equal for two tellings of one occurrence, whatever event id each carries."""
    when = str(int(at.timestamp())) if at else ""
    offset = orjson.dumps(event.get("url_offset"), option=orjson.OPT_SORT_KEYS).decode()
    return _key([_whose(event), _word(event), when, _text(event, "url") or "", offset])


def _whose(event: Mapping[str, Any]) -> str:
    """Message and recipient; one sg_message_id begins alike for every recipient of a request."""
    message = _text(event, "sg_message_id") or _text(event, "message_id") or ""
    return f"{message}\x1f{(_text(event, 'email') or '').lower()}"


def _key(parts: Sequence[str]) -> str:
    return blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()


def _word(event: Mapping[str, Any]) -> str:
    return (_text(event, "event") or "").lower()


def _text(event: Mapping[str, Any], name: str) -> str | None:
    value = event.get(name)
    return value if isinstance(value, str) and value else None


def _time(value: object) -> datetime | None:
    """Seconds or milliseconds since 1970, as number or text, as aware UTC; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
