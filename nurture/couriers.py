"""Who carries notices to webhooks: a thread for each that has something before it, so that none holds up another."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing
from threading import Event, Thread

from nurture.actions.deliver import deliver, due, forget
from nurture.core.errors import ConfigError
from nurture.core.telling import Webhook, secret_name
from nurture.providers.webhook import WebhookCaller, read_secrets
from nurture.wiring import Opened

logger = logging.getLogger("nurture.couriers")


class Couriers:
    """Delivers what webhooks are to be told. A webhook without a secret is not called; what it is owed waits."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._out: dict[str, Thread] = {}
        self._mute: set[str] = set()
        self._stopping = Event()

    def go(self, webhooks: Mapping[str, Webhook]) -> None:
        """Send a courier to each webhook that none is on the way to; returns at once."""
        idle = [name for name in webhooks if name not in self._out or not self._out[name].is_alive()]
        for name in sorted(due(self._opened.database, idle, self._opened.now())) if idle else ():
            args = (name, webhooks[name])
            self._out[name] = Thread(target=self._surviving, args=args, name=f"nurture-courier-{name}")
            self._out[name].start()

    def carry(self, webhooks: Mapping[str, Webhook]) -> None:
        """Deliver what is due now, and return when it is."""
        self.go(webhooks)
        for thread in self._out.values():
            thread.join()

    def close(self) -> None:
        """Begin no more, and return when the calls in the air are settled."""
        self._stopping.set()
        for thread in self._out.values():
            thread.join()

    def _surviving(self, name: str, webhook: Webhook) -> None:
        try:
            self._walk(name, webhook)
        except Exception:
            logger.exception("action=courier.failed webhook=%s", name)

    def _walk(self, name: str, webhook: Webhook) -> None:
        keys = self._keys(name)
        if not keys:
            return
        database, clock = self._opened.database, self._opened.now
        with closing(WebhookCaller(webhook.url, keys, allow_private=webhook.allow_private)) as caller:
            while not self._stopping.is_set():
                done = deliver(database, name, webhook, caller, clock)
                if not (done.told or done.failed):
                    break
                logger.info("action=webhook.told webhook=%s told=%d failed=%d", name, done.told, done.failed)
        forget(database, clock())

    def _keys(self, name: str) -> list[bytes]:
        variable = secret_name(name)
        try:
            keys = read_secrets(self._opened.settings.raw.get(variable, ""), variable)
            problem = "" if keys else f"{variable} is not set"
        except ConfigError as error:
            keys, problem = [], str(error)
        if problem and name not in self._mute:
            self._mute.add(name)
            logger.warning("action=webhook.mute webhook=%s %s", name, problem)
        return keys
