"""What the codes of mail servers say about whom: the contact's address, the moment, our standing, the email.

Sources: RFC 5321 §4.2, RFC 3463 and IANA's registry of enhanced codes, RFC 7505 (null MX). Google gives
X.7.27, X.7.29 and X.7.30 meanings of its own; all of X.7 is about the sender here, so they agree.
"""

from __future__ import annotations

import re
from enum import StrEnum

from nurture.core.event import BounceClass

ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
"""An enhanced status code in a reply (RFC 3463 §2); not part of an IP address or a longer number."""

_EXACT = {
    "1.1": BounceClass.HARD,  # no such mailbox
    "1.2": BounceClass.HARD,  # no such domain
    "1.3": BounceClass.HARD,  # address syntax
    "1.6": BounceClass.HARD,  # moved, no forwarding address
    "1.10": BounceClass.HARD,  # null MX
    "1.7": BounceClass.POLICY,  # the sender's address is at fault
    "1.8": BounceClass.POLICY,
    "2.1": BounceClass.HARD,  # mailbox disabled
    "2.3": BounceClass.CONTENT,  # too large for the mailbox
    "3.4": BounceClass.CONTENT,  # too large for the system
}
_BY_SUBJECT = {
    "1": BounceClass.SOFT,
    "2": BounceClass.SOFT,
    "3": BounceClass.SOFT,
    "4": BounceClass.SOFT,
    "5": BounceClass.POLICY,
    "6": BounceClass.CONTENT,
    "7": BounceClass.POLICY,
}
_NOT_THE_ADDRESS = re.compile(
    r"relay|rcpthosts|spam|block|black|policy|denied|reputation|banned|authenticat|spf|dkim|dmarc|\brbl\b",
    re.IGNORECASE,
)
_THE_ADDRESS = re.compile(
    r"unknown|no such|not found|n[o']t exist|invalid (?:user|recipient|mailbox|address)|unrouteable|undeliverable"
    r"|no mailbox|disabled|RCPT TO",
    re.IGNORECASE,
)


class Stage(StrEnum):
    """Where in the exchange a reply came: it decides what a bare code means."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


def by_status(status: str) -> BounceClass | None:
    """The class of a permanent enhanced code such as "5.1.1"; None where it tells nothing (as "5.0.0")."""
    found = ENHANCED.fullmatch(status.strip())
    if found is None or found[1] != "5":
        return None
    subject, detail = str(int(found[2])), str(int(found[3]))
    exact = _EXACT.get(f"{subject}.{detail}")
    if exact is not None:
        return exact
    return None if subject == "0" or (subject, detail) == ("1", "0") else _BY_SUBJECT.get(subject)


def by_reply(code: int, text: str, stage: Stage) -> BounceClass:
    """The class of a permanent SMTP refusal: the enhanced code in `text` first, else `code` where it came.

    A bare refusal of a recipient speaks of the address, unless its words speak of us.
    """
    if code == 556:
        return BounceClass.HARD
    told = ENHANCED.search(text)
    known = by_status(told[0]) if told else None
    return known or _by_code(code, text, stage)


def by_diagnostic(status: str, diagnostic: str) -> BounceClass:
    """The class of a bounce that a delivery report tells: by its Status, else by its Diagnostic-Code (RFC 3464).

    A report does not say in which command the refusal came, so a bare code speaks of the address only where its words
    do. What could not be delivered in time says nothing lasting about anybody.
    """
    if status.startswith("4"):
        return BounceClass.POLICY if status.startswith("4.7.") else BounceClass.SOFT
    told = ENHANCED.search(diagnostic)
    known = by_status(status) or (by_status(told[0]) if told else None)
    if known is not None:
        return known
    code = re.search(r"(?<![\d.])5\d\d(?![\d.])", diagnostic)
    stage = Stage.RECIPIENT if _THE_ADDRESS.search(diagnostic) else Stage.CONTENT
    return by_reply(int(code[0]), diagnostic, stage) if code else BounceClass.SOFT


def _by_code(code: int, text: str, stage: Stage) -> BounceClass:
    if code == 552:
        return BounceClass.CONTENT if stage is Stage.SENDER else BounceClass.SOFT
    if stage is not Stage.RECIPIENT:
        return BounceClass.POLICY
    speaks_of_us = _NOT_THE_ADDRESS.search(text) is not None
    return BounceClass.HARD if code in (550, 551, 553) and not speaks_of_us else BounceClass.POLICY
