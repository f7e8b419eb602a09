"""Mails as they arrive: answers of people and machines, bounces, complaints, in the shapes of those who send them."""

from __future__ import annotations

from textwrap import dedent

OURS = "0123456789abcdef0123456789abcdef"
"""The id of a message of ours, where a test names no other."""


def mail(text: str, ours: str = OURS) -> bytes:
    """A mail from text, OURS in it being the message's id."""
    return dedent(text).lstrip("\n").replace("OURS", ours).replace("\n", "\r\n").encode("utf-8", "surrogateescape")


GMAIL_REPLY = """
    Return-Path: <ada@example.com>
    Delivered-To: hello@mail.acme.example
    DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=20230601; bh=x; b=x
    MIME-Version: 1.0
    References: <OURS@mail.acme.example>
    In-Reply-To: <OURS@mail.acme.example>
    From: Ada Lovelace <ada@example.com>
    Date: Mon, 2 Mar 2026 11:30:00 +0300
    Message-ID: <CAF0kZ3n5Q=abc@mail.gmail.com>
    Subject: Re: Hello
    To: Acme Shop <hello@mail.acme.example>
    Content-Type: multipart/alternative; boundary="0000000000009b2c"

    --0000000000009b2c
    Content-Type: text/plain; charset="UTF-8"

    Yes, that sounds good!

    On Mon, Mar 2, 2026 at 11:00 AM Acme Shop <hello@mail.acme.example> wrote:
    > Hi Ada
    --0000000000009b2c
    Content-Type: text/html; charset="UTF-8"

    <div>Yes, that sounds good!</div>
    --0000000000009b2c--
    """

OUTLOOK_REPLY = """
    Received: from AM0PR01.eurprd01.prod.exchangelabs.com (2603:10a6:208::1) by mx.acme.example
    From: =?iso-8859-9?Q?Ada_=DEahin?= <Ada@Example.com>
    To: Acme Shop <hello@mail.acme.example>
    Subject: =?iso-8859-9?Q?Ynt:_Merhaba?=
    Thread-Topic: Hello
    Thread-Index: AQHbqq==
    Date: Mon, 2 Mar 2026 08:31:10 +0000
    Message-ID: <AM0PR01MB0001@AM0PR01MB0001.eurprd01.prod.exchangelabs.com>
    References: <3a@older.example>
     <OURS@mail.acme.example>
    In-Reply-To: <OURS@mail.acme.example>
    X-MS-Has-Attach:
    X-Auto-Response-Suppress: DR, OOF
    Content-Type: text/plain; charset="iso-8859-9"

    Olur.
    """

EXCHANGE_OUT_OF_OFFICE = """
    From: Ada <ada@example.com>
    To: Acme Shop <hello@mail.acme.example>
    Subject: Automatic reply: Hello
    Date: Mon, 2 Mar 2026 08:30:30 +0000
    Message-ID: <b9e0a2@AM0PR01MB0001.eurprd01.prod.exchangelabs.com>
    References: <OURS@mail.acme.example>
    In-Reply-To: <OURS@mail.acme.example>
    X-Auto-Response-Suppress: All
    auto-submitted: auto-generated
    X-MS-Exchange-Inbox-Rules-Loop: ada@example.com

    I am away until Monday.
    """

POSTFIX_BOUNCE = """
    Return-Path: <>
    Received: by mail.acme.example (Postfix) id 4F3C1; Mon, 2 Mar 2026 08:30:01 +0000 (UTC)
    Date: Mon, 2 Mar 2026 08:30:01 +0000 (UTC)
    From: MAILER-DAEMON@mail.acme.example (Mail Delivery System)
    Subject: Undelivered Mail Returned to Sender
    To: hello@mail.acme.example
    Auto-Submitted: auto-replied
    MIME-Version: 1.0
    Content-Type: multipart/report; report-type=delivery-status;
        boundary="9B095B5ADSN=_01D5BD6A"
    Message-Id: <20260302083001.4F3C1@mail.acme.example>

    This is a MIME-encapsulated message.

    --9B095B5ADSN=_01D5BD6A
    Content-Description: Notification
    Content-Type: text/plain; charset=us-ascii

    I'm sorry to have to inform you that your message could not be delivered.

    --9B095B5ADSN=_01D5BD6A
    Content-Description: Delivery report
    Content-Type: message/delivery-status

    Reporting-MTA: dns; mail.acme.example
    X-Postfix-Queue-ID: 4F3C1
    X-Postfix-Sender: rfc822; hello@mail.acme.example
    Arrival-Date: Mon,  2 Mar 2026 08:30:00 +0000 (UTC)

    Final-Recipient: rfc822; RECIPIENT
    Original-Recipient: rfc822;RECIPIENT
    Action: ACTION
    Status: STATUS
    Remote-MTA: dns; mx.example.com
    Diagnostic-Code: DIAGNOSTIC

    --9B095B5ADSN=_01D5BD6A
    Content-Description: Undelivered Message Headers
    Content-Type: text/rfc822-headers

    Return-Path: <hello@mail.acme.example>
    From: Acme Shop <hello@mail.acme.example>
    To: RECIPIENT
    Subject: Hello
    Message-ID: <OURS@mail.acme.example>

    --9B095B5ADSN=_01D5BD6A--
    """

