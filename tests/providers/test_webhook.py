"""Calls to other programs are signed after the convention and never lead into the own network."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from fakes.webhook_server import Program

from nurture.core.errors import ConfigError
from nurture.providers.webhook import WebhookCaller, is_public, new_secret, read_secrets, sign

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECRET = new_secret()
KEYS = read_secrets(SECRET, "X")


def test_the_signature_is_that_of_the_convention_s_own_example() -> None:
    keys = read_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "X")
    signature = sign(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("text", ["whsec_short", "whsec_***", "hunter2", "whsec_" + b64encode(b"x" * 65).decode()])
def test_a_secret_that_is_none_names_its_variable(text: str) -> None:
    with pytest.raises(ConfigError, match="NURTURE_WEBHOOK_CRM_SECRET"):
        read_secrets(text, "NURTURE_WEBHOOK_CRM_SECRET")


PRIVATE = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "192.0.2.1", "2001:db8::1",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_a_private_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_open_internet_is(address: str) -> None:
    assert is_public(address)


def test_a_name_that_leads_into_the_own_network_is_not_called() -> None:
    with Program(SECRET) as program:
        caller = WebhookCaller(program.url, KEYS)
        (answer,) = caller.call([("msg_1", b"{}")], NOW)
        caller.close()
    assert not answer.taken
    assert "private network" in answer.detail
    assert program.heard == []


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    caller = WebhookCaller("http://hooks.example/", KEYS, resolver=lambda _host, _port: ["8.8.8.8", "127.0.0.1"])
    (answer,) = caller.call([("msg_1", b"{}")], NOW)
    caller.close()
    assert "private network" in answer.detail


def test_the_name_is_resolved_once_and_the_judged_address_is_called() -> None:
    asked: list[str] = []
    with Program(SECRET) as program:
        port = program.url.split(":")[2].split("/")[0]

        def resolver(host: str, _port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        caller = WebhookCaller(f"http://hooks.example:{port}/x", KEYS, allow_private=True, resolver=resolver)
        (answer,) = caller.call([("msg_1", b'{"type": "x"}')], NOW)
        caller.close()
    assert (answer.taken, asked, program.ids) == (True, ["hooks.example"], ["msg_1"])


def test_the_other_side_verifies_with_an_old_secret_while_a_new_one_comes_in() -> None:
    with Program(SECRET) as program:
        caller = WebhookCaller(program.url, read_secrets(f"{new_secret()} {SECRET}", "X"), allow_private=True)
        caller.call([("msg_1", b"{}")], NOW)
        caller.close()
    assert (program.ids, program.forged) == (["msg_1"], 0)


@pytest.mark.parametrize(
    ("status", "headers", "taken", "gone"),
    [(200, {}, True, False), (204, {}, True, False), (302, {"Location": "http://127.0.0.1/"}, False, False),
     (400, {}, False, False), (410, {}, False, True), (500, {}, False, False)],
)  # fmt: skip
def test_only_a_success_is_taken_and_no_redirect_is_followed(
    status: int, headers: dict[str, str], taken: bool, gone: bool
) -> None:
    with Program(SECRET, answer=lambda: (status, headers)) as program:
        caller = WebhookCaller(program.url, KEYS, allow_private=True)
        (answer,) = caller.call([("msg_1", b"{}")], NOW)
        caller.close()
    assert (answer.taken, answer.gone, len(program.heard)) == (taken, gone, 1)


def test_retry_after_is_heeded_up_to_a_day() -> None:
    for said, wait in (("90", timedelta(seconds=90)), ("99999999", timedelta(days=1))):
        with Program(SECRET, answer=lambda said=said: (429, {"Retry-After": said})) as program:  # type: ignore[misc]
            caller = WebhookCaller(program.url, KEYS, allow_private=True)
            (answer,) = caller.call([("msg_1", b"{}")], NOW)
            caller.close()
        assert answer.retry_at == NOW + wait


def test_a_machine_that_is_not_there_is_no_exception() -> None:
    caller = WebhookCaller("http://127.0.0.1:9/", KEYS, allow_private=True)
    (answer,) = caller.call([("msg_1", b"{}")], NOW)
    caller.close()
    assert not answer.taken
