"""Couriers carry notices beside the campaign; one webhook that hangs holds up no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.webhook_server import Program
from web.ground import KEY, Ground, ground

from nurture.config import read_settings
from nurture.core.telling import Notice, Told, Webhook
from nurture.couriers import Couriers
from nurture.providers.webhook import new_secret
from nurture.store.telling import add_notices

SECRET = new_secret()


@pytest.fixture
def here(migrated_sqlite_url: str, tmp_path: Path) -> Iterator[Ground]:
    said = {"NURTURE_WEBHOOK_CRM_SECRET": SECRET, "NURTURE_WEBHOOK_SLOW_ONE_SECRET": SECRET}
    with ground(tmp_path / "project", migrated_sqlite_url, **said) as opened:
        yield opened


def owe(here: Ground, webhook: str, number: int = 1) -> None:
    at = here.clock.at
    notices = [Notice(webhook, Told.NOTIFY, here.people["ada"][0], str(n), at, {}) for n in range(number)]
    with here.opened.database.write() as connection:
        add_notices(connection, notices, at)


def test_everything_due_is_carried(here: Ground) -> None:
    with Program(SECRET) as program:
        owe(here, "crm", 100)
        couriers = Couriers(here.opened)
        couriers.carry({"crm": Webhook(url=program.url, allow_private=True)})
        couriers.close()
    assert (len(set(program.ids)), program.forged) == (100, 0)


def test_a_webhook_that_hangs_holds_up_no_other(here: Ground) -> None:
    told = threading.Event()
    with Program(SECRET) as quick, Program(SECRET) as slow:
        slow.answer = lambda: (200 if told.wait(20) else 500, {})
        quick.answer = lambda: told.set() or (200, {})  # type: ignore[func-returns-value]
        owe(here, "slow-one")
        couriers = Couriers(here.opened)
        hooks = {"slow-one": Webhook(url=slow.url, allow_private=True)}
        couriers.go(hooks)
        owe(here, "crm")
        couriers.go(hooks | {"crm": Webhook(url=quick.url, allow_private=True)})
        heard = told.wait(20)
        couriers.close()
    assert heard
    assert len(quick.ids) == 1


def test_a_webhook_without_a_secret_is_not_called_and_its_notices_wait(here: Ground) -> None:
    with Program(SECRET) as program:
        owe(here, "crm")
        bare = replace(here.opened, settings=read_settings(here.opened.directory, {"NURTURE_SECRET_KEY": KEY}))
        couriers = Couriers(bare)
        couriers.carry({"crm": Webhook(url=program.url, allow_private=True)})
        couriers.close()
    assert program.heard == []
    assert here.rows("webhook_delivery")[0]["due_at"] is not None
