"""Whether a machine opened or clicked. Pure rules over what one request shows; the first that fits names it.

Sources: Mailgun and SendGrid on Apple Mail Privacy Protection, phpList #415, CiviCRM #35328, Marketo's
rapid-sequence rule. Image proxies (GoogleImageProxy, YahooMailProxy) fetch when a person looks and are
not machines. No rule looks at an address on the network: proxies of people and scanners share them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.core.event import Kind

TOO_SOON = timedelta(seconds=10)
"""A click this soon after the hand-over is a scanner's: the email is hardly in the mailbox."""

BURST = timedelta(seconds=3)
"""Different links of one message followed within this time are not followed by a hand."""

BARE_AGENT = "Mozilla/5.0"
"""What Apple's prefetcher says, and no browser."""

SCANNERS = re.compile(
    r"bingpreview|barracuda|mimecast|proofpoint|safelinks|symantec|cloudmark|trendmicro|fireeye|forcepoint"
    r"|zscaler|ironport|sophos|urlscan|virustotal|phantomjs|headless|python-|aiohttp|httpx/|curl/|wget/"
    r"|go-http-client|java/|libwww|apache-httpclient|node-fetch|axios/|(?<!cu)bot\b|crawler|spider"
    r"|facebookexternalhit|preview"
)
"""Words of programs that follow links (matched in lower case; CUBOT is a telephone)."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One open or click as it was seen; `at` and `sent_at` aware UTC, `nearby` the message's other clicks."""

    kind: Kind
    agent: str
    at: datetime
    sent_at: datetime | None
    link: Hashable
    nearby: tuple[tuple[datetime, Hashable], ...]
    provider_says: bool


def _apple_mpp(seen: Sighting) -> bool:
    return seen.kind is Kind.OPENED and seen.agent == BARE_AGENT


def _scanner_agent(seen: Sighting) -> bool:
    bare_click = seen.kind is Kind.CLICKED and seen.agent == BARE_AGENT
    return bare_click or SCANNERS.search(seen.agent.lower()) is not None


def _too_soon(seen: Sighting) -> bool:
    return seen.kind is Kind.CLICKED and seen.sent_at is not None and seen.at - seen.sent_at < TOO_SOON


def _burst(seen: Sighting) -> bool:
    if seen.kind is not Kind.CLICKED:
        return False
    return any(link != seen.link and abs(at - seen.at) <= BURST for at, link in seen.nearby)


RULES: tuple[tuple[str, Callable[[Sighting], bool]], ...] = (
    ("provider-says", lambda seen: seen.provider_says),
    ("no-agent", lambda seen: not seen.agent),
    ("apple-mpp", _apple_mpp),
    ("scanner-agent", _scanner_agent),
    ("too-soon", _too_soon),
    ("burst", _burst),
)
"""Name and test of each rule, in the order they are asked."""


def verdict(
    kind: Kind,
    user_agent: str | None,
    at: datetime,
    sent_at: datetime | None = None,
    previous: Iterable[tuple[datetime, Hashable]] = (),
    *,
    link: Hashable = None,
    provider_says: bool = False,
) -> str | None:
    """The name of the rule that judges this open or click a machine's; None for a person's and other kinds.

    `at` is when it happened, `sent_at` when the message was handed over (None: not known), both aware UTC.
    `previous` holds (time, link) of the message's other clicks, before or after this one; `link` is this
    click's own, in the same terms (a number or a URL). A missing user agent counts as an empty one.
    """
    if kind not in (Kind.OPENED, Kind.CLICKED):
        return None
    seen = Sighting(kind, (user_agent or "").strip(), at, sent_at, link, tuple(previous), provider_says)
    return next((name for name, fits in RULES if fits(seen)), None)
