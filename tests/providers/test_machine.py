"""Machines are told from people by what one request shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nurture.core.event import Kind
from nurture.core.machine import RULES, verdict

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
SENT = AT - timedelta(hours=1)
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
GOOGLE = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
CUBOT = "Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36"


@pytest.mark.parametrize("agent", [PHONE, GOOGLE, CUBOT, "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail"])
def test_people_and_the_proxies_that_fetch_for_them_are_no_machines(agent: str) -> None:
    assert verdict(Kind.OPENED, agent, AT, SENT) is None


def test_a_bare_mozilla_is_apple_when_it_opens_and_a_scanner_when_it_clicks() -> None:
    assert verdict(Kind.OPENED, "Mozilla/5.0", AT, SENT) == "apple-mpp"
    assert verdict(Kind.CLICKED, "Mozilla/5.0", AT, SENT) == "scanner-agent"


@pytest.mark.parametrize(
    "agent",
    ["Mozilla/5.0 (Windows NT 6.1) AppleWebKit/534 BingPreview/1.0b", "python-requests/2.32", "curl/8.5.0",
     "Mozilla/5.0 (compatible; Barracuda Sentinel)", "Slackbot-LinkExpanding 1.0", "HeadlessChrome/120"],
)  # fmt: skip
def test_programs_that_follow_links_are_scanners(agent: str) -> None:
    assert verdict(Kind.CLICKED, agent, AT, SENT) == "scanner-agent"


@pytest.mark.parametrize("agent", [None, "", "  "])
def test_who_names_no_agent_is_a_machine(agent: str | None) -> None:
    assert verdict(Kind.CLICKED, agent, AT, SENT) == "no-agent"


def test_a_click_within_ten_seconds_of_the_hand_over_is_too_soon_and_an_open_is_not() -> None:
    assert verdict(Kind.CLICKED, PHONE, SENT + timedelta(seconds=9), SENT) == "too-soon"
    assert verdict(Kind.CLICKED, PHONE, SENT + timedelta(seconds=10), SENT) is None
    assert verdict(Kind.OPENED, PHONE, SENT + timedelta(seconds=1), SENT) is None


@pytest.mark.parametrize("seconds", [-3, 0, 3])
def test_two_different_links_within_three_seconds_are_a_burst(seconds: int) -> None:
    other = [(AT + timedelta(seconds=seconds), 2)]
    assert verdict(Kind.CLICKED, PHONE, AT, SENT, other, link=1) == "burst"


def test_the_same_link_twice_or_another_one_later_is_a_person() -> None:
    assert verdict(Kind.CLICKED, PHONE, AT, SENT, [(AT, 1)], link=1) is None
    assert verdict(Kind.CLICKED, PHONE, AT, SENT, [(AT - timedelta(seconds=4), 2)], link=1) is None


def test_the_providers_own_word_is_believed_only_when_it_says_machine() -> None:
    assert verdict(Kind.OPENED, PHONE, AT, SENT, provider_says=True) == "provider-says"
    assert verdict(Kind.OPENED, "Mozilla/5.0", AT, SENT, provider_says=False) == "apple-mpp"


def test_only_opens_and_clicks_are_judged() -> None:
    assert verdict(Kind.UNSUBSCRIBED, "", AT, SENT) is None
    assert len({name for name, _ in RULES}) == len(RULES) == 6
