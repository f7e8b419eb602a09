"""The service in one process: APScheduler as alarm clock, sender threads, the web application.

The scheduler owns no state: its jobs call the verbs that anyone may call, and a second service on the same
database does no harm.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from threading import Event, Thread

from apscheduler.schedulers.background import BackgroundScheduler

from nurture.actions.advance import advance
from nurture.actions.check import Checked, check, check_files
from nurture.actions.enroll import enroll
from nurture.actions.publish import publish
from nurture.actions.queries import Queries
from nurture.actions.send import send
from nurture.actions.status import note_pass
from nurture.actions.sweep import sweep
from nurture.core.errors import NotFound, ProjectError
from nurture.couriers import Couriers
from nurture.files.folder import scan
from nurture.mailroom import Mailroom
from nurture.providers.base import Provider
from nurture.wiring import Opened

logger = logging.getLogger("nurture.service")

LOOK_EVERY = 1.0
SWEEP_EVERY = 15.0
FILES_EVERY = 2.0
MAIL_EVERY = 60.0
SENDERS = 4
BACK_OFF = 5.0
"""Seconds: between looks for due work, sweeps, looks at the files, at the mail; after an error before the next try."""

REFUSED_FOR = timedelta(minutes=1)
"""After this time an edit that was refused is tried again: those it would have lost may have gone on."""


class Service:
    """`nurture run`. `run` returns when `stop` was called or a signal came; what is in the air is settled first."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._stopping = Event()
        self._due = Event()
        self._seen: Checked | None = None
        self._refused_at: datetime | None = None
        self._queries = self._published()
        self._couriers = Couriers(opened)
        self._mailroom = Mailroom(opened)

    @property
    def queries(self) -> Queries:
        """The questions of the release that runs."""
        return self._queries

    def _published(self) -> Queries:
        """Publish the folder's files if they are right; else go on with what was published last.

        Raises ProjectError when there is neither.
        """
        self._seen = check(self._opened.directory)
        try:
            release = publish(self._opened.releases, self._seen, self._opened.now())
        except ProjectError as error:
            _tell(self._seen, error)
            self._refused_at = self._opened.now()
            try:
                release = self._opened.releases.current()
            except NotFound:
                raise error from None
            logger.warning("action=release.kept release=%d reason=errors-in-files", release.id)
            return Queries(release)
        _tell(self._seen)
        logger.info("action=release.published release=%d digest=%s", release.id, release.digest[:12])
        return Queries(release)

    def look_at_files(self) -> None:
        """Publish again when the files have changed, or when an edit that was refused may have become possible."""
        files, problems = scan(self._opened.directory)
        now, refused = self._opened.now(), self._refused_at
        again = refused is not None and now - refused >= REFUSED_FOR
        if self._seen and files == self._seen.loaded.files and not again:
            return
        checked = check_files(files, problems) if self._seen is None or files != self._seen.loaded.files else self._seen
        if checked is not self._seen:
            _tell(checked)
        self._seen, self._refused_at = checked, now
        try:
            publish(self._opened.releases, checked, now)
        except ProjectError as error:
            _tell(checked, error)
            logger.warning("action=release.refused problems=%d", len(error.problems))
            return
        self._refused_at = None
        self._follow()

    def _follow(self) -> None:
        """Go on with what runs, whoever made it run."""
        release = self._opened.releases.current()
        if release.run != self._queries.release.run:
            self._queries = Queries(release)
            logger.info("action=release.published release=%d digest=%s", release.id, release.digest[:12])

    def look(self) -> None:
        """Enroll and move whoever is due, and wake the senders."""
        database, now = self._opened.database, self._opened.now
        self._follow()
        while not self._stopping.is_set():
            done = enroll(database, self._queries, now()) + advance(database, self._queries, now())
            self._due.set()
            if not done:
                break

    def sweep(self) -> None:
        """Settle what time settles, and note that we are alive."""
        database, now = self._opened.database, self._opened.now
        while not self._stopping.is_set() and sweep(database, self._queries, now()):
            pass
        note_pass(database, now())

    def tell(self) -> None:
        """Have couriers deliver what webhooks are to be told."""
        self._couriers.go(self._queries.program.project.webhooks)

    def read_mail(self) -> None:
        """Read the mail that has come, where the project has a mailbox."""
        self._mailroom.read(self._queries.program, self._stopping.is_set)

    def _send(self) -> None:
        """A sender thread: hand over batch after batch; whatever was begun is settled before it ends."""
        provider: Provider | None = None
        while not self._stopping.is_set():
            try:
                wanted = self._queries.program.project.provider
                if provider is None or provider.name != wanted:
                    provider = self._opened.provider(wanted)
                sent = send(self._opened.database, self._queries, self._opened.emails, provider, self._opened.now)
            except Exception:
                logger.exception("action=send.failed")
                self._stopping.wait(BACK_OFF)
                continue
            if sent.found:
                logger.info("action=sent handed=%d accepted=%d refused=%d", sent.handed, sent.accepted, sent.refused)
            else:
                self._due.wait(LOOK_EVERY)
                self._due.clear()
        if provider:
            provider.close()

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Work until stopped. `ready` is called once everything is up."""
        with ExitStack() as cleanup:
            senders = [Thread(target=self._send, name=f"nurture-sender-{number}") for number in range(SENDERS)]
            scheduler = self._scheduler()
            scheduler.start()
            cleanup.callback(self._finish, scheduler, senders)
            for sender in senders:
                sender.start()
            ready()
            # A wait without a limit would not let signals through on every platform.
            while not self._stopping.wait(1.0):
                pass

    def _scheduler(self) -> BackgroundScheduler:
        scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        )
        jobs = (
            (self.look, LOOK_EVERY),
            (self.tell, LOOK_EVERY),
            (self.sweep, SWEEP_EVERY),
            (self.look_at_files, FILES_EVERY),
            (self.read_mail, MAIL_EVERY),
        )
        for job, seconds in jobs:
            scheduler.add_job(_surviving(job), "interval", seconds=seconds, id=job.__name__)
        return scheduler

    def _finish(self, scheduler: BackgroundScheduler, senders: list[Thread]) -> None:
        self._stopping.set()
        self._due.set()
        scheduler.shutdown(wait=True)
        self._couriers.close()
        for sender in senders:
            sender.join()
        logger.info("action=service.stopped")

    def stop(self) -> None:
        """Begin no more; `run` returns when what is in the air is settled."""
        self._stopping.set()
        self._due.set()

    def stop_on_signals(self) -> None:
        """Stop on SIGTERM and SIGINT; a second one ends the process at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        self.stop()


def _surviving(job: Callable[[], None]) -> Callable[[], None]:
    """A job whose failure is told and does not end the service: the next tick finds the same rows."""

    def call() -> None:
        try:
            job()
        except Exception:
            logger.exception("action=%s.failed", job.__name__)

    call.__name__ = job.__name__
    return call


def _tell(checked: Checked, error: ProjectError | None = None) -> None:
    """Log what is wrong with the files, and why what they say cannot be published."""
    besides = error.problems if error else ()
    for problem in dict.fromkeys((*checked.problems, *besides)):
        logger.log(logging.ERROR if problem.severity == "error" else logging.WARNING, "action=check %s", problem)
