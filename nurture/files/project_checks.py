"""What must be so in nurture.yaml beyond the shape of its values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nurture.core.values import parse_duration
from nurture.files.closed import closed_all_year
from nurture.files.findings import Finding, Scene
from nurture.files.known import known_currency, known_locale
from nurture.files.nearest import did_you_mean
from nurture.files.reach import idle_limits

Rule = Callable[[Scene], Iterator[Finding]]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def order(scene: Scene) -> Iterator[Finding]:
    """`order` names campaigns that exist, each once."""
    names = scene.data.get("order")
    for index, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str) and name not in scene.campaigns:
            hint = did_you_mean(name, scene.campaigns, "campaigns here") or f"write the file campaigns/{name}.yaml"
            yield Finding(("order", index), "unknown-campaign", f"there is no campaign '{name}'", hint, "warning")
        elif name in (names or [])[:index]:
            yield Finding(("order", index), "duplicate", f"'{name}' is named twice", "keep one of them")


def locales(scene: Scene) -> Iterator[Finding]:
    """The project's locale and the languages of topics exist."""
    asked: list[tuple[tuple[str, ...], Any, bool]] = [(("locale",), scene.data.get("locale"), False)]
    for topic, value in _dict(scene.data.get("topics")).items():
        titles = _dict(_dict(value).get("title"))
        asked += [(("topics", topic, "title", language), language, True) for language in titles]
    for path, name, at_key in asked:
        yield from known_locale(path, name, at_key=at_key)


def currencies(scene: Scene) -> Iterator[Finding]:
    """Currencies exist, and the project's own has no rate."""
    own = scene.data.get("currency", "EUR")
    asked: list[tuple[tuple[str, ...], Any, bool]] = [(("currency",), own, False)]
    asked += [(("exchange", code), code, True) for code in _dict(scene.data.get("exchange"))]
    for name, pool in _dict(scene.data.get("coupons")).items():
        worth = _dict(pool).get("worth")
        asked.append((("coupons", name, "worth"), worth[-3:] if isinstance(worth, str) else None, False))
    for path, code, at_key in asked:
        yield from known_currency(path, code, at_key=at_key)
        if at_key and code == own:
            message = f"{code} is the project's own currency and needs no rate"
            yield Finding(path, "own-rate", message, "remove it", at_key=True)


def addresses(scene: Scene) -> Iterator[Finding]:
    """Addresses can be written to."""
    from email_validator import EmailNotValidError, validate_email

    sender = _dict(scene.data.get("from")).get("address")
    for path, address in ((("from", "address"), sender), (("reply_to",), scene.data.get("reply_to"))):
        if not isinstance(address, str):
            continue
        try:
            validate_email(address, check_deliverability=False, globally_deliverable=False)
        except EmailNotValidError:
            hint = "write it like 'hello@mail.acme.example'"
            yield Finding(path, "wrong-address", f"'{address[:60]}' is not an email address", hint)


def secure(scene: Scene) -> Iterator[Finding]:
    """Mailbox providers unsubscribe over https only (RFC 8058)."""
    url = scene.data.get("base_url")
    local = ("http://localhost", "http://127.0.0.1", "http://[::1]")
    if isinstance(url, str) and url.startswith("http://") and not url.startswith(local):
        message = "one-click unsubscribe needs https"
        yield Finding(("base_url",), "no-https", message, "write https:// (RFC 8058)", "warning")


def never_open(scene: Scene) -> Iterator[Finding]:
    """The window has weekdays."""
    if _dict(scene.data.get("send_window")).get("days") == []:
        message = "no weekday is named, so no email ever leaves"
        yield Finding(("send_window", "days"), "never-open", message, "write like 'mon-fri'")


def zero_lengths(scene: Scene) -> Iterator[Finding]:
    """Lengths that must be longer than nothing."""
    lifecycle, sending = _dict(scene.data.get("lifecycle")), _dict(scene.data.get("sending"))
    asked = (
        (("lifecycle", "customer_for"), lifecycle.get("customer_for")),
        (("lifecycle", "inactive", "after"), _dict(lifecycle.get("inactive")).get("after")),
        (("sending", "lease"), sending.get("lease")),
    )
    for path, value in asked:
        try:
            empty = value is not None and not parse_duration(value).delta
        except ValueError:
            continue
        if empty:
            yield Finding(path, "zero-length", f"'{value}' is no time at all", "write a length like '90 days'")


def always_closed(scene: Scene) -> Iterator[Finding]:
    """Some days are open."""
    yield from closed_all_year(scene.data.get("not_on"))


RULES: tuple[Rule, ...] = (order, locales, currencies, addresses, secure, never_open, always_closed, zero_lengths,
                           idle_limits)  # fmt: skip
