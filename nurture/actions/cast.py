"""The people of a story and what they do, told to the engine as another program would tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.actions.ground import PUBLISHED, Ground
from nurture.actions.importing import Job
from nurture.actions.intake import KINDS
from nurture.core.campaign import SplitStep
from nurture.core.coupon import Code
from nurture.core.decide import Answers, Arm, Move, Standing, decide
from nurture.core.errors import InputError
from nurture.core.experiment import arm_in
from nurture.core.ids import derived_id
from nurture.core.moments import (
    AN_EMAIL,
    EVERYTHING,
    Bounces,
    Buys,
    Changes,
    Clicks,
    Complains,
    Did,
    Fills,
    Moment,
    Opens,
    Permits,
    Refunds,
    Replies,
    Unsubscribes,
)
from nurture.core.program import Course
from nurture.core.scenario import THE_REST, Given
from nurture.core.somebody import Somebody
from nurture.core.told_day import past
from nurture.core.zone import zone
from nurture.files.tabular import Given as Rows
from nurture.store.coupons import add_codes
from nurture.store.pools import codes_of
from nurture.store.seen import messages_of

MAIN = "contact"
"""The one whom a story is about, where it does not say `who`."""

TRIES = 100_000
CODES = 25
MACHINE = "Mozilla/5.0 (compatible; Barracuda Sentinel)"
"""What a scanner says it is."""

Row = dict[str, Any]


class Cast:
    """The people of one story; the ground has begun it."""

    def __init__(self, ground: Ground, campaign: str, given: Given) -> None:
        self.ground, self.campaign = ground, campaign
        self._told = {MAIN: given.contact, **given.others}
        self.ids = {who: _contact_id(ground, campaign, who, given) for who in self._told}
        self._orders = 0
        self._stock(given.coupons)
        for who, somebody in self._told.items():
            self._tell("contacts", self._person(who, somebody), self.ids[who])
        for moment in given.before:
            self.do(moment)

    def known(self, moment: Moment) -> str:
        """Whom a moment is about. Raises InputError where the story knows nobody of that name."""
        who = moment.who or MAIN
        if who not in self._told:
            raise InputError(f"there is nobody called {who!r}; 'given: {{others: …}}' names other people")
        return who

    def zone(self, who: str) -> ZoneInfo:
        """Where somebody's clocks run, as the story tells it."""
        name = self._told[who].timezone
        return zone(name) if name else self.ground.release.program.zone

    def address(self, who: str) -> str:
        """Somebody's address."""
        return self._told[who].address or f"{who}@example.com"

    def place(self, name: str) -> tuple[str, str]:
        """Campaign and step of a step as a story names it."""
        campaign, _, step = name.rpartition("/")
        return campaign or self.campaign, step

    def do(self, moment: Moment) -> None:
        """Let something happen at the time on the clock, or when it says. Raises InputError where it cannot."""
        who = self.known(moment)
        when = getattr(moment, "when", None)
        at = past(when, self.ground.now, self.zone(who)) if when else self.ground.now
        kind, row = self._row(who, moment, at)
        self._tell(kind, row)
        if isinstance(moment, Changes):
            self._told[who] = moment.changes.over(self._told[who])

    def _tell(self, kind: str, row: Row, contact_id: str = "") -> None:
        ground = self.ground
        job = Job(Rows.of([row]), shown=1, bulk=False)
        if contact_id:
            job = Job(Rows.of([row]), shown=1, bulk=False, ids=_parts(contact_id))
        summary = KINDS[kind].take(ground.database, ground.release.program, job, ground.now)
        for refused in summary.first_rejects:
            raise InputError(refused.reason)

    # --- what they do, as rows ------------------------------------------------------------------------

    def _row(self, who: str, moment: Moment, at: datetime) -> tuple[str, Row]:
        row: Row = {"email": self.address(who), "at": at.isoformat()}
        match moment:
            case Changes():
                return "contacts", self._person(who, moment.changes)
            case Permits():
                asked = {"consent": "yes", "consent_topics": " ".join(moment.permits), "consent_at": at.isoformat()}
                return "contacts", {"email": row["email"], **asked}
            case Buys():
                return "purchases", row | self._order(who, moment)
            case Refunds():
                return "purchases", row | {"type": "refund", "refund_of": moment.gets_back}
            case _:
                return "events", row | self._event(who, moment)

    def _event(self, who: str, moment: Moment) -> Row:
        match moment:
            case Opens(opens=name, by_machine=machine):
                return {"kind": "opened", **self._message(who, name), **_agent(machine)}
            case Clicks(clicks=name, by_machine=machine):
                return {"kind": "clicked", **self._message(who, name), **_agent(machine)}
            case Replies(replies=name):
                return {"kind": "replied", **self._message(who, name)}
            case Bounces(bounces=name, class_=bounce):
                return {"kind": "bounced", "bounce": bounce, **self._message(who, name)}
            case Complains(complains=name):
                return {"kind": "complained", **self._message(who, name)}
            case Unsubscribes(unsubscribes=topic):
                return {"kind": "unsubscribed"} | ({} if topic == EVERYTHING else {"topic": topic})
            case Did(event=name, fields=fields):
                return {"kind": name, **fields}
            case Fills(fills_in=form):
                return {"kind": "form", "name": form}
            case _:
                raise TypeError(f"{moment!r} is nothing that somebody does")

    def _message(self, who: str, name: str) -> Row:
        if name == AN_EMAIL:
            return {}
        campaign, step = self.place(name)
        with self.ground.database.read() as connection:
            rows = messages_of(connection, self.ids[who], campaign, step)
        got = [row for row in rows if row["accepted_at"]]
        if not got:
            raise InputError(f"the email of '{name}' has not been sent to them")
        return {"message_id": got[-1]["id"]}

    def _order(self, who: str, moment: Buys) -> Row:
        self._orders += 1
        row: Row = {
            "order_id": moment.order or f"order-{self._orders}", "amount": str(moment.buys.amount),
            "currency": moment.buys.currency, "items": [{"name": item} for item in moment.items],
        }  # fmt: skip
        return row | ({"coupon": self._code(who, moment.coupon)} if moment.coupon else {})

    def _code(self, who: str, name: str) -> str:
        place = self.place(name)
        with self.ground.database.read() as connection:
            codes = codes_of(connection, self.ids[who])
        found = [row["code"] for row in codes if (row["campaign"], row["step"]) == place]
        if not found:
            raise InputError(f"the email of '{name}' gave them no code")
        return str(found[0])

    def _person(self, who: str, somebody: Somebody) -> Row:
        said = {name: getattr(somebody, name) for name in somebody.model_fields_set}
        row: Row = {"email": self.address(who), **said.pop("attributes", {})}
        now, here = self.ground.now, self.zone(who)
        for name, value in said.items():
            match name:
                case "signed_up":
                    row["signed_up_at"] = past(value, now, here).isoformat()
                case "customer_since":
                    row[name] = past(value, now, here).isoformat()
                case "tags":
                    row[name] = "|".join(value)
                case "consents":
                    row |= {"consent": "yes", "consent_topics": " ".join(value)}
                case "address":
                    row["email"] = value
                case _:
                    row[name] = str(value)
        return row

    def _stock(self, said: Mapping[str, int]) -> None:
        program = self.ground.release.program
        pools = {step.coupon.pool for course in program.courses.values() for step in course.sends if step.coupon}
        with self.ground.database.write() as connection:
            for pool in sorted(pools):
                codes = [Code(f"{pool.upper()}-{number:03}") for number in range(1, said.get(pool, CODES) + 1)]
                add_codes(connection, pool, codes, self.ground.now)


