from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default

import pytest

from emails.parts import BRANDING, CONTACT, ENVELOPE, PURCHASE, SIGNER, compiled, email_file, made, render, values
from nurture.core.email import Mailbox
from nurture.core.errors import RenderError
from nurture.emails.compile import CompiledEmail, compile_email
from nurture.emails.fill import Filler
from nurture.emails.links import Purpose, Ref, Signer

LINK = '<p><a href="https://shop.example/new">See</a></p>'


def token_after(text: str, path: str) -> str:
    found = re.search(re.escape(BRANDING.base_url + path) + r"([\w-]+)", text)
    return found[1] if found else ""


def test_headers_are_those_mailboxes_ask_for() -> None:
    lines = made("Hello").as_bytes().partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert headers["From"] == "Acme Shop <hello@mail.acme.example>"
    assert headers["To"] == "Ada Lovelace <ada@example.com>"
    assert headers["Reply-To"] == "care@acme.example"
    assert headers["Date"] == "Sun, 01 Mar 2026 09:30:00 +0000"
    assert headers["Message-ID"] == f"<{'1b' * 16}@mail.acme.example>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Id"] == "Wake up <wake-up.n.acme.example>"
    assert headers["Feedback-ID"] == "wake-up:miss-you:Acme-Shop:nurture"
    assert headers["MIME-Version"] == "1.0"
    token = headers["List-Unsubscribe"].removeprefix("<https://n.acme.example/u/").removesuffix(">")
    assert SIGNER.read(Purpose.UNSUBSCRIBE, token) == Ref("0a" * 16, "1b" * 16)


def test_the_headers_beside_are_the_same_as_in_the_message() -> None:
    email = made("Hello")
    message = message_from_bytes(email.as_bytes(), policy=default)
    assert {name: str(message[name]) for name, _ in email.headers} == dict(email.headers)


def test_a_long_base_url_leaves_the_unsubscribe_header_on_one_line_and_unencoded() -> None:
    branding = replace(BRANDING, base_url="https://" + "long." * 30 + "example")
    email = compile_email({"a.html": email_file("x")}, "a", "", branding)
    filler = Filler(email, SIGNER)
    head = filler.email(filler.render(values()), ENVELOPE).as_bytes().partition(b"\r\n\r\n")[0]
    line = next(line for line in head.split(b"\r\n") if line.startswith(b"List-Unsubscribe:"))
    assert line.startswith(b"List-Unsubscribe: <https://long.long.") and line.endswith(b">")


def test_a_title_in_any_script_can_name_the_list() -> None:
    compiled_email = compile_email({"a.html": email_file("x")}, "a", "", replace(BRANDING, campaign_title="Uyanış"))
    filler = Filler(compiled_email, SIGNER)
    list_id = dict(filler.email(filler.render(values()), ENVELOPE).headers)["List-Id"]
    assert list_id.isascii()
    assert str(make_header(decode_header(list_id))) == "Uyanış <wake-up.n.acme.example>"


def test_plain_text_comes_first_then_html() -> None:
    message = message_from_bytes(made("<h1>Hi</h1>").as_bytes(), policy=default)
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


@pytest.mark.parametrize("bad", ["A\r\nBcc: x@y.example", "A\nB", "A\rB", "A\x00B", "A\u2028B", "A\u2029B", "A\x85B"])
def test_a_name_cannot_bring_a_header_with_it(bad: str) -> None:
    with pytest.raises(RenderError):
        made("Hello", envelope=replace(ENVELOPE, recipient=Mailbox(bad, "ada@example.com")))


@pytest.mark.parametrize("bad", ["A\r\nBcc: x@y.example", "A\nB", "A\u2028B", "A\u2029B"])
def test_a_subject_cannot_bring_a_header_with_it(bad: str) -> None:
    with pytest.raises(RenderError, match=r"templates/emails/a\.html:2: a header cannot hold a line break"):
        render("Hello", subject="{{ contact.first_name }}, hello", first_name=bad)


def test_a_subject_loses_other_control_characters() -> None:
    email = made("x", subject="{{ contact.first_name }}!", given=values(first_name="A\x00d\x07a\x9f\t"))
    assert email.subject == "Ada !"


@pytest.mark.parametrize(
    "address", ["no", "a b@x.co", "a@x.co\r\nBcc: b@x.co", "a@x.co>, <b@x.co", "a@ü.de", "josé @x.co", "é\u2028@x.co"],
)
def test_an_address_no_header_can_hold_is_refused(address: str) -> None:
    with pytest.raises(RenderError, match="recipient cannot be written to"):
        made("Hello", envelope=replace(ENVELOPE, recipient=Mailbox("Ada", address)))


