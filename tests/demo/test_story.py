"""A small demo, played for real: server, outbox, database and all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from nurture.actions.doctor import invariants
from nurture.actions.status import as_of
from nurture.core.errors import InputError
from nurture.demo.behaviour import What
from nurture.demo.people import Mailbox
from nurture.demo.story import START, Plan, Played, Story
from nurture.scaffold import init
from nurture.store import tables

SMALL = {"days": 30, "contacts": 90}
SEED = 35
"""A business that has dead mailboxes and scanned ones among so few people."""


class Run:
    """A demo that has been played and still stands."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.played: Played = story.play()

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Every row of a table."""
        with self.story.opened.database.read() as connection:
            return [dict(row) for row in connection.execute(select(tables.metadata.tables[name])).mappings()]

    def contacts(self, mailbox: Mailbox) -> set[str]:
        """The ids of those whose mail is read in that way."""
        addresses = {one.address for one in self.story.people if one.mailbox is mailbox}
        return {row["id"] for row in self.rows("contact") if row["address"] in addresses}


def played(directory: Path, seed: int) -> Played:
    with Story(Plan(directory, seed, **SMALL)) as story:
        return story.play()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with ExitStack() as stack:
        yield Run(stack.enter_context(Story(Plan(tmp_path_factory.mktemp("demo") / "shop", SEED, **SMALL))))


def test_every_invariant_holds_at_the_end(run: Run) -> None:
    opened = run.story.opened
    found = invariants(opened.database, run.story.program, opened.settings.outbox_dir, opened.now())
    assert len(found) >= 9
    assert [one for one in found if not one.ok] == []


def test_something_of_everything_happened(run: Run) -> None:
    assert {What.OPEN, What.CLICK, What.SCAN, What.BUY} <= set(run.played.acts)
    assert run.played.passed.accepted > 50
    assert run.played.signed_up > 0
    assert run.played.after.conversions.converted > run.played.before.conversions.converted


def test_one_seed_is_one_story(run: Run, tmp_path: Path) -> None:
    again = played(tmp_path / "again", SEED)
    assert asdict(again.after) == asdict(run.played.after)
    assert again == run.played


def test_another_seed_is_another_story(run: Run, tmp_path: Path) -> None:
    assert played(tmp_path / "other", SEED + 1).after != run.played.after


def test_a_scanner_that_followed_every_link_changed_nothing(run: Run) -> None:
    scanned = run.contacts(Mailbox.SCANNED)
    events = [row for row in run.rows("event") if row["contact_id"] in scanned and row["kind"] != "custom"]
    assert {row["kind"] for row in events} == {"clicked"}
    assert all(row["machine"] for row in events)
    assert run.played.requests["HEAD 200"] + run.played.requests["HEAD 302"] > 0
    withdrawn = [row for row in run.rows("consent") if row["contact_id"] in scanned and not row["given"]]
    stopped = [row for row in run.rows("suppression") if row["contact_id"] in scanned and row["reason"] != "sunset"]
    assert (withdrawn, stopped) == ([], [])


def test_machine_opens_moved_nobody(run: Run) -> None:
    events = run.rows("event")
    machines = {row["contact_id"] for row in events if row["machine"]}
    people = {row["contact_id"] for row in events if not row["machine"]}
    moved = {row["contact_id"] for row in run.rows("stage_change") if row["cause"] in ("opened", "clicked")}
    engaged = {row["id"] for row in run.rows("contact") if row["last_opened_at"] or row["last_clicked_at"]}
    assert machines - people
    assert (moved | engaged) & (machines - people) == set()


def test_the_held_out_got_no_email_and_bought_all_the_same(run: Run) -> None:
    held_out = {row["id"] for row in run.rows("enrollment") if row["arm"] == "holdout"}
    assert held_out
    assert [row for row in run.rows("message") if row["enrollment_id"] in held_out] == []


def test_a_dead_mailbox_bounced_and_was_written_to_no_more(run: Run) -> None:
    bounced = {row["contact_id"]: row["occurred_at"] for row in run.rows("event") if row["kind"] == "bounced"}
    assert bounced
    assert bounced.keys() <= run.contacts(Mailbox.DEAD)
    suppressed = {row["contact_id"]: row["recorded_at"] for row in run.rows("suppression")}
    assert bounced.keys() <= suppressed.keys()
    claims = [row for row in run.rows("message") if row["claimed_at"] and row["contact_id"] in bounced]
    assert [row for row in claims if row["claimed_at"] > suppressed[row["contact_id"]]] == []


def test_the_projects_own_variables_do_not_reach_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NURTURE_DATABASE", "sqlite:////nowhere/real.db")
    with Story(Plan(tmp_path / "shop", **{**SMALL, "contacts": 5, "days": 1})) as story:
        story.play()
        assert story.opened.database.url.database == str(tmp_path / "shop" / "nurture.db")


def test_codes_were_given_and_those_who_bought_because_of_them_typed_them_in(run: Run) -> None:
    given = [row for row in run.rows("coupon") if row["spent_at"]]
    used = {row["coupon"] for row in run.rows("purchase") if row["coupon"]}
    assert given and used == {row["code_key"] for row in given if row["redeemed_at"]}


def test_the_shipped_campaigns_are_seen_to_live(run: Run) -> None:
    entered = {row["campaign"] for row in run.rows("enrollment")}
    live = {"welcome", "first-order", "wake-up", "win-back", "new-customer", "basket", "harvest", "trial-end"}
    assert live - entered == set()


def test_the_files_of_another_project_run_unchanged_on_made_up_people(tmp_path: Path) -> None:
    init(tmp_path / "mine", START.date())
    for path in (tmp_path / "mine/campaigns").glob("*.yaml"):
        if path.stem != "welcome":
            path.unlink()
    project = tmp_path / "mine/nurture.yaml"
    project.write_text(re.sub(r"(?m)^order:.*$", "order: [welcome]", project.read_text()).replace("outbox", "smtp", 1))
    with Story(Plan(tmp_path / "shop", SEED, 6, 40, files=tmp_path / "mine")) as story:
        after = story.play().after
    assert [(one.campaign, one.entered > 0) for one in after.campaigns] == [("welcome", True)]
    assert (tmp_path / "shop/nurture.yaml").read_text() == project.read_text()
    assert list((tmp_path / "shop/outbox").rglob("*.*"))


def test_a_folder_that_holds_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nurture\.yaml"):
        Story(Plan(tmp_path / "shop", files=tmp_path))


def test_what_is_proven_later_is_proven_as_of_the_demo_s_last_day(run: Run) -> None:
    opened = run.story.opened
    assert as_of(opened.database, START) == opened.now()
    assert as_of(opened.database, opened.now() + timedelta(days=1)) == opened.now() + timedelta(days=1)
