"""The run: a virtual clock that jumps from act to act, the real verbs at every stop, and real requests between them."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

from nurture.actions.check import check
from nurture.actions.offer import coupon_of
from nurture.actions.publish import publish
from nurture.actions.queries import Queries
from nurture.actions.record import record_facts
from nurture.actions.record_orders import record_purchases, record_refunds
from nurture.actions.report import Report, report
from nurture.actions.status import note_pass
from nurture.actions.tick import Passed, run_pass
from nurture.config import read_settings
from nurture.core.address import address_key
from nurture.core.event import Fact, Kind
from nurture.core.money import Money
from nurture.core.purchase import Purchase, Refund
from nurture.demo.behaviour import Act, Received, What, react, regret
from nurture.demo.books import Books, Event
from nurture.demo.letters import Arrived, Postman, read_letter
from nurture.demo.people import Order, Person, make_people
from nurture.demo.project import lay_down
from nurture.demo.shop import Told, delivery, visits
from nurture.demo.visitor import Visitor
from nurture.demo.visits import visit
from nurture.store import releases
from nurture.store.coupons import held
from nurture.store.horizon import Horizon
from nurture.store.suppressions import contacts_by_address
from nurture.web.app import make_app
from nurture.web.recorder import Recorder
from nurture.web.recording import make_recorder
from nurture.web.server import ServerThread
from nurture.wiring import Opened

START = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
"""A Monday before the clocks of Europe go forward: the demo crosses that night."""

MORNING = 5
STOPS = (0, 150, *range(MORNING * 60, 20 * 60 + 1, 180))
"""Minutes of each UTC day at which the verbs are called; at MORNING (an hour) the night's files come in."""


@dataclass
class Clock:
    """The demo's time, aware UTC; it stands until it is moved."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played: in which folder, from which seed, for how many days, by how many people, on which port."""

    directory: Path
    seed: int = 1
    days: int = 120
    contacts: int = 2000
    port: int = 0
    files: Path | None = None
    """A project whose files run instead of the shipped ones."""


@dataclass
class Played:
    """What happened: reports from before and after, all the passes, requests by answer, acts by kind.

    `buyer` is the address of the last person who bought because of an email.
    """

    before: Report
    after: Report
    passed: Passed = field(default_factory=Passed)
    requests: Counter[str] = field(default_factory=Counter)
    acts: Counter[What] = field(default_factory=Counter)
    signed_up: int = 0
    buyer: str | None = None


@dataclass(order=True, slots=True)
class _Planned:
    at: datetime
    place: int
    act: Act = field(compare=False)
    person: Person = field(compare=False)
    email: Arrived | None = field(compare=False, default=None)