@pytest.mark.parametrize("address", ["a+tag@x.co", '"a b"@x.co', '"a@b"@x.co', "o'neil@xn--bcher-kva.de", "a.b@x.co"])
def test_unusual_addresses_arrive_whole(address: str) -> None:
    email = made("Hello", envelope=replace(ENVELOPE, recipient=Mailbox('Doe, "J"', address)))
    read = message_from_bytes(email.as_bytes(), policy=default)["To"].addresses[0]
    assert (read.display_name, read.addr_spec) == ('Doe, "J"', address)


@pytest.mark.parametrize("address", ["josé@x.co", "用户@例え.jp", "ışıl.çağrı@xn--bcher-kva.de"])
def test_an_address_outside_ascii_stands_in_its_header_as_it_is(address: str) -> None:
    data = made("Hello", envelope=replace(ENVELOPE, recipient=Mailbox("Işıl", address))).as_bytes()
    (line,) = [line for line in data.split(b"\r\n") if line.startswith(b"To: ")]
    assert line.decode().endswith(f" <{address}>")
    assert b"=?utf-8?" in line
    assert data.replace(line, b"").isascii()


@pytest.mark.parametrize(
    "name", ["=?utf-8?q?x?=", "Ay;şe <x@evil.example>", "x" * 200, "ğ" * 100, "a\\b", ".", "Dr. No"]
)
def test_any_name_comes_back_as_it_was(name: str) -> None:
    email = made("Hello", envelope=replace(ENVELOPE, recipient=Mailbox(name, "a@x.co")))
    message = message_from_bytes(email.as_bytes(), policy=default)
    assert message["To"].addresses[0].addr_spec == "a@x.co"
    assert "".join(message["To"].addresses[0].display_name.split()) == "".join(name.split())


@pytest.mark.parametrize(
    "subject", ["=?utf-8?q?x?=", "🎁" * 60, "a " * 200, "  two  spaces  " * 9, "x" * 300, "\u202eabc"]
)
def test_any_subject_comes_back_as_it_was(subject: str) -> None:
    email = made("x", subject="{{ contact.first_name }}", given=values(first_name=subject))
    assert str(message_from_bytes(email.as_bytes(), policy=default)["Subject"]) == subject.strip()


def test_an_empty_subject_is_refused() -> None:
    with pytest.raises(RenderError, match="empty for this contact"):
        render("x", subject="{{ contact.first_name }}", first_name=" ")


def test_a_constant_link_is_named_by_its_number() -> None:
    email = made(LINK)
    ref = SIGNER.read(Purpose.CLICK, token_after(email.html, "/c/"))
    assert ref == Ref("0a" * 16, "1b" * 16, 0)
    assert compiled(LINK).links == ("https://shop.example/new",)
    assert SIGNER.read(Purpose.CLICK, token_after(email.text, "/c/")) == ref
    assert "shop.example" not in email.html + email.text


def test_a_link_that_varies_travels_in_its_token() -> None:
    body = '<p><a href="https://shop.example/?q={{ contact.first_name|urlencode }}&amp;x=1">See</a></p>'
    email = made(body, given=values(first_name="Ada & Co"))
    ref = SIGNER.read(Purpose.CLICK, token_after(email.html, "/c/"))
    assert ref == Ref("0a" * 16, "1b" * 16, 0, "https://shop.example/?q=Ada%20%26%20Co&x=1")
    assert compiled(body).links == (None,)


@pytest.mark.parametrize("how", [{"tracked": False}, {"preview": True}])
def test_without_tracking_links_are_plain_and_there_is_no_pixel(how: dict[str, bool]) -> None:
    body = LINK + '<p><a href="https://shop.example/?q={{ contact.first_name }}&amp;x=1">b</a></p>'
    email = made(body, envelope=replace(ENVELOPE, **how))
    assert 'href="https://shop.example/new"' in email.html
    assert 'href="https://shop.example/?q=Ada&amp;x=1"' in email.html
    assert "https://shop.example/?q=Ada&x=1" in email.text
    assert "/o/" not in email.html and "/c/" not in email.html
    assert SIGNER.read(Purpose.UNSUBSCRIBE, token_after(email.html, "/u/"))


