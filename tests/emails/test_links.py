from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.core.errors import ConfigError
from nurture.emails.links import Purpose, Ref, Signer, safe_url

OLD, NEW = b"o" * 32, b"n" * 40
CONTACT, MESSAGE = "0a" * 16, "1b" * 16
signer = Signer([NEW, OLD])


@given(st.sampled_from(list(Purpose)), st.binary(min_size=16, max_size=16), st.integers(0, 70000), st.text(min_size=1))
def test_a_token_names_what_was_signed(purpose: Purpose, contact: bytes, link: int, url: str) -> None:
    url = url.encode(errors="ignore").decode()
    token = signer.token(purpose, contact.hex(), MESSAGE, link, url)
    if len(token) < 3600:
        assert signer.read(purpose, token) == Ref(contact.hex(), MESSAGE, link, url or None)


def test_a_token_without_a_link_has_none() -> None:
    assert signer.read(Purpose.VIEW, signer.token(Purpose.VIEW, CONTACT, MESSAGE)) == Ref(CONTACT, MESSAGE)


def test_a_token_of_another_purpose_is_refused() -> None:
    token = signer.token(Purpose.VIEW, CONTACT, MESSAGE)
    assert all(signer.read(purpose, token) is None for purpose in Purpose if purpose is not Purpose.VIEW)


@pytest.mark.parametrize("link", [None, 3])
def test_every_changed_or_cut_token_is_refused(link: int | None) -> None:
    token = signer.token(Purpose.CLICK, CONTACT, MESSAGE, link)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for at, char in enumerate(token):
        for other in alphabet:
            if other != char:
                assert signer.read(Purpose.CLICK, token[:at] + other + token[at + 1 :]) is None
        assert signer.read(Purpose.CLICK, token[:at]) is None


@pytest.mark.parametrize("damage", ["", "=", "\n", " ", "é", "A" * 5000, "%00", "A" * 67])
def test_what_is_no_token_is_refused(damage: str) -> None:
    token = signer.token(Purpose.OPEN, CONTACT, MESSAGE)
    assert signer.read(Purpose.OPEN, damage) is None
    assert not damage or signer.read(Purpose.OPEN, token + damage) is None


def test_a_token_signed_with_another_key_is_refused() -> None:
    token = Signer([b"x" * 32]).token(Purpose.OPEN, CONTACT, MESSAGE)
    assert signer.read(Purpose.OPEN, token) is None


def test_an_older_key_still_verifies_and_can_still_sign() -> None:
    old = Signer([OLD])
    token = old.token(Purpose.CLICK, CONTACT, MESSAGE, 1)
    assert signer.read(Purpose.CLICK, token) == Ref(CONTACT, MESSAGE, 1)
    assert signer.token(Purpose.CLICK, CONTACT, MESSAGE, 1, kid=old.kid) == token
    assert signer.token(Purpose.CLICK, CONTACT, MESSAGE, 1) != token


def test_a_key_that_is_gone_gives_way_to_the_first() -> None:
    gone = next(kid for kid in range(256) if kid not in {signer.kid, Signer([OLD]).kid})
    assert signer.token(Purpose.OPEN, CONTACT, MESSAGE, kid=gone) == signer.token(Purpose.OPEN, CONTACT, MESSAGE)


def test_a_long_number_of_a_link_written_in_too_many_bytes_is_refused() -> None:
    raw = base64.urlsafe_b64decode(signer.token(Purpose.CLICK, CONTACT, MESSAGE, 1) + "==")
    longer = base64.urlsafe_b64encode(raw[:34] + b"\x81\x00" + raw[35:]).rstrip(b"=").decode()
    assert signer.read(Purpose.CLICK, longer) is None


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b"short"]])
def test_missing_and_short_keys_are_refused(keys: list[bytes]) -> None:
    with pytest.raises(ConfigError):
        Signer(keys)


@pytest.mark.parametrize(
    "url",
    ["https://a.example/x?y=1&z=ü#f", "http://a.example:8080", "https://a.example/%0d", "HTTPS://A.example/"],
)
def test_whole_web_addresses_are_safe(url: str) -> None:
    assert safe_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "", "/new", "a.example", "javascript:alert(1)", "data:text/html,x", "ftp://a.example", "//a.example",
        "https://user@a.example", "https://a.example@b.example", "https:\\\\a.example", "https://a.example/\\b",
        "https://a.example/\r\nx", "https://a.example/ b", "https://", "https://a.example/\x00", "https://[::1",
        "https://a.example:port", "https://a.example/\u2028", "https://a.example/" + "ü" * 1100,
    ],
)  # fmt: skip
def test_everything_else_is_not(url: str) -> None:
    assert not safe_url(url)