def _agent(machine: bool) -> Row:
    return {"user_agent": MACHINE} if machine else {}


# --- chance ------------------------------------------------------------------------------------------------


def _parts(contact_id: str) -> Callable[[int], str]:
    """What gives an import that id, in the pieces it asks for."""
    left = [contact_id]

    def part(count: int) -> str:
        text, left[0] = left[0][: 2 * count], left[0][2 * count :]
        return text

    return part


def _contact_id(ground: Ground, campaign: str, who: str, given: Given) -> str:
    """An id to which falls by chance what is given; where nothing is, they are held out of nothing."""
    for candidate in _candidates(who):
        if _falls(ground, campaign, given if who == MAIN else Given(), candidate):
            return candidate
    raise InputError(f"chance never falls so that all of this holds for one person: {_wished(given)}")


def _candidates(who: str) -> Iterator[str]:
    return (derived_id("somebody", who, number) for number in range(TRIES))


def _wished(given: Given) -> str:
    return ", ".join([f"{step}: {lot}" for step, lot in given.chance.items()] + ["held_out"] * given.held_out)


def _falls(ground: Ground, campaign: str, given: Given, contact_id: str) -> bool:
    release = ground.release
    for name, course in release.program.courses.items():
        arm = arm_in(course, release.program.project, release.salt, contact_id)
        if (arm is Arm.EMAILED) == (given.held_out and name == campaign):
            return False
    course = release.program.courses[campaign]
    return all(_lot(course, step, release.salt, contact_id, lot) for step, lot in given.chance.items())


def _lot(course: Course, step: str, salt: str, contact_id: str, wanted: str) -> bool:
    """Whether a way or variant falls to a contact, asked of those who decide it."""
    name = course.campaign.name
    trial = course.trials.get(step)
    if trial:
        sampled = trial.sampled(salt, name, contact_id)
        return not sampled if wanted == THE_REST else sampled and trial.variant(salt, name, contact_id) == wanted
    place = course.places[step].step
    if not isinstance(place, SplitStep):
        return False
    standing = Standing(step, Arm.EMAILED, PUBLISHED, PUBLISHED, course.project_zone, chance=(salt, name, contact_id))
    decided = decide(course, standing, Answers(), PUBLISHED)
    return isinstance(decided, Move) and decided.why == f"split: {wanted}"
