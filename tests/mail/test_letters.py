"""What a single mail tells."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.samples import (
    EXCHANGE_BOUNCE,
    EXCHANGE_OUT_OF_OFFICE,
    GMAIL_REPLY,
    OURS,
    OUTLOOK_REPLY,
    bounce,
    complaint,
    mail,
    reply,
)
from nurture.core.event import BounceClass, Kind
from nurture.providers.letters import Said, Unreadable, read_letter

ABOUT = ((OURS, "mail.acme.example"),)


def told(raw: bytes) -> Said:
    (said,) = read_letter(raw)
    return said


@pytest.mark.parametrize("text", [GMAIL_REPLY, OUTLOOK_REPLY], ids=["gmail", "outlook"])
def test_a_person_s_answer_is_a_reply_to_the_message_it_names(text: str) -> None:
    said = told(mail(text))
    assert (said.kind, said.machine, said.about) == (Kind.REPLIED, None, ABOUT)
    assert [address.lower() for address in said.addresses] == ["ada@example.com"]
    assert said.sent_at and said.sent_at.replace(second=0) in (
        datetime(2026, 3, 2, 8, 30, tzinfo=UTC), datetime(2026, 3, 2, 8, 31, tzinfo=UTC)
    )  # fmt: skip


def test_a_subject_is_told_as_people_read_it_and_a_broken_one_as_it_came() -> None:
    assert told(mail(OUTLOOK_REPLY)).detail["subject"] == "Ynt: Merhaba"
    assert told(reply("Subject: =?utf-8?b?a?=")).detail["subject"] == "=?utf-8?b?a?="
    assert told(reply("Subject: =?no-such-charset?q?a?=")).kind is Kind.REPLIED


def test_an_out_of_office_answer_is_a_machine_s() -> None:
    said = told(mail(EXCHANGE_OUT_OF_OFFICE))
    assert (said.kind, said.machine) == (Kind.REPLIED, "auto-submitted")


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        ("Auto-Submitted: auto-replied (vacation)", "auto-submitted"),
        ("Auto-Submitted: auto-notified; owner-email=x", "auto-submitted"),
        ("X-Autoreply: yes", "auto-reply"),
        ("X-Autorespond: Re: Hello", "auto-reply"),
        ("Precedence: auto_reply", "precedence"),
        ("Precedence: Bulk", "precedence"),
        ("Precedence: junk", "precedence"),
        ("Precedence: list", "precedence"),
        ("Return-Path: <>", "null-sender"),
        ("From: MAILER-DAEMON@mx.example.com", "mailer-daemon"),
    ],
)
def test_each_mark_of_a_machine_is_known(header: str, rule: str) -> None:
    assert told(reply(header)).machine == rule


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "Auto-Submitted: No; comment",
        "Subject: Out of office: I am back, and yes please",
        "Subject: Automatic reply: no, it is me",
        "X-Auto-Response-Suppress: All",
        "Precedence: first-class",
        "Return-Path: <ada@example.com>",
        "X-Autoreply: no",
    ],
)
def test_what_only_looks_like_a_machine_is_a_person(header: str) -> None:
    said = told(reply(header))
    assert (said.kind, said.machine) == (Kind.REPLIED, None)


def test_a_subject_that_says_exactly_unsubscribe_is_that_wish_and_no_reply() -> None:
    assert told(reply("Subject: Unsubscribe")).kind is Kind.UNSUBSCRIBED
    assert told(reply("Subject: unsubscribe me from my boss")).kind is Kind.REPLIED
    assert told(reply("Subject: unsubscribe", "Auto-Submitted: auto-replied")).kind is Kind.REPLIED


@pytest.mark.parametrize(
    ("status", "diagnostic", "wanted"),
    [
        ("5.1.1", "smtp; 550 5.1.1 User unknown", BounceClass.HARD),
        ("5.0.0", "smtp; 550 5.1.1 <ada@example.com>... User unknown", BounceClass.HARD),
        ("5.0.0", "smtp; 550 No such user here", BounceClass.HARD),
        ("5.0.0", "smtp; 550 Message rejected", BounceClass.POLICY),
        ("5.0.0", "smtp; 554 unknown spam source, see https://blocklist.example", BounceClass.POLICY),
        ("5.7.1", "smtp; 550 5.7.1 Message rejected due to policy", BounceClass.POLICY),
        ("5.7.26", "smtp; 550-5.7.26 Unauthenticated email", BounceClass.POLICY),
        ("5.2.2", "smtp; 552 5.2.2 Mailbox full", BounceClass.SOFT),
        ("5.3.4", "smtp; 552 5.3.4 Message too big", BounceClass.CONTENT),
        ("4.4.1", "X-Postfix; connect to mx.example.com[192.0.2.1]:25: Connection timed out", BounceClass.SOFT),
        ("4.1.1", "smtp; 450 4.1.1 User unknown", BounceClass.SOFT),
        ("4.7.0", "smtp; 421 4.7.0 IP not in allow list", BounceClass.POLICY),
        ("5.0.0", "X-Local; something went wrong", BounceClass.SOFT),
    ],
)
def test_a_bounce_has_the_class_that_its_code_says(status: str, diagnostic: str, wanted: BounceClass) -> None:
    said = told(bounce(status=status, diagnostic=diagnostic))
    assert (said.kind, said.bounce, said.about) == (Kind.BOUNCED, wanted, ABOUT)
    assert said.addresses == ("ada@example.com", "ada@example.com")


def test_a_bounce_of_exchange_names_its_message_by_the_mail_that_came_back() -> None:
    said = told(mail(EXCHANGE_BOUNCE))
    assert (said.kind, said.bounce, said.about) == (Kind.BOUNCED, BounceClass.HARD, ABOUT)


@pytest.mark.parametrize(
    ("line", "into"),
    [
        ("X-Postfix-Queue-ID: 4F3C1", f"Original-Envelope-Id: {OURS}"),
        ("To: hello@mail.acme.example", f"To: bounce+{OURS}@mail.acme.example"),
        ("To: hello@mail.acme.example", f"Delivered-To: b-{OURS}@mail.acme.example"),
    ],
)
def test_a_bounce_names_its_message_by_the_envelope_too(line: str, into: str) -> None:
    text = bounce(ours="nothing").decode().replace(line, into)
    assert [one for one, _ in told(text.encode()).about] == [OURS]


def test_a_delay_is_no_bounce_and_a_delivery_is_one_no_more() -> None:
    assert told(bounce(action="delayed", status="4.4.1")).kind is Kind.DEFERRED
    assert told(bounce(action="delivered", status="2.0.0")).kind is Kind.DELIVERED
    assert read_letter(bounce(action="expanded", status="2.0.0")) == []


def test_a_bounce_of_two_recipients_tells_of_both() -> None:
    second = "\r\n\r\nFinal-Recipient: rfc822; bob@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--9B"
    parts = bounce().decode().split("\r\n\r\n--9B")
    both = read_letter(
        "\r\n\r\n--9B".join([*parts[:2], parts[2] + second.removesuffix("\r\n\r\n--9B"), *parts[3:]]).encode()
    )
    assert [said.addresses[-1] for said in both] == ["ada@example.com", "bob@example.com"]
    assert len({said.identity for said in both}) == 2


def test_a_bounce_that_somebody_passes_on_is_a_letter_of_theirs() -> None:
    inner = bounce().decode()
    outer = (
        "From: ada@example.com\r\nMessage-ID: <fwd@example.com>\r\nContent-Type: multipart/mixed; boundary=OUT\r\n\r\n"
        f"--OUT\r\nContent-Type: text/plain\r\n\r\nLook.\r\n--OUT\r\nContent-Type: message/rfc822\r\n\r\n{inner}"
        "\r\n--OUT--\r\n"
    )
    assert told(outer.encode()).kind is Kind.REPLIED


def test_a_complaint_is_told_with_the_message_and_the_address_it_names() -> None:
    said = told(complaint())
    assert (said.kind, said.about, said.addresses) == (Kind.COMPLAINED, ABOUT, ("ada@example.com",))


@pytest.mark.parametrize(("sort", "kind"), [("not-spam", Kind.OTHER), ("opt-out", Kind.UNSUBSCRIBED)])
def test_feedback_of_another_sort_is_no_complaint(sort: str, kind: Kind) -> None:
    assert told(complaint(sort)).kind is kind


def test_a_read_receipt_is_no_reply() -> None:
    said = told(reply("Content-Type: multipart/report; report-type=disposition-notification; boundary=x"))
    assert (said.kind, said.machine) == (Kind.OTHER, "report")


@pytest.mark.parametrize("raw", [b"", b"\x00\x01\xff\xfe", b"just some text\r\n\r\nand more", b"\r\n\r\n"])
def test_what_is_no_mail_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read_letter(raw)


@pytest.mark.parametrize(
    "line",
    [
        b"From: \xff\xfe\x80 <ada@example.com>",
        b"Date: Mon, 99 Foo 2026 99:99:99 +9999",
        b"Date: 1",
        b"Message-ID: ",
        b"References: " + b"<0123456789abcdef0123456789abcdef@x> " * 2000,
        b"Content-Type: multipart/report; report-type*=utf-8''%ff%fe; boundary=",
        b"Subject: a\x00b\x1b[31m\xe2\x80\xae",
    ],
)
def test_broken_headers_do_not_break_the_reading(line: bytes) -> None:
    said = told(line + b"\r\n" + reply())
    assert all(char.isprintable() for value in said.detail.values() for char in value)
    assert len(said.about) <= 5


MAILS = [mail(GMAIL_REPLY), mail(OUTLOOK_REPLY), mail(EXCHANGE_BOUNCE), bounce(), complaint(), reply()]
MASS = [
    b"\r\n", b"\r\n\r\n", b"--", b";", b"=?", b"?=", b"\x00", b"\xff", b"\xc3", b"(", b'"', b"<", b">", b"@", b":",
    b"*=", b"Content-Type: ", b"boundary=", b"message/rfc822", b"message/delivery-status", b"base64", b"99999999999",
]  # fmt: skip


DAMAGE = st.tuples(st.floats(0, 1), st.sampled_from(MASS), st.integers(0, 40))


@given(st.sampled_from(MAILS), st.lists(DAMAGE, max_size=8))
def test_a_damaged_mail_tells_something_or_is_unreadable_and_nothing_else(
    raw: bytes, damage: list[tuple[float, bytes, int]]
) -> None:
    for place, mass, gone in damage:
        at = int(place * len(raw))
        raw = raw[:at] + mass + raw[at + gone :]
    try:
        told_ = read_letter(raw)
    except Unreadable:
        return
    for said in told_:
        said.identity.encode()
        assert all(value.isprintable() for value in (*said.detail.values(), *said.addresses))


def test_a_letter_cut_off_in_its_attachment_still_tells() -> None:
    whole = mail(GMAIL_REPLY).replace(b"<div>", b"<div>" + b"x" * 500_000)
    assert told(whole[: 256 * 1024]).about == ABOUT
