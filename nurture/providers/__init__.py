"""Whoever carries the email. A new provider is one file here and one line in `REGISTRY`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from nurture.core.errors import ConfigError
from nurture.providers.base import Provider
from nurture.providers.config import ProviderConfig


def _outbox(config: ProviderConfig) -> Provider:
    from nurture.providers.outbox import Outbox

    return Outbox(config.outbox_dir, config.clock)


def _smtp(config: ProviderConfig) -> Provider:
    from nurture.providers.smtp import Smtp

    if config.smtp is None:
        raise ConfigError("provider: smtp needs a host; set NURTURE_SMTP_HOST")
    return Smtp(config.smtp)


def _sendgrid(config: ProviderConfig) -> Provider:
    from nurture.providers.sendgrid import SendGrid

    if config.sendgrid is None:
        raise ConfigError("provider: sendgrid needs a key; set NURTURE_SENDGRID_API_KEY")
    return SendGrid(config.sendgrid)


REGISTRY: Mapping[str, Callable[[ProviderConfig], Provider]] = MappingProxyType(
    {"outbox": _outbox, "smtp": _smtp, "sendgrid": _sendgrid}
)
"""Every provider by the name nurture.yaml gives it."""


def make(name: str, config: ProviderConfig) -> Provider:
    """A new instance, for one thread; it opens nothing yet. Raises ConfigError for the unknown or unset."""
    factory = REGISTRY.get(name)
    if factory is None:
        raise ConfigError(f"provider: {name} is not known; write one of {', '.join(REGISTRY)}")
    return factory(config)
