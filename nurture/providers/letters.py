"""What a mail that arrived tells: an answer by a person or a machine, a bounce, a complaint, a wish to hear no more.

Automatic answers: RFC 3834 (Auto-Submitted) and what older systems write. Bounces: RFC 3464, with the classes of
RFC 3463. Complaints: RFC 5965. Only headers and reports are read; what people write is theirs, and is not kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from hashlib import blake2b
from itertools import islice

from nurture.core.event import BounceClass, Kind
from nurture.providers.bounces import by_diagnostic

REFERENCE = re.compile(r"(?<![0-9a-f])([0-9a-f]{32})@([A-Za-z0-9.-]*)")
"""An id of ours where addresses and Message-IDs carry it: before the @, in an envelope address after a + or -."""
ENVELOPE_ID = re.compile(r"[0-9a-f]{32}")
BULK = frozenset({"auto_reply", "auto-reply", "bulk", "junk", "list"})
RECEIVERS = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")
ACTIONS = {"failed": Kind.BOUNCED, "delayed": Kind.DEFERRED, "delivered": Kind.DELIVERED, "relayed": Kind.PROCESSED}
UNWANTED = frozenset({"abuse", "fraud", "virus"})
OPTED_OUT = frozenset({"opt-out", "opt-out-list"})
"""Feedback types of RFC 5965 and of its draft, which some still send."""
MOST_IDS, MOST_RECIPIENTS = 5, 100
SHOWN = 200
"""Bounds on what one mail may make us look for and keep."""


Named = tuple[str, str]
"""An id that may be a message's of ours, and the domain behind it."""


class Unreadable(Exception):
    """Not a mail, or one that cannot be taken apart; the text says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing a mail tells.

    `about` names messages of ours that it may be about, each with the domain it was named with, if any; the surest
    first. `addresses` are of whom it may be. `machine` is the rule by which a machine wrote it. `identity` is equal
    for the same mail wherever it is found. `sent_at` (aware UTC) is the sender's word, for what it is worth.
    """

    kind: Kind
    identity: str
    about: tuple[Named, ...] = ()
    addresses: tuple[str, ...] = ()
    sent_at: datetime | None = None
    machine: str | None = None
    bounce: BounceClass | None = None
    detail: dict[str, str] = field(default_factory=dict)