EXCHANGE_BOUNCE = """
    From: <postmaster@outlook.com>
    To: hello@mail.acme.example
    Date: Mon, 2 Mar 2026 08:30:02 +0000
    Content-Type: multipart/report; report-type=delivery-status;
        boundary="_9f1d"
    X-MS-Exchange-Message-Is-Ndr:
    Message-ID: <ndr1@AM0PR01MB0002.eurprd01.prod.outlook.com>
    In-Reply-To: <OURS@mail.acme.example>
    References: <OURS@mail.acme.example>
    Subject: Undeliverable: Hello
    Auto-Submitted: auto-replied

    --_9f1d
    Content-Type: multipart/alternative; differences=Content-Type; boundary="_alt"

    --_alt
    Content-Type: text/plain; charset="us-ascii"

    Delivery has failed to these recipients.
    --_alt--

    --_9f1d
    Content-Type: message/delivery-status

    Reporting-MTA: dns;AM0PR01MB0002.eurprd01.prod.outlook.com
    Received-From-MTA: dns;mail.acme.example
    Arrival-Date: Mon, 2 Mar 2026 08:30:01 +0000

    Final-Recipient: rfc822;ada@example.com
    Action: failed
    Status: 5.1.10
    Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup

    --_9f1d
    Content-Type: message/rfc822

    From: Acme Shop <hello@mail.acme.example>
    To: ada@example.com
    Subject: Hello
    Message-ID: <OURS@mail.acme.example>

    Hi Ada
    --_9f1d--
    """

YAHOO_COMPLAINT = """
    Return-Path: <feedback@arf.mail.yahoo.com>
    From: Yahoo! Mail AntiSpam Feedback <feedback@arf.mail.yahoo.com>
    To: fbl@mail.acme.example
    Date: Mon, 2 Mar 2026 09:00:00 +0000
    Subject: FW: Hello
    Message-ID: <arf.7a@arf.mail.yahoo.com>
    MIME-Version: 1.0
    Content-Type: multipart/report; boundary="arf_b"; report-type="feedback-report"

    --arf_b
    Content-Type: text/plain; charset="US-ASCII"

    This is an email abuse report.

    --arf_b
    Content-Type: message/feedback-report

    Feedback-Type: SORT
    User-Agent: Yahoo!-Mail-Feedback/2.0
    Version: 0.1
    Original-Mail-From: <hello@mail.acme.example>
    Original-Rcpt-To: RECIPIENT
    Received-Date: Mon, 2 Mar 2026 08:30:00 +0000

    --arf_b
    Content-Type: message/rfc822

    From: Acme Shop <hello@mail.acme.example>
    To: redacted
    Subject: Hello
    Message-ID: <OURS@mail.acme.example>

    Hi Ada
    --arf_b--
    """


def bounce(
    recipient: str = "ada@example.com",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <ada@example.com>: Recipient address rejected: User unknown",
    action: str = "failed",
    ours: str = OURS,
) -> bytes:
    """What Postfix sends back."""
    text = POSTFIX_BOUNCE.replace("RECIPIENT", recipient).replace("STATUS", status)
    return mail(text.replace("DIAGNOSTIC", diagnostic).replace("ACTION", action), ours)


def complaint(sort: str = "abuse", recipient: str = "ada@example.com", ours: str = OURS) -> bytes:
    """What Yahoo sends when somebody presses "spam"."""
    return mail(YAHOO_COMPLAINT.replace("SORT", sort).replace("RECIPIENT", recipient), ours)


def reply(*headers: str, who: str = "ada@example.com", ours: str = OURS, id: str = "r1@example.com") -> bytes:
    """A short answer, with further headers; those given go before the usual ones of the same name."""
    usual = (
        f"From: {who}", "To: hello@mail.acme.example", "Date: Mon, 2 Mar 2026 08:30:00 +0000",
        f"Message-ID: <{id}>", f"In-Reply-To: <{ours}@mail.acme.example>", "Subject: Re: Hello",
    )  # fmt: skip
    named = {line.partition(":")[0].lower() for line in headers}
    rest = (line for line in usual if line.partition(":")[0].lower() not in named)
    return ("\r\n".join([*headers, *rest]) + "\r\n\r\nSounds good.\r\n").encode()
