"""The made-up people and what they do, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from email_validator import validate_email

from nurture.core.email import Mailbox as Name
from nurture.core.event import Kind
from nurture.core.machine import verdict
from nurture.demo.behaviour import Received, What, react, regret
from nurture.demo.letters import read_letter
from nurture.demo.people import COUNTRIES, Mailbox, Person, make_people

START = datetime(2026, 3, 2, 5, tzinfo=UTC)
EMAIL = Received("welcome", "hello", START + timedelta(days=1))


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return make_people(1, 2000, START, 120)


def test_a_seed_names_its_people_for_good(people: list[Person]) -> None:
    assert make_people(1, 50, START, 120) == people[:50]
    assert make_people(2, 50, START, 120) != people[:50]


def test_every_address_is_one_of_its_own_and_valid(people: list[Person]) -> None:
    assert len({one.address for one in people}) == len(people)
    for one in people[:300]:
        validate_email(one.address, check_deliverability=False, test_environment=True)


def test_they_live_in_three_countries_and_some_have_turkish_letters(people: list[Person]) -> None:
    assert {one.country for one in people} == set(COUNTRIES)
    names = "".join(one.first_name + one.last_name for one in people)
    assert set("İıŞşĞğß") - set(names) <= {"Ş", "Ğ"}
    assert all(Name(one.first_name, one.address) for one in people)


def test_some_were_customers_long_ago_and_some_are_yet_to_come(people: list[Person]) -> None:
    last = [max(order.at for order in one.orders if order.at < START) for one in people if one.orders[:1] and
            one.orders[0].at < START]  # fmt: skip
    assert any(at < START - timedelta(days=365) for at in last)
    assert any(at > START - timedelta(days=365) for at in last)
    assert any(one.signed_up > START for one in people)
    assert all(order.at > one.signed_up for one in people for order in one.orders)


def test_a_response_does_not_depend_on_what_was_asked_before(people: list[Person]) -> None:
    first = [react(1, one, EMAIL) for one in people[:200]]
    assert first == list(reversed([react(1, one, EMAIL) for one in reversed(people[:200])]))


def test_apples_prefetcher_opens_and_is_known_for_a_machine(people: list[Person]) -> None:
    opens = [act for one in people if one.mailbox is Mailbox.APPLE for act in react(1, one, EMAIL)
             if act.what is What.OPEN]  # fmt: skip
    assert opens
    assert {verdict(Kind.OPENED, act.agent, act.at, EMAIL.at) for act in opens} == {"apple-mpp"}


def test_people_are_not_taken_for_machines(people: list[Person]) -> None:
    acts = [act for one in people if one.mailbox in (Mailbox.PROXY, Mailbox.PLAIN) for act in react(1, one, EMAIL)]
    clicks = [act for act in acts if act.what is What.CLICK]
    opens = [act for act in acts if act.what is What.OPEN]
    assert clicks
    assert {verdict(Kind.OPENED, act.agent, act.at, EMAIL.at) for act in opens} == {None}
    assert {verdict(Kind.CLICKED, act.agent, act.at, EMAIL.at) for act in clicks} == {None}


def test_a_few_orders_are_regretted_and_the_same_ones_every_time(people: list[Person]) -> None:
    orders = [order for one in people for order in one.orders]
    regretted = [order.id for order in orders if regret(1, order)]
    assert 0 < len(regretted) < len(orders) / 10
    assert regretted == [order.id for order in orders if regret(1, order)]


def test_a_letter_gives_its_links_however_its_lines_are_broken(tmp_path: Path) -> None:
    path = tmp_path / "letter"
    path.write_bytes(
        b"List-Unsubscribe: <http://x.example/u/tok-1>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n'
        b"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b'<a href=3D"http://x.example/c/ab=\r\nc">a</a><a href=3D"http://x.example/c/abd">a</a>\r\n'
        b'<a href=3D"http://x.example/p/pref">p</a><img src=3D"http://x.example/o/pix.gif">\r\n--b--\r\n'
    )
    letter = read_letter(path)
    assert letter.clicks == ("/c/abc", "/c/abd")
    assert (letter.pixel, letter.preferences, letter.view) == ("/o/pix.gif", "/p/pref", None)
    assert letter.everything == ("/c/abc", "/c/abd", "/p/pref", "/u/tok-1")
