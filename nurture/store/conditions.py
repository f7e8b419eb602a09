"""Conditions into SQL: their only evaluator.

An answer rests on the contact's hot, indexed columns where one can serve; counts, sums and questions about one
step's email go to that contact's rows through the (contact, kind, time) keys. SQL's null reads as "no".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, not_, null, or_, select, true

from nurture.core import condition as c
from nurture.core.errors import ConfigError
from nurture.core.event import ENGAGEMENT, Kind
from nurture.core.money import Money, convert
from nurture.core.project import Project
from nurture.core.score import Scoring
from nurture.store import attributes
from nurture.store.accounts import anybody, soonest
from nurture.store.prepared import NOW
from nurture.store.purchases import holding, kept, net_value
from nurture.store.tables import (
    consent,
    contact,
    contact_address,
    contact_tag,
    enrollment,
    event,
    purchase,
    spend_rank,
    suppression,
)
from nurture.store.tables import message as messages
from nurture.store.types import MICROSECOND, later, smallest

# Under another name: the queries that ask stand on `message` themselves.
message = messages.alias("asked")
happened = event.alias("happened")
entrance = event.alias("entrance")

Sql = ColumnElement[Any]

HOT: dict[Any, Sql] = {
    c.Received: contact.c.last_received_at,
    c.Opened: contact.c.last_opened_at,
    c.Clicked: contact.c.last_clicked_at,
    c.Replied: contact.c.last_replied_at,
    c.Engaged: contact.c.last_engaged_at,
    c.Purchased: contact.c.last_purchase_at,
    c.SignedUp: contact.c.signed_up_at,
    c.FirstPurchase: contact.c.first_purchase_at,
}
"""The column that keeps when what a condition asks about happened last (or ever, for the last two)."""

KINDS: dict[Any, tuple[Kind, ...]] = {
    c.Opened: (Kind.OPENED,),
    c.Clicked: (Kind.CLICKED,),
    c.Replied: (Kind.REPLIED,),
    c.Engaged: tuple(sorted(ENGAGEMENT)),
}
FIRST: dict[Any, Sql] = {
    c.Received: message.c.accepted_at,
    c.Opened: message.c.opened_at,
    c.Clicked: message.c.clicked_at,
}


def ago(length: timedelta) -> Sql:
    """That long before now."""
    return later(NOW, -length)


@dataclass(frozen=True)
class Asker:
    """Turns conditions into SQL over `contact`, and over `enrollment` where `inside` a campaign."""

    project: Project
    inside: bool

    def all(self, conditions: tuple[c.Leaf, ...]) -> Sql:
        """All of the conditions hold."""
        return and_(true(), *(self.ask(one) for one in conditions))

    def any(self, conditions: tuple[c.Leaf, ...]) -> Sql:
        """At least one of the conditions holds."""
        return or_(false(), *(self.ask(one) for one in conditions))

    def ask(self, asked: c.Leaf) -> Sql:  # noqa: PLR0912 - one case a condition
        """The condition holds for this contact, now."""
        match asked:
            case c.All(all=parts):
                return self.all(parts)
            case c.AnyOf(any=parts):
                return self.any(parts)
            case c.Not(not_=part):
                # Not "not": what SQL cannot tell is a no, and its opposite a yes.
                return self.ask(part).is_not(true())
            case c.StageIs(stage=stages):
                return contact.c.stage.in_([stage.value for stage in stages])
            case c.SourceIs(source=sources):
                return contact.c.source.in_(sources)
            case c.CountryIs(country=countries):
                return contact.c.country.in_(countries)
            case c.LocaleIs(locale=locales):
                return or_(*(_locale(name) for name in locales))
            case c.TagIs(tag=tags):
                return _exists(contact_tag, contact_tag.c.tag.in_(tags))
            case c.AttributeIs(attribute=wanted):
                return and_(*(attributes.holds(name, test) for name, test in wanted.items()))
            case c.Consented(consent=which):
                topic = consent.c.topic == which.topic if which.topic else true()
                return _exists(consent, consent.c.given.is_(true()), topic)
            case c.Suppressed(suppressed=which):
                return suppressed(which.reason.value if which.reason else None)
            case c.SignedUp(signed_up=moment) | c.FirstPurchase(first_purchase=moment):
                return _moment(HOT[type(asked)], moment)
            case c.Purchased(purchased=past):
                return self._purchased(asked, past)
            case c.Did(did=past):
                return self._did(asked, past)
            case c.SpendIs(spend=rank):
                needed = select(spend_rank.c.threshold).where(spend_rank.c.name == rank.name).scalar_subquery()
                return and_(contact.c.revenue > 0, contact.c.revenue >= needed)
            case c.ScoreIs(score=bounds):
                return self._scored(bounds)
            case c.AccountIs(account=part):
                holds = self.ask(part)
                return or_(holds, anybody(holds))
            case _:
                return self._happened(asked, getattr(asked, asked.key))

    def _happened(self, asked: c.Leaf, past: c.Past) -> Sql:
        if self.is_hot(asked, past):
            return self._hot(HOT[type(asked)], past)
        if first := self.first_of_steps(asked, past):
            column, mine = first
            return there(select(1).where(*mine, column.is_not(null())))
        if past.more_than:
            since = past.model_copy(update={"more_than": None, "within": past.more_than})
            # The last time decides: none may be newer.
            return and_(self.count(asked, past) > 0, self.count(asked, since) == 0)
        counted = self.count(asked, past)
        if past.times is None:
            return counted > 0
        return _bounds(counted, past.times.at_least, past.times.at_most)

    def is_hot(self, asked: c.Leaf, past: c.Past | c.Moment) -> bool:
        """Whether a column of the contact answers it, so that no rows are counted."""
        counted = any(getattr(past, name, None) for name in ("times", "total", "step", "item", "category"))
        return type(asked) in HOT and not counted

    def _hot(self, column: Sql, past: c.Past) -> Sql:
        if past.ever is False:
            return column.is_(null())
        parts = list(self._times(column, past))
        return and_(*parts) if parts else column.is_not(null())

    def _times(self, column: Sql, past: c.Past) -> Iterator[Sql]:
        if past.within:
            yield column >= ago(past.within.delta)
        if past.more_than:
            yield column < ago(past.more_than.delta)
        if past.since:
            yield column >= self._entered()

    def _entered(self) -> Sql:
        if not self.inside:
            raise ConfigError("'since: entry' asks about a campaign one has entered; it cannot stand in an audience")
        return enrollment.c.entered_at

    def _of_steps(self, steps: tuple[str, ...], past: c.Past) -> Iterator[Sql]:
        yield message.c.contact_id == contact.c.id
        yield message.c.step.in_(steps)
        if self.inside:
            this = message.c.enrollment_id == enrollment.c.id
            yield this if past.since else message.c.campaign == enrollment.c.campaign

    def first_of_steps(self, asked: c.Leaf, past: c.Past) -> tuple[Sql, list[Sql]] | None:
        """Of a question about some steps' emails and no time: when each was first seen, and which they are."""
        steps = past.step if isinstance(past, c.PastEmail) else None
        if not steps or past.times or past.within or past.more_than:
            return None
        return FIRST[type(asked)], list(self._of_steps(steps, past))

    def count(self, asked: c.Leaf, past: c.Past) -> Sql:
        """How many of the rows that the condition counts lie in the time that `past` asks about."""
        found = [
            number(select(func.count()).where(*mine, *self._times(column, past)))
            for column, mine in self.counted(asked)
        ]
        return found[0] if len(found) == 1 else found[0] + found[1]

    def _purchased(self, asked: c.Leaf, past: c.PastPurchase) -> Sql:
        parts: list[Sql] = []
        if self.is_hot(asked, past):
            return self._hot(contact.c.last_purchase_at, past)
        if past.times is None and past.total is None:
            return self._ever(self._of_orders(past), purchase.c.occurred_at, past)
        if past.times:
            parts.append(_bounds(self.count(asked, past), past.times.at_least, past.times.at_most))
        if past.total:
            bounds = (self._minor(past.total.at_least), self._minor(past.total.at_most))
            parts.append(_bounds(self.spent(past), *bounds))
        counted = and_(*parts)
        # Whose last purchase lies before the time asked about bought nothing in it.
        latest = self._hot(contact.c.last_purchase_at, past.model_copy(update={"more_than": None}))
        return _first(latest, counted) if _asks_for_some(past) else counted

    def spent(self, past: c.PastPurchase) -> Sql:
        """The sum of the orders in the time asked about, net, in minor units of the project's currency."""
        times, held = list(self._times(purchase.c.occurred_at, past)), holding(past)
        if not times and not held:
            return contact.c.revenue
        return number(select(func.coalesce(func.sum(net_value()), 0)).where(*self._of_orders(past), *times))

    def _of_orders(self, past: c.PastPurchase) -> list[Sql]:
        return [purchase.c.contact_id == contact.c.id, kept(), *holding(past)]

    def _ever(self, mine: list[Sql], at: Sql, past: c.Past) -> Sql:
        """One of those rows of the contact lies in the time asked about; with `more_than`, and none later."""
        ever = there(select(1).where(*mine, *self._times(at, past)))
        if past.ever is False:
            return not_(ever)
        if past.more_than:
            return and_(ever, not_(there(select(1).where(*mine, at >= ago(past.more_than.delta)))))
        return ever

    def _scored(self, bounds: c.ScoreBounds) -> Sql:
        until, scoring = contact.c.score_until, self._scoring()
        parts: list[Sql] = []
        if bounds.at_least is not None:
            parts.append(until >= later(NOW, scoring.fades(bounds.at_least)))
        if bounds.at_most is not None:
            parts.append(or_(until.is_(null()), until <= later(NOW, scoring.fades(bounds.at_most))))
        return and_(*parts)

    def _scoring(self) -> Scoring:
        if self.project.score is None:
            raise ConfigError("'score' asks for points, and nurture.yaml says nowhere what gives any (score: …)")
        return self.project.score.scoring

    def _did(self, asked: c.Leaf, past: c.PastEvent) -> Sql:
        if past.times:
            return _bounds(self.count(asked, past), past.times.at_least, past.times.at_most)
        return self._ever(self._of_event(past), happened.c.occurred_at, past)

    def _of_event(self, past: c.PastEvent) -> list[Sql]:
        """The events asked about, whenever they happened."""
        mine: list[Sql] = [happened.c.contact_id == contact.c.id, happened.c.kind == Kind.CUSTOM.value,
                           happened.c.name == past.event]  # fmt: skip
        mine += [attributes.holds(name, test, happened.c.detail) for name, test in (past.where or {}).items()]
        if past.since:
            self._entered()
            # What somebody entered on happened as they entered, not since.
            mine.append(happened.c.id != func.coalesce(enrollment.c.event_id, ""))
        if past.same:
            self._entered()
            known = select(attributes.spelled(past.same, entrance.c.detail)).where(*of_entry(entrance))
            mine.append(attributes.spelled(past.same, happened.c.detail) == number(known))
        return mine

    def _minor(self, money: Money | None) -> int | None:
        if money is None:
            return None
        minor = convert(money, self.project.currency, self.project.exchange)
        if minor is None:
            raise ConfigError(f"{money} cannot be compared: nurture.yaml has no exchange rate for {money.currency}")
        return minor

    def flips(self, asked: c.Leaf) -> Iterator[Sql]:
        """The instants at which time alone may change the answer; those past are among them.

        Lengths include their end, so an answer changes just after it: asked at the very end it is still the old one.
        """
        for leaf in c.walk(asked):
            past = getattr(leaf, leaf.key, None)
            if isinstance(leaf, c.AccountIs):
                yield from (soonest(flip) for flip in self.flips(leaf.account))
            if isinstance(past, c.ScoreBounds):
                for bound in filter(None, (past.at_least, past.at_most)):
                    yield later(contact.c.score_until, MICROSECOND - self._scoring().fades(bound))
            if not isinstance(past, c.Past | c.Moment):
                continue
            for length in (past.within, past.more_than):
                if length and self.is_hot(leaf, past):
                    yield later(HOT[type(leaf)], length.delta + MICROSECOND)
                elif length:
                    yield from self._oldest_leaves(leaf, length.delta)

    def _oldest_leaves(self, leaf: c.Leaf, length: timedelta) -> Iterator[Sql]:
        """When the oldest that is counted now will be too old to count."""
        for column, mine in self.counted(leaf):
            oldest = select(func.min(column)).where(*mine, column >= ago(length))
            yield later(number(oldest), length + MICROSECOND)

    def counted(self, leaf: c.Leaf) -> Iterator[tuple[Sql, list[Sql]]]:
        """The rows that the condition counts, whenever they happened: the column of their time, and which they are."""
        past = getattr(leaf, leaf.key)
        steps = past.step if isinstance(past, c.PastEmail) else None
        emails = list(self._of_steps(steps, past)) if steps else []
        match leaf:
            case c.Purchased():
                yield purchase.c.occurred_at, self._of_orders(past)
            case c.Did():
                yield happened.c.occurred_at, self._of_event(past)
            case c.Received():
                arrived = [message.c.contact_id == contact.c.id, message.c.accepted_at.is_not(null())]
                yield message.c.accepted_at, [*arrived, *emails]
            case _:
                kinds = [kind.value for kind in KINDS[type(leaf)]]
                human = [event.c.contact_id == contact.c.id, event.c.kind.in_(kinds), event.c.machine.is_(null())]
                theirs = [event.c.message_id == message.c.id] if steps else []
                yield event.c.occurred_at, [*human, *emails, *theirs]
        if isinstance(leaf, c.Engaged):
            # Who bought and gave it back was there all the same.
            yield purchase.c.occurred_at, [purchase.c.contact_id == contact.c.id]


