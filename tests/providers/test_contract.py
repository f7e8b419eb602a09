"""What every provider promises, asked of each against a real far side."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
from fakes.sendgrid_server import FakeSendGrid
from fakes.smtp_script import ScriptedSmtp
from pydantic import SecretStr

from nurture.core.errors import ConfigError
from nurture.providers import REGISTRY, make
from nurture.providers.base import Accepted, Provider, Unavailable
from nurture.providers.config import ProviderConfig, SendGridSettings, SmtpSettings
from nurture.providers.outbox import entries
from providers.sample import batch, message_id


def clock() -> datetime:
    return datetime(2026, 3, 1, 10, tzinfo=UTC)


@dataclass
class Bench:
    """A provider and what its far side took, as message ids in order."""

    provider: Provider
    taken: Callable[[], list[str]]


@contextmanager
def outbox(folder: Path) -> Iterator[Bench]:
    config = ProviderConfig(clock, outbox_dir=folder)
    yield Bench(make("outbox", config), lambda: [e.message_id for e in reversed(entries(folder, 9999))])


@contextmanager
def smtp(folder: Path) -> Iterator[Bench]:
    with ScriptedSmtp() as server:
        settings = SmtpSettings("127.0.0.1", server.port, "none", helo="test", max_batch=4)
        config = ProviderConfig(clock, smtp=settings)
        yield Bench(
            make("smtp", config),
            lambda: [re.findall(rb"Message-ID: <(\w+)@", t.data)[0].decode() for t in server.taken],
        )


@contextmanager
def sendgrid(folder: Path) -> Iterator[Bench]:
    with FakeSendGrid() as server:
        settings = SendGridSettings(SecretStr(server.key), server.url, in_flight=1)
        config = ProviderConfig(clock, sendgrid=settings)
        yield Bench(
            make("sendgrid", config),
            lambda: [p["personalizations"][0]["custom_args"]["message_id"] for p in server.accepted],
        )


BENCHES = {"outbox": outbox, "smtp": smtp, "sendgrid": sendgrid}


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with BENCHES[request.param](tmp_path / "out") as bench:
        yield bench
        bench.provider.close()


def soon() -> float:
    return monotonic() + 60


def test_the_suite_knows_every_provider() -> None:
    assert BENCHES.keys() == REGISTRY.keys()


def test_each_message_is_accepted_and_arrives_once_in_order(bench: Bench) -> None:
    outcomes = bench.provider.send(batch(3), soon())
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
    assert bench.taken() == [message_id(1), message_id(2), message_id(3)]


def test_a_batch_larger_than_the_usual_goes_through_whole(bench: Bench) -> None:
    count = min(bench.provider.max_batch, 20) * 2 + 1
    outcomes = bench.provider.send(batch(count), soon())
    assert [type(outcome) for outcome in outcomes] == [Accepted] * count
    assert len(set(bench.taken())) == count


def test_an_empty_batch_has_no_outcomes(bench: Bench) -> None:
    assert bench.provider.send([], soon()) == []
    assert bench.taken() == []


def test_nothing_is_begun_after_the_deadline(bench: Bench) -> None:
    outcomes = bench.provider.send(batch(3), monotonic() - 1)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert bench.taken() == []


def test_closing_twice_is_no_harm_and_sending_opens_again(bench: Bench) -> None:
    bench.provider.send(batch(1), soon())
    bench.provider.close()
    bench.provider.close()
    (outcome,) = bench.provider.send(batch(1), soon())
    assert isinstance(outcome, Accepted)
    assert bench.taken() == [message_id(1)] * 2


def test_it_goes_by_the_name_it_is_registered_under(bench: Bench) -> None:
    assert bench.provider.name in REGISTRY


def test_a_name_nobody_has_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="pigeon is not known; write one of outbox, smtp, sendgrid"):
        make("pigeon", ProviderConfig(clock))


@pytest.mark.parametrize("name", ["smtp", "sendgrid"])
def test_a_provider_without_its_settings_says_which_to_set(name: str) -> None:
    with pytest.raises(ConfigError, match=f"set NURTURE_{name.upper()}"):
        make(name, ProviderConfig(clock))