def read_letter(raw: bytes) -> list[Said]:
    """What the mail tells, one for each recipient a bounce names; nothing where a report tells nothing.

    Raises Unreadable for what is no mail.
    """
    try:
        message = message_from_bytes(raw)
        if not (message["From"] or message["Return-Path"] or message["Message-ID"]):
            raise Unreadable("it has none of the headers From, Return-Path and Message-ID")
        return list(_read(message, raw))
    except (MessageError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise Unreadable(f"it cannot be taken apart: {error}") from error


def _read(message: Message, raw: bytes) -> Iterator[Said]:
    parts = {part.get_content_type(): part for part in reversed(_parts(message))}
    letter = _letter(message, raw)
    if status := parts.get("message/delivery-status"):
        yield from _bounces(status, replace(letter, about=_about_report(message, parts, status)))
    elif feedback := parts.get("message/feedback-report"):
        yield _complaint(feedback, replace(letter, about=_about_report(message, parts, feedback)))
    elif message.get_content_type() == "multipart/report":
        yield replace(letter, kind=Kind.OTHER, machine="report")
    elif rule := automatic(message):
        yield replace(letter, machine=rule)
    elif letter.detail.get("subject", "").lower() == "unsubscribe":
        yield replace(letter, kind=Kind.UNSUBSCRIBED)
    else:
        yield letter


def _parts(message: Message) -> list[Message]:
    """The parts right below; a bounce that somebody passes on as an attachment lies deeper."""
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def _letter(message: Message, raw: bytes) -> Said:
    """The mail as an answer that somebody wrote."""
    identity = text(message, "Message-ID").strip("<> ") or blake2b(raw, digest_size=16).hexdigest()
    address = parseaddr(text(message, "From"))[1]
    shown = {"subject": subject(message), "from": address}
    return Said(
        Kind.REPLIED,
        identity,
        _ids(message, "In-Reply-To", "References"),
        (address,) if address else (),
        _date(message),
        detail={name: value[:SHOWN] for name, value in shown.items() if value},
    )


def automatic(message: Message) -> str | None:
    """The rule by which a machine wrote the mail, else None. A subject alone proves nothing."""
    if text(message, "Auto-Submitted", "no").partition(";")[0].strip().lower() != "no":
        return "auto-submitted"
    if any(text(message, name, "no").strip().lower() != "no" for name in ("X-Autoreply", "X-Autorespond")):
        return "auto-reply"
    if text(message, "Precedence").strip().lower() in BULK:
        return "precedence"
    # Beside X-Auto-Response-Suppress and without: nobody answers from an address that takes no answer.
    if message["Return-Path"] is not None and not text(message, "Return-Path").strip("<> \t"):
        return "null-sender"
    local = parseaddr(text(message, "From"))[1].partition("@")[0].lower()
    return "mailer-daemon" if local == "mailer-daemon" else None


# --- bounces and complaints ------------------------------------------------------------------------------


def _bounces(status: Message, letter: Said) -> Iterator[Said]:
    for block in _parts(status)[: MOST_RECIPIENTS + 1]:
        kind = ACTIONS.get(text(block, "Action").partition(" ")[0].strip().lower())
        addresses = tuple(filter(None, (_typed(block, "Original-Recipient"), _typed(block, "Final-Recipient"))))
        if kind is None or not addresses:
            continue
        code, words = text(block, "Status").partition(" ")[0].strip(), text(block, "Diagnostic-Code")
        shown = {"status": code, "diagnostic": words.partition(";")[2].strip(), "recipient": addresses[-1]}
        yield replace(
            letter,
            kind=kind,
            identity=f"{letter.identity} {addresses[-1].lower()}",
            addresses=addresses,
            bounce=by_diagnostic(code, words) if kind is Kind.BOUNCED else None,
            detail={name: value[:SHOWN] for name, value in shown.items() if value},
        )


def _complaint(feedback: Message, letter: Said) -> Said:
    (report,) = _parts(feedback)[:1] or [feedback]
    sort = text(report, "Feedback-Type").strip().lower()
    whom = tuple(filter(None, (_typed(report, "Original-Rcpt-To"), _typed(report, "Removal-Recipient"))))
    kind = Kind.COMPLAINED if sort in UNWANTED else Kind.UNSUBSCRIBED if sort in OPTED_OUT else Kind.OTHER
    shown = {"feedback": sort, "agent": text(report, "User-Agent")}
    return replace(
        letter,
        kind=kind,
        addresses=whom,
        machine="report" if kind is Kind.OTHER else None,
        detail={name: value[:SHOWN] for name, value in shown.items() if value},
    )


def _about_report(message: Message, parts: dict[str, Message], report: Message) -> tuple[Named, ...]:
    """Messages of ours a report may be about: by envelope, by the headers that came back, by the envelope's address."""
    told = [text(block, "Original-Envelope-Id") for block in _parts(report)[:1]]
    envelope = [(one, "") for value in told for one in ENVELOPE_ID.findall(value)]
    returned = [one for part in _returned(parts) for one in _ids(part, "Message-ID")]
    return tuple(dict.fromkeys([*envelope, *returned, *_ids(message, *RECEIVERS, "In-Reply-To", "References")]))


def _returned(parts: dict[str, Message]) -> Iterator[Message]:
    """The headers of the mail that came back."""
    for kind in ("message/rfc822", "message/global", "message/rfc822-headers", "message/global-headers"):
        if kind in parts:
            yield from _parts(parts[kind])[:1]
    if "text/rfc822-headers" in parts:
        data = parts["text/rfc822-headers"].get_payload(decode=True)
        yield message_from_string(data.decode("ascii", "replace") if isinstance(data, bytes) else "")


# --- headers -----------------------------------------------------------------------------------------------


def text(message: Message, name: str, missing: str = "") -> str:
    """A header, unfolded, with nothing in it that cannot be printed; `missing` where it is not there."""
    value = message[name]
    return missing if value is None else _printable(str(value))


def subject(message: Message) -> str:
    """The subject as people read it; what cannot be decoded stays as it came."""
    said = text(message, "Subject")
    try:
        return _printable(str(make_header(decode_header(said)))).strip()
    except (MessageError, ValueError, LookupError):
        return said.strip()


def _printable(said: str) -> str:
    unfolded = re.sub(r"[\r\n\t ]+", " ", said)
    return "".join(char if char.isprintable() else "\ufffd" for char in unfolded)


def _ids(message: Message, *names: str) -> tuple[Named, ...]:
    """The ids of ours in these headers. Of References the last is the one that was answered."""
    values = [str(value) for name in names for value in message.get_all(name, ())]
    found = ((one, at.lower()) for value in values for one, at in reversed(REFERENCE.findall(value)))
    return tuple(islice(dict.fromkeys(found), MOST_IDS))


def _typed(message: Message, name: str) -> str:
    """The address of a field like "rfc822; ada@example.com" (RFC 3464 §2.1.2), or of one without a type."""
    kind, typed, address = text(message, name).rpartition(";")
    if typed and kind.strip().lower() not in ("rfc822", "utf-8"):
        return ""
    return parseaddr(address)[1]


def _date(message: Message) -> datetime | None:
    try:
        at = parsedate_to_datetime(text(message, "Date"))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
