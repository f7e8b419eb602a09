"""An edit dies between any two statements: what ran runs on and everybody stands where they stood, or all is done."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from sqlalchemy import event
from support.line import Line, campaign

from nurture.actions.check import check_files
from nurture.actions.publish import publish
from nurture.actions.queries import Queries
from nurture.actions.release import Releases
from nurture.store import tables

from .conftest import Start
from .kills import Killed, Killer
from .test_edits import STORY, edited, sound

TABLES = ("enrollment", "message", "decision", "contact_mark", "run", "campaign_run", "step_move", "release", "meta")
EDITS = {
    "follow": campaign(
        edited(**{"id: hello": "id: welcome", "    - {id: pause, wait: 10 days}\n": ""}),
        moved="{hello: welcome}", removed="{pause: next}",
    ),
    "finish": campaign(edited(**{"10 days": "2 days"}), edits="finish"),
    "restart": campaign(edited(**{"10 days": "2 days"}), edits="restart"),
    "exit": campaign(edited(**{"10 days": "2 days"}), edits="exit"),
}  # fmt: skip


def everything(line: Line) -> dict[str, Any]:
    return {name: sorted(line.rows(getattr(tables, name)), key=repr) for name in TABLES}


def dies(line: Line, files: dict[str, str], point: int) -> bool:
    """Publish in a process that dies at a point; whether it came so far."""
    killer = Killer(frozenset({point}))
    watched = (("before_cursor_execute", killer.point), ("commit", killer.point))
    for name, listener in watched:
        event.listen(line.database.engine, name, listener)
    try:
        publish(Releases(line.database), check_files(files), line.clock())
    except Killed:
        return True
    finally:
        for name, listener in watched:
            event.remove(line.database.engine, name, listener)
    return False


@pytest.mark.parametrize("mode", EDITS)
def test_an_edit_that_dies_leaves_everything_as_it_was(start: Start, mode: str) -> None:
    line = start(campaign(STORY))
    for who in ("ada", "bob"):
        line.add_contact(who)
    line.pass_()
    line.add_contact("eve")
    line.clock.forward(days=1)
    before, files = everything(line), line.files | {"campaigns/first.yaml": EDITS[mode]}
    point = next(point for point in count(1) if not dies(line, files, point) or everything(line) != before)
    assert point > 10
    done = everything(line)
    assert (len(done["run"]), done["run"][:1]) == (2, before["run"])
    publish(line.releases, check_files(files), line.clock())
    assert everything(line) == done
    line.queries = Queries(line.releases.current())
    line.run(days=30)
    sound(line)
    sent = [(one.contact_id, one.email.subject, one.step) for _, one in line.provider.handed]
    assert len(sent) == len(set(sent))