def of_entry(which: Any) -> list[Sql]:
    """`which`, an alias of `event`, is the event on which the enrollment began; it was entered as of its time."""
    return [
        which.c.contact_id == enrollment.c.contact_id, which.c.kind == Kind.CUSTOM.value,
        which.c.occurred_at == enrollment.c.entered_at, which.c.id == enrollment.c.event_id,
    ]  # fmt: skip


def next_flip(flips: list[Sql]) -> Sql | None:
    """The first of those instants that is still to come; null where none is."""
    ahead = [case((flip > NOW, flip), else_=null()) for flip in flips]
    return smallest(*ahead) if ahead else None


def unrated() -> Sql:
    """A purchase of the contact has no value in the project's currency, so sums cannot be told."""
    without = purchase.c.value.is_(null())
    anybodys = exists(select(1).where(without))
    return _first(anybodys, there(select(1).where(purchase.c.contact_id == contact.c.id, without)))


def _first(cheap: Sql, asked: Sql) -> Sql:
    """`asked`, which holds for nobody for whom `cheap` does not. In an AND among answers SQLite asks both."""
    return case((cheap, asked), else_=false())


def _asks_for_some(past: c.PastPurchase) -> bool:
    """Whether nobody is meant who bought nothing in the time asked about."""
    sums = past.total and past.total.at_least and past.total.at_least.amount > 0
    return past.ever is not False and bool(sums or (past.times and past.times.at_least))


