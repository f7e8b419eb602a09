"""Files change while workers enroll, move, send and record: nobody is lost between two versions."""

from __future__ import annotations

import random
from collections import Counter

from support.line import Ledger, campaign, open_line

from nurture.actions.check import check_files
from nurture.actions.publish import publish
from nurture.actions.queries import Queries
from nurture.actions.release import Releases
from nurture.actions.tick import tick

from .test_edits import STORY, edited, sound
from .test_together import together

PEOPLE = 60
VERSIONS = (
    campaign(edited(**{"10 days": "3 hours"})),
    campaign(edited(**{"id: hello": "id: welcome", "10 days": "2 hours"}), moved="{hello: welcome}"),
    campaign(
        edited(**{"id: hello": "id: welcome", "    - {id: pause, wait: 10 days}\n": ""}), removed="{pause: next}"
    ),
    campaign(edited(**{"id: hello": "id: welcome", "10 days": "1 hour"}), edits="restart"),
    campaign(edited(**{"id: hello": "id: welcome", "10 days": "4 hours"}), edits="finish"),
)  # fmt: skip


def test_files_change_while_workers_work_and_nobody_is_lost(migrated_url: str) -> None:
    line = open_line(migrated_url, {"first": campaign(STORY)})
    for number in range(PEOPLE // 2):
        line.add_contact(f"p{number}")
    ledgers = [Ledger(clock=line.clock) for _ in range(2)]
    versions = iter(VERSIONS)

    def work(number: int) -> None:
        if number == 0:
            files = line.files | {"campaigns/first.yaml": next(versions)}
            publish(line.releases, check_files(files), line.clock())
        elif number == 1:
            for _ in range(5):
                who = f"p{len(line.names)}"
                line.add_contact(who)
                line.click(who)
        else:
            releases = Releases(line.database)
            for _ in range(12):
                tick(line.database, Queries(releases.current()), line.emails, ledgers[number - 2], line.clock)

    for _ in VERSIONS:
        assert together(4, work) == []
        line.clock.forward(minutes=random.Random(len(line.names)).choice([20, 90, 200]))
    line.queries = Queries(line.releases.current())
    line.run(days=20)
    sound(line)
    handed = sum((ledger.taken for ledger in ledgers), line.provider.taken)
    assert max(handed.values()) == 1
    emails = [(at, one) for ledger in (*ledgers, line.provider) for at, one in ledger.handed]
    had = Counter((one.contact_id, line_of(one.step)) for _, one in emails)
    assert max(had.values()) == 1
    assert {row["state"] for row in line.enrollments()} == {"ended"}
    assert set(Counter(row["reason"] for row in line.enrollments())) == {"completed", "edited"}
    line.database.close()


def line_of(step: str) -> str:
    """The step by the id it has at the end."""
    return {"hello": "welcome"}.get(step, step)