class Story:
    """One run of the demo: `with Story(plan) as story: story.play()`; the server at `url` answers until the block ends.

    `opened` is the project it runs, on `clock`.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self.clock = plan, Clock()
        lay_down(plan.directory, START.date(), plan.port, plan.files)
        # The shell's own NURTURE_* variables name somebody's real database and keys.
        self.opened = Opened(plan.directory, read_settings(plan.directory, {}), self.clock, durable=False)
        self.people = make_people(plan.seed, plan.contacts, START, plan.days)
        self._ids: dict[str, str] = {}
        self._by_address = {one.address: one for one in self.people}
        self._to_come = sorted((one for one in self.people if one.signed_up >= START), key=lambda one: one.signed_up)
        self._ahead: list[_Planned] = []
        self._places = count()
        self._mail: list[Event] = []
        self._bought: list[Purchase] = []
        self._refunded: list[Refund] = []
        self._told: list[Fact] = []
        self._stirred = False
        self._next_due: datetime | None = None
        self._closing = ExitStack()

    def __enter__(self) -> Story:
        with ExitStack() as closing:
            closing.callback(self.opened.database.close)
            self._publish()
            self.recorder = self._recorder(closing)
            server = ServerThread(make_app(self.opened, recorder=self.recorder), port=self.plan.port)
            closing.callback(server.stop)
            self.url = server.url
            self._visitor = Visitor(server.url)
            closing.callback(self._visitor.close)
            # Whatever the files say, nobody made up is written to.
            self._provider = self.opened.provider("outbox")
            closing.callback(self._provider.close)
            self._postman = Postman(self.opened.settings.outbox_dir)
            self._closing = closing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def _publish(self) -> None:
        with self.opened.database.write() as connection:
            releases.set_meta(connection, "salt", Random(f"{self.plan.seed}/salt").randbytes(16).hex())
        release = publish(self.opened.releases, check(self.plan.directory), self.clock())
        self._queries = Queries(release)
        self._horizon = Horizon(self._queries.moving)
        self.program = release.program
        self._books = Books(self.opened.database, self.program, self.plan.directory / "imports", self.plan.seed)

    def _recorder(self, closing: ExitStack) -> Recorder:
        recorder = make_recorder(self.opened)
        closing.callback(recorder.close)
        return recorder

    # --- the run -------------------------------------------------------------------------------------

    def play(self, day_done: Callable[[], object] = lambda: None) -> Played:
        """Begin the books, live through all the days, and tell what happened. `day_done` is called after each day."""
        self._begin()
        for stop in _stops(self.plan.days):
            self._until(stop)
            if stop.hour == 0:
                day_done()
        note_pass(self.opened.database, self.clock())
        self.played.after = self._report()
        self.played.requests = self._visitor.seen
        return self.played

    def _begin(self) -> None:
        now = self.clock()
        known = [one for one in self.people if one.signed_up < START]
        self._books.contacts("contacts", known, now)
        self._books.purchases(
            "purchases", ((one, order) for one in known for order in one.orders if order.at < now), now
        )
        self._learn_ids(known)
        self._books.coupons(self.plan.contacts, now)
        found = self._report()
        self.played = Played(found, found)
        for person in self.people:
            for order in person.orders:
                if order.at >= START:
                    self._plan(Act(order.at, What.BUY, order=order), person)
            for told in visits(self.plan.seed, person, START, self.plan.days):
                self._plan(Act(told.at, What.SHOP, told=told), person)
        self._pass()

    def _until(self, stop: datetime) -> None:
        """Let everything happen that comes before `stop`, then do there what is due."""
        while self._ahead and self._ahead[0].at <= stop:
            planned = heapq.heappop(self._ahead)
            self.clock.at = planned.at
            self._do(planned)
        self.clock.at = stop
        if stop.hour == MORNING and stop.minute == 0:
            self._take_in()
        if self._stirred:
            self.recorder.flush()
            self._ring_up()
            self._look_ahead()
        if self._next_due and self._next_due <= stop:
            self._pass()

    def _look_ahead(self) -> None:
        with self.opened.database.read() as connection:
            self._next_due = self._horizon.next(connection)
        self._stirred = False

    def _pass(self) -> None:
        opened = self.opened
        self.played.passed += run_pass(opened.database, self._queries, opened.emails, self._provider, self.clock)
        for email in self._postman.new():
            person = self._by_address[email.address]
            for act in react(self.plan.seed, person, Received(email.campaign, email.step, self.clock())):
                self._plan(act, person, email)
        self._look_ahead()

    def _plan(self, act: Act, person: Person, email: Arrived | None = None) -> None:
        heapq.heappush(self._ahead, _Planned(act.at, next(self._places), act, person, email))

    # --- acts ----------------------------------------------------------------------------------------

    def _do(self, planned: _Planned) -> None:
        act, person, email = planned.act, planned.person, planned.email
        self.played.acts[act.what] += 1
        self._stirred = True
        if email and act.order:
            self.played.buyer = person.address
        if act.what is What.BUY and act.order:
            self._buy(person, act.order, self._code_in(email) if email else None)
        elif act.told:
            self._tell(person, act.told)
        elif act.what is What.REFUND and act.order:
            self._return(act.order, act.pick < 0.5)
        elif act.what in (What.REPLY, What.COMPLAIN, What.BOUNCE) and email:
            hard = ("hard", "550 5.1.1 no such mailbox") if act.what is What.BOUNCE else ("", "")
            self._mail.append((act.what.value, person.address, email.message_id, act.at, *hard))
        elif email:
            visit(self._visitor, read_letter(email.path), act)

    def _code_in(self, email: Arrived) -> str | None:
        """The coupon code that an email gives; whoever buys because of it types it in."""
        course = self.program.courses.get(email.campaign)
        if course is None or coupon_of(course, email.step) is None:
            return None
        with self.opened.database.read() as connection:
            found = held(connection, [email.message_id]).get(email.message_id)
        return found.code if found else None

    def _buy(self, person: Person, order: Order, code: str | None = None) -> None:
        items = tuple({"name": name, "quantity": quantity, "price": price} for name, quantity, price in order.items)
        money = Money.parse(str(order.total), order.currency)
        self._bought.append(Purchase(order.id, self._ids[person.address], order.at, money, items, code))
        change_of_mind = regret(self.plan.seed, order)
        if change_of_mind:
            self._plan(change_of_mind, person)
        if arrived := delivery(self.plan.seed, order):
            self._plan(Act(arrived.at, What.SHOP, told=arrived), person)

    def _tell(self, person: Person, told: Told) -> None:
        key = f"{told.name}/{person.number}/{told.at.isoformat()}"
        contact_id = self._ids[person.address]
        fact = Fact(Kind.CUSTOM, told.at, "api", key, contact_id=contact_id, name=told.name, detail=told.fields)
        self._told.append(fact)
        if told.order:
            self.played.acts[What.BUY] += 1
            self._buy(person, told.order)

    def _return(self, order: Order, whole: bool) -> None:
        part = Money.parse(order.items[0][2], order.currency)
        self._refunded.append(Refund(f"R-{order.id}", order.id, self.clock(), None if whole else part))

    def _ring_up(self) -> None:
        """The shop tells what happened, was bought and given back since the last stop."""
        if self._told:
            record_facts(self.opened.database, self.program, self._told, self.clock())
        if self._bought:
            record_purchases(self.opened.database, self.program, self._bought, self.clock())
        if self._refunded:
            record_refunds(self.opened.database, self.program, self._refunded, self.clock())
        self._told, self._bought, self._refunded = [], [], []

    def _take_in(self) -> None:
        """The night's files: who signed up, and what the mailbox holds."""
        now = self.clock()
        signed_up = []
        while self._to_come and self._to_come[0].signed_up < now:
            signed_up.append(self._to_come.pop(0))
        if signed_up:
            self._books.contacts(f"{now:%Y-%m-%d}-sign-ups", signed_up, now)
            self._learn_ids(signed_up)
            self._stirred = True
            self.played.signed_up += len(signed_up)
        if self._mail:
            self._stirred = True
            self.recorder.flush()
            self._books.events(f"{now:%Y-%m-%d}-mailbox", self._mail, now)
            self._mail = []

    # --- questions -----------------------------------------------------------------------------------

    def _learn_ids(self, people: list[Person]) -> None:
        keys = {address_key(one.address): one.address for one in people}
        with self.opened.database.read() as connection:
            found = contacts_by_address(connection, list(keys))
        self._ids.update((keys[key], contact_id) for key, contact_id in found.items())

    def _report(self) -> Report:
        return report(self.opened.database, self.program, self.clock())


def _stops(days: int) -> Iterator[datetime]:
    midnight = START.replace(hour=0)
    for day in range(days + 1):
        for minute in STOPS:
            stop = midnight + timedelta(days=day, minutes=minute)
            if START < stop <= START + timedelta(days=days):
                yield stop