def asks_for_sums(asked: c.Leaf) -> bool:
    """Whether the condition rests on sums of money."""
    return any(isinstance(leaf, c.Purchased) and leaf.purchased.total is not None for leaf in c.walk(asked))


def suppressed(reason: str | None = None) -> Sql:
    """The contact's address must not be mailed (for that reason, where one is given)."""
    why = suppression.c.reason == reason if reason else true()
    return there(
        select(1)
        .select_from(contact_address.join(suppression, suppression.c.address_key == contact_address.c.address_key))
        .where(contact_address.c.contact_id == contact.c.id, why)
    )


def _exists(table: Any, *conditions: Sql) -> Sql:
    return there(select(1).where(table.c.contact_id == contact.c.id, *conditions))


def there(statement: Any) -> Sql:
    """There is such a row; of the contact and the enrollment asked about, however deep the question stands."""
    return exists(statement.correlate(contact, enrollment))


def number(statement: Any) -> Sql:
    """The one value it selects, of the contact and the enrollment asked about."""
    found: Sql = statement.correlate(contact, enrollment).scalar_subquery()
    return found


def _bounds(value: Sql, at_least: Any, at_most: Any) -> Sql:
    lower = value >= at_least if at_least is not None else true()
    upper = value <= at_most if at_most is not None else true()
    return and_(lower, upper)


def _moment(column: Sql, moment: c.Moment) -> Sql:
    newer = column >= ago(moment.within.delta) if moment.within else true()
    older = column < ago(moment.more_than.delta) if moment.more_than else true()
    return and_(newer, older)


def _locale(name: str) -> Sql:
    return or_(contact.c.locale == name, contact.c.locale.startswith(f"{name}-", autoescape=True))
