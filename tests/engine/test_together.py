"""Several workers at once on one database: nothing twice, no cap broken, nobody in anybody's way."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from support.line import MONDAY, PROJECT, Ledger, Line, campaign, open_line

from nurture.actions.doctor import invariants
from nurture.actions.queries import Queries
from nurture.actions.release import Emails, Releases
from nurture.actions.tick import tick
from nurture.emails.links import Signer
from nurture.store.database import Database
from nurture.store.tables import counter, enrollment

PEOPLE = 60
LIMITS = "limits: {per_contact: [1 per 24 hours], per_hour: 50}\nsending: {in_flight: 4}\n"
CAMPAIGNS = {
    "alpha": campaign("[{id: hello, send: hello}, {id: pause, wait: 1 day}, {id: second, send: second}]"),
    "beta": campaign(overlap="allow"),
}


def crowded(url: str) -> Line:
    line = open_line(url, CAMPAIGNS, project=PROJECT + LIMITS)
    for number in range(PEOPLE):
        line.add_contact(f"p{number}")
    return line


def judge(line: Line, handed: Counter[str]) -> None:
    found = invariants(line.database, line.program, None, line.clock(), slack=timedelta())
    assert [one.sentence for one in found if not one.ok] == []
    assert max(handed.values()) == 1
    assert {row["id"] for row in line.messages(state="accepted")} == set(handed)
    assert all(row["used"] <= 50 for row in line.rows(counter))
    assert Counter(row["campaign"] for row in line.rows(enrollment)) == {"alpha": PEOPLE, "beta": PEOPLE}


def together(count: int, work: Callable[[int], None]) -> list[BaseException]:
    """Run `work` in so many threads that begin at the same moment; what they raised."""
    gate, failed = threading.Barrier(count), []

    def run(number: int) -> None:
        try:
            gate.wait()
            work(number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


@pytest.mark.parametrize("workers", [4])
def test_workers_in_threads_do_the_work_of_one(migrated_url: str, workers: int) -> None:
    line = crowded(migrated_url)
    ledgers = [Ledger(clock=line.clock) for _ in range(workers)]

    def work(number: int) -> None:
        idle = 0
        while idle < 3:
            passed = tick(line.database, line.queries, line.emails, ledgers[number], line.clock)
            idle = 0 if passed.found else idle + 1

    for _ in range(4):
        assert together(workers, work) == []
        line.clock.forward(hours=25)
    assert together(workers, work) == []
    handed: Counter[str] = sum((ledger.taken for ledger in ledgers), Counter())
    judge(line, handed)
    line.database.close()


def test_facts_and_purchases_come_in_while_workers_send(migrated_url: str) -> None:
    line = crowded(migrated_url)
    line.pass_()
    line.clock.forward(hours=26)
    ledgers = [Ledger(clock=line.clock) for _ in range(2)]

    def work(number: int) -> None:
        if number < 2:
            for _ in range(40):
                tick(line.database, line.queries, line.emails, ledgers[number], line.clock)
            return
        for person in range(number - 2, PEOPLE, 2):
            line.click(f"p{person}", key=f"click {person}")
            line.click(f"p{person}", key=f"click {person}")
            if person % 3 == 0:
                line.buy(f"p{person}", order=f"order {person}")

    assert together(4, work) == []
    line.clock.forward(hours=1)
    line.pass_()
    handed: Counter[str] = sum((ledger.taken for ledger in ledgers), line.provider.taken)
    assert max(handed.values()) == 1
    found = invariants(line.database, line.program, None, line.clock(), slack=timedelta())
    assert [(one.sentence, one.rows) for one in found if not one.ok] == []
    assert line.contact("p3")["purchase_count"] == 1 and line.stage("p4") == "prospect"
    line.database.close()


def work_alone(url: str, ledger: str) -> None:
    """What each process does: passes until nothing is due, its hand-overs written to a file of its own."""
    database = Database(url)
    queries = Queries(Releases(database).current())
    emails, mine = Emails(database, Signer([b"k" * 32])), Ledger()
    idle = 0
    while idle < 5:
        passed = tick(database, queries, emails, mine, lambda: MONDAY)
        idle = 0 if passed.found else idle + 1
    database.close()
    Path(ledger).write_text("".join(f"{one.message_id}\n" for _, one in mine.handed))


def test_processes_racing_do_the_work_of_one(migrated_url: str, tmp_path: Path) -> None:
    line = crowded(migrated_url)
    here = Path(__file__).parent.parent
    code = (
        f"import sys; sys.path[:0] = {[str(here), str(here.parent)]!r}; from engine.test_together import work_alone; "
    )
    files = [tmp_path / f"ledger-{number}" for number in range(2)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code + f"work_alone({migrated_url!r}, {str(file)!r})"], stderr=subprocess.PIPE
        )
        for file in files
    ]
    for process in running:
        _, problems = process.communicate(timeout=60)
        assert process.returncode == 0, problems.decode()[-2000:]
    handed = Counter(line_ for file in files for line_ in file.read_text().split())
    judge(line, handed)
    assert len(handed) == 50
    line.database.close()