def test_the_pixel_stands_last_in_the_body() -> None:
    html = made(LINK).html
    token = token_after(html, "/o/")
    assert SIGNER.read(Purpose.OPEN, token) == Ref("0a" * 16, "1b" * 16)
    assert html[html.index("<img") :].count("<") == 3


def test_one_link_can_be_left_as_it_is() -> None:
    email = made('<a data-track="no" href="https://shop.example/new">See</a>')
    assert 'href="https://shop.example/new"' in email.html
    assert "data-track" not in email.html


@pytest.mark.parametrize("href", ["mailto:care@acme.example", "tel:+90212", "#top", "mailto:{{ contact.address }}"])
def test_other_kinds_of_links_are_left_as_they_are(href: str) -> None:
    assert f'href="{href.replace("{{ contact.address }}", "ada@example.com")}"' in made(f'<a href="{href}">x</a>').html


@pytest.mark.parametrize("value", ["javascript:alert(1)", "/new", "", "https://a@evil.example", "data:text/html,x"])
def test_a_destination_that_is_not_safe_is_refused(value: str) -> None:
    with pytest.raises(RenderError, match="link 1 leads to"):
        render('<a href="{{ contact.first_name }}">x</a>', first_name=value)


def test_links_of_nurture_can_be_passed_to_a_macro() -> None:
    body = "{% macro button(url) %}<a href='{{ url }}'>x</a>{% endmacro %}{{ button(links.preferences) }}"
    assert SIGNER.read(Purpose.PREFERENCES, token_after(made(body).html, "/p/"))


def test_a_transactional_email_leads_to_preferences_instead() -> None:
    email = compile_email({"a.html": email_file("x")}, "a", "", replace(BRANDING, transactional=True))
    filler = Filler(email, SIGNER)
    filled = filler.email(filler.render(values()), ENVELOPE)
    assert SIGNER.read(Purpose.PREFERENCES, token_after(filled.html, "/p/"))
    assert "/u/" not in filled.html
    assert "/u/" in dict(filled.headers)["List-Unsubscribe"]


def test_an_email_is_made_again_with_the_key_it_was_first_signed_with() -> None:
    rotated = Filler(compiled(LINK), Signer([b"n" * 32, b"k" * 32]))
    first = Filler(compiled(LINK), SIGNER)
    stream = first.render(values())
    envelope = replace(ENVELOPE, kid=SIGNER.kid)
    assert rotated.email(stream, envelope).as_bytes() == first.email(stream, ENVELOPE).as_bytes()


def test_the_stream_holds_the_values_and_nothing_constant() -> None:
    stream = render("<p>A long constant sentence that everybody gets. {{ contact.first_name }}</p>")
    assert "Ada" in stream
    assert "constant" not in stream
    assert len(stream) < 40


def test_a_stream_of_another_template_is_refused() -> None:
    filler = Filler(compiled("x"), SIGNER)
    with pytest.raises(RenderError, match="does not belong"):
        filler.email("nothing", ENVELOPE)


def test_a_compiled_email_survives_being_stored() -> None:
    email = compiled("<p>{{ contact.first_name }}</p>" + LINK, subject="Hi {{ contact.first_name }}")
    again = CompiledEmail.from_bytes(email.to_bytes())
    assert again == email
    assert again.digest == email.digest != compiled("other").digest
    assert again.to_bytes() == email.to_bytes()


def test_a_missing_purchase_is_an_error_before_sending() -> None:
    with pytest.raises(RenderError, match="'last_purchase' has no value"):
        Filler(compiled("{{ last_purchase.total|money }}"), SIGNER).render({"contact": CONTACT})


def test_words_times_and_money_follow_the_contact() -> None:
    body = "<p>{{ last_purchase.total|money }} {{ last_purchase.at|day }} {{ last_purchase.at|time }}</p>"
    filler = Filler(compiled(body), SIGNER)
    turkish = filler.render({"contact": {**CONTACT, "locale": "tr"}, "last_purchase": PURCHASE})
    assert "€1.250,00" in turkish
    assert "3 Ocak 2026" in turkish
    assert "01:30" in turkish


def test_a_date_before_the_epoch_of_mail_is_written_in_utc() -> None:
    east = datetime.fromisoformat("2026-01-01T01:00:00+03:00")
    assert b"Date: Wed, 31 Dec 2025 22:00:00 +0000" in made("x", envelope=replace(ENVELOPE, date=east)).as_bytes()
    assert (
        b"Thu, 29 Feb 2024" in made("x", envelope=replace(ENVELOPE, date=datetime(2024, 2, 29, tzinfo=UTC))).as_bytes()
    )
