"""Why somebody is not in a campaign, or would not be mailed: each reason with the value that decided and its line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.actions.claim import bounds_of
from nurture.actions.release import Release
from nurture.core import gate
from nurture.core.campaign import Status
from nurture.core.decide import Answers, Arm
from nurture.core.enter import Dated, EnterAtMoment, EnterByLook, EnterOn
from nurture.core.experiment import arm_in
from nurture.core.found import Found
from nurture.core.gate import Bounds, Pass, Refusal, Skip, Verdict
from nurture.core.limits import limits_of
from nurture.core.program import Course
from nurture.core.wording import Words, fields, flow, said
from nurture.files.rules import Rules, Written
from nurture.store import entering, releases
from nurture.store.database import Connection
from nurture.store.messages import ClaimQuery, taken
from nurture.store.outside import Answered, OutsideQuery
from nurture.store.tables import message

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is asked, and what was found.

    `name` is stable: `stage`, `where`, `busy`, a name of the gate's, … `text` is the rule as its file says it, `found`
    the value that decided, in words, `values` the same as data; `flips_at` is when time alone may change the answer
    (aware UTC). `parts` are the conditions inside.
    """

    name: str
    text: str
    found: str
    holds: bool
    written: Written | None = None
    flips_at: datetime | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a contact does, or does not, enter a campaign at its next look, and whether an email would leave then.

    `reasons` decide over entering, `mailing` over emails; `inside` says that the contact is in it already. `next` says
    when the contact is looked at, `next_at` (aware UTC) where that is a time.
    """

    contact_id: str
    address: str
    campaign: str
    enters: bool
    inside: bool
    arm: Arm
    reasons: tuple[Reason, ...]
    mailing: tuple[Reason, ...]
    next: str
    next_at: datetime | None

    @property
    def held_out(self) -> bool:
        """Whether they would be held out of its emails."""
        return self.arm is not Arm.EMAILED

    @property
    def failing(self) -> tuple[Reason, ...]:
        """What keeps the contact out, the first that is asked first."""
        return tuple(one for one in self.reasons if not one.holds)

    @property
    def first(self) -> Reason | None:
        """The first reason that keeps the contact out, or from being mailed; None where nothing does."""
        return next((one for one in (*self.reasons, *self.mailing) if not one.holds), None)


def explain(
    connection: Connection,
    release: Release,
    campaign: str,
    contact_ids: Sequence[str],
    now: datetime,
    zone: ZoneInfo = UTC,
) -> dict[str, Explained]:
    """Explain for each of these contacts, by id, why they do or do not enter the campaign as of `now` (aware UTC).

    A few hundred in one question. `zone` is whose clocks the words show. Ids of nobody are left out.
    """
    asked = _Explaining(connection, release, release.program.courses[campaign], now, zone)
    found = OutsideQuery(release.program, asked.course).ask(connection, contact_ids, now)
    asked.read_claims(found)
    return {one.contact_id: asked.one(one) for one in found}


def rules_of(connection: Connection, release: Release, campaign: str) -> Rules:
    """Where the rules of a campaign stand in the files of the release; of files that are not published, nowhere."""
    text = releases.release_text(connection, release.id, f"campaigns/{campaign}.yaml")
    return Rules(campaign, text or "", (release.id, release.digest))


def reason_of(words: Words, one: Found, name: str, rules: Rules | None, *path: str | int) -> Reason:
    """What was found of a condition that stands at `path`, with those inside it."""
    key = one.condition.key
    parts = [
        reason_of(words, part, name, rules, *path, key, *((index,) if key != "not" else ()))
        for index, part in enumerate(one.parts)
    ]
    written = rules.at(*path) if rules else None
    return Reason(
        name, said(one.condition), words.found(one), one.holds, written, one.flips_at, one.values, tuple(parts)
    )


def audience_of(words: Words, course: Course, found: Sequence[Found], rules: Rules) -> Iterator[Reason]:
    """What was found of each thing that the audience asks, in the entrance's order."""
    staged = 1 if course.campaign.audience.stage else 0
    for index, one in enumerate(found):
        if index < staged:
            yield reason_of(words, one, "stage", rules, "audience", "stage")
        else:
            yield reason_of(words, one, "where", rules, "audience", "where", index - staged)


def verdict_of(verdict: Verdict, words: Words) -> Reason:
    """What the gate says, as a reason."""
    asks = "an email would leave now"
    if isinstance(verdict, Pass):
        return Reason("gate", asks, "it would", holds=True)
    if isinstance(verdict, Skip):
        return Reason(verdict.reason.value, asks, f"never: {verdict.reason.value}", holds=False)
    until = words.moment(verdict.until)
    return Reason(verdict.reason.value, asks, f"not before {until}: {verdict.reason.value}", False,
                  flips_at=verdict.until)  # fmt: skip


class _Explaining:
    """One campaign, asked about for some people."""

    def __init__(self, connection: Connection, release: Release, course: Course, now: datetime, zone: ZoneInfo) -> None:
        self._connection, self._release, self.course, self._now = connection, release, course, now
        self._words = Words(release.program, now, zone)
        self._rules = rules_of(connection, release, course.campaign.name)
        self._bounds: Bounds = bounds_of(connection, release.program, course, now)
        self._claims: dict[str, list[tuple[datetime, str]]] = {}
        self._state = entering.campaign_states(connection).get(course.campaign.name, {})

    def read_claims(self, found: Sequence[Answered]) -> None:
        """Look up when each of them, and each account of theirs, was last claimed for, and by which campaign."""
        query, bounds = ClaimQuery(self._release.program, self.course), self._bounds
        ids, accounts = [one.contact_id for one in found], {one.facts["account_id"] for one in found} - {None}
        own, shared = (*bounds.rates, *bounds.campaign_rates), (*bounds.account_rates, *bounds.account_campaign_rates)
        self._claims = query.claims(self._connection, message.c.contact_id, ids, own, self._now)
        self._claims |= query.claims(self._connection, message.c.account_id, sorted(accounts), shared, self._now)

    def one(self, answered: Answered) -> Explained:
        facts, campaign = answered.facts, self.course.campaign
        open_ = (*self._status(), *self._occasion(facts))
        reasons = (*open_, *self._audience(answered), *self._place(facts))
        arm = arm_in(self.course, self._release.program.project, self._release.salt, answered.contact_id)
        says, at = self._next(facts)
        enters = bool(facts["may_enter"]) and all(one.holds for one in open_)
        mailing = tuple(self._mailing(answered, arm))
        return Explained(
            answered.contact_id, facts["address"], campaign.name, enters, bool(facts["inside"]), arm, reasons, mailing,
            says, at,
        )  # fmt: skip

    def _reason(self, name: str, text: str, found: str, holds: bool, *path: str | int, **more: Any) -> Reason:
        return Reason(name, text, found, bool(holds), self._rules.at(*(path or (name,))), **more)

    # who lets people in, and when

    def _status(self) -> Iterator[Reason]:
        campaign, moment = self.course.campaign, self._words.moment
        live = campaign.status is Status.LIVE
        yield self._reason("status", "status: live", f"is {campaign.status.value}", live)
        if campaign.starts and (starts := self.course.starts_at):
            begun = starts <= self._now
            tense = "started" if begun else "starts"
            yield self._reason("starts", f"starts: {campaign.starts}", f"{tense} {moment(starts)}", begun,
                               flips_at=None if begun else starts)  # fmt: skip
        if campaign.ends and (ends := self.course.ends_at):
            still = self._now < ends
            tense = "ends" if still else "ended"
            yield self._reason("ends", f"ends: {campaign.ends}", f"{tense} {moment(ends)}", still,
                               flips_at=ends if still else None)  # fmt: skip

    def _occasion(self, facts: Mapping[str, Any]) -> Iterator[Reason]:
        """Whether the moment, the day or the event has come on which people enter; nothing where they are looked
        for."""
        enter = self.course.campaign.enter
        text = f"enter: {{{said(enter)}}}"
        if isinstance(enter, EnterAtMoment):
            yield self._at_moment(enter, text, facts)
        elif isinstance(enter, EnterOn):
            yield self._on_event(enter, text, facts)
        elif isinstance(enter, Dated):
            yield self._on_day(enter, text, facts)

    def _on_event(self, enter: EnterOn, text: str, facts: Mapping[str, Any]) -> Reason:
        last = facts["event_at"]
        if last is None:
            return self._reason("event", text, f"{enter.on} never came", False, "enter")
        found = f"{enter.on} came {self._words.ago(last)}{', and is still to be looked at' if facts['waits'] else ''}"
        return self._reason("event", text, found, facts["waits"], "enter", values={"last": last},
                            parts=tuple(self._of_event(enter, last, _under(facts, "field_"), facts)))  # fmt: skip

    def _of_event(
        self, enter: EnterOn, last: datetime, known: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> Iterator[Reason]:
        """What is asked of the event that came last."""
        if enter.where:
            asks = flow(enter.model_dump(mode="json", exclude_unset=True)["where"])
            found = fields({name: known[name] for name in enter.where})
            yield self._reason("event.where", f"where: {asks}", found, facts["fields_hold"], "enter", "where")
        if enter.per:
            given = enter.key({enter.per: json.loads(known[enter.per] or "null")}) is not None
            found = fields({enter.per: known[enter.per]})
            yield self._reason("event.per", f"per: {enter.per}", found, given, "enter", "per")
        expires = self.course.campaign.expires
        late = expires.after(last, self._release.program.zone)
        text = f"expires: {expires}"
        yield self._reason("event.expires", text, f"may let somebody in until {self._words.moment(late)}",
                           late >= self._now, "expires")  # fmt: skip

    def _at_moment(self, enter: EnterAtMoment, text: str, facts: Mapping[str, Any]) -> Reason:
        program = self._release.program
        at = enter.moment(program.zone_of(facts["timezone"]), program.zone)
        late = self.course.campaign.expires.after(at, program.zone)
        if at > self._now:
            return self._reason("moment", text, f"comes {self._words.moment(at)}", False, "enter", flips_at=at)
        found = f"came {self._words.ago(at)}"
        if self._now > late:
            return self._reason("moment", text, f"{found}, too long ago for its email", False, "enter")
        return self._reason("moment", text, found, True, "enter", flips_at=late)

    def _on_day(self, enter: Dated, text: str, facts: Mapping[str, Any]) -> Reason:
        known, at = facts["date_text"] or facts["date_at"], facts["look_at"]
        told = self._words.moment(known) if isinstance(known, datetime) else known
        date = f"{enter.name} is {told}" if told else f"{enter.name} is not known"
        if at is None:
            return self._reason("date", text, f"{date}; no day to come", False, "enter", values={"date": known})
        return self._reason("date", text, f"{date}; the day is {self._words.moment(at)}", at <= self._now, "enter",
                            flips_at=at if at > self._now else None, values={"date": known})  # fmt: skip

    # who they must be

    def _audience(self, answered: Answered) -> Iterator[Reason]:
        yield from audience_of(self._words, self.course, answered.found, self._rules)
        if not answered.facts["rated"]:
            yield self._reason(Refusal.NO_RATE.value, "every purchase has a value",
                               "nurture.yaml has no exchange rate for one", False, "audience")  # fmt: skip

    def _place(self, facts: Mapping[str, Any]) -> Iterator[Reason]:
        campaign, words = self.course.campaign, self._words
        enter = campaign.enter
        if isinstance(enter, EnterByLook) and not enter.backfill:
            found = "did not match then" if facts["is_new"] else "matched already, and has matched ever since"
            since = self._state.get("live_since")
            text = "backfill: no (matched only after it went live" + (f" {words.moment(since)})" if since else ")")
            yield self._reason("baseline", text, found, facts["is_new"], "enter", "backfill")
        if facts["left_at"] or facts["inside"]:
            again = campaign.re_enter
            text = f"re_enter: {f'{again} after leaving' if again else 'never'}"
            found = "is in it" if facts["inside"] else f"left {words.ago(facts['left_at'])}"
            flips = facts["left_at"] + again.delta if again and facts["left_at"] and not facts["may_again"] else None
            yield self._reason("re_enter", text, found, facts["may_again"], flips_at=flips)
        if facts["inside"]:
            return
        text = "overlap: allow" if campaign.overlap else "is in no other campaign"
        found = f"is in {facts['busy']}" if facts["busy"] else "is in none"
        yield self._reason("busy", text, found, facts["is_free"], "overlap")

    # whether they would be mailed

    def _mailing(self, answered: Answered, arm: Arm) -> Iterator[Reason]:
        facts = answered.facts
        stopped, permitted = _under(facts, "stopped_"), _under(facts, "consent_")
        campaign, exempt = self.course.campaign, self.course.transactional
        text = "may be mailed about orders" if exempt else "may be mailed"
        yield self._reason(Refusal.SUPPRESSED.value, text, self._words.suppressed(stopped), not facts["suppressed"],
                           "topic", values=stopped)  # fmt: skip
        found = "needs none, being about orders" if exempt else self._words.permitted(permitted)
        yield self._reason(Refusal.NO_CONSENT.value, f"consent: {{topic: {campaign.topic}}}", found, facts["consents"],
                           "topic", values=permitted)  # fmt: skip
        if campaign.holdout.share or arm is not Arm.EMAILED:
            held = {Arm.EMAILED: "is emailed", Arm.HOLDOUT: "is held out", Arm.PROJECT: "is held out by the project"}
            share = campaign.holdout.share
            yield self._reason("holdout", f"holdout: {share:.0%}", held[arm], arm is Arm.EMAILED)
        yield from self._limits()
        if not facts["suppressed"] and facts["consents"]:
            yield verdict_of(gate.ask(self._asked(answered), self._bounds, self._now), self._words)

    def _limits(self) -> Iterator[Reason]:
        for one in limits_of(self._release.program, self.course, self._now):
            used = taken(self._connection, one.scope, one.bucket)
            text = f"limits: {{per_{one.per}: {one.most}}} of the {one.scope}"
            own = ("limits", f"per_{one.per}") if one.scope != "project" else ("-",)
            yield self._reason(Refusal.LIMIT.value, text, f"{used} used", used < one.most, *own,
                               flips_at=one.frees_at if used >= one.most else None)  # fmt: skip

    def _asked(self, answered: Answered) -> gate.Asked:
        """The gate's question about an email that would be due now."""
        facts, name = answered.facts, self.course.campaign.name
        zone = self._release.program.zone_of(facts["timezone"])
        own, shared = self._claims.get(answered.contact_id, []), self._claims.get(facts["account_id"], [])
        return gate.Asked(
            stands_there=True, held_out=False, answers=Answers(), suppressed=False, consents=True,
            expires_at=self.course.campaign.expires.after(self._now, zone), capped_since=None, zone=zone,
            claims=[at for at, _ in own], campaign_claims=[at for at, campaign in own if campaign == name],
            account_claims=[at for at, _ in shared],
            account_campaign_claims=[at for at, campaign in shared if campaign == name], country=facts["country"],
        )  # fmt: skip

    # when they are looked at

    def _next(self, facts: Mapping[str, Any]) -> tuple[str, datetime | None]:
        enter, planned = self.course.campaign.enter, facts["look_at"]
        if not self.course.lets_in(self._now):
            return "nobody is looked at while it lets nobody in", None
        if isinstance(enter, EnterOn):
            return f"when {enter.on} comes", None
        if isinstance(enter, EnterByLook) and enter.look.at is not None:
            at = self._state.get("next_look_at") or enter.look.next(self._now, self._release.program.zone)
            return "at the campaign's next look", at
        if isinstance(enter, EnterAtMoment):
            program = self._release.program
            at = enter.moment(program.zone_of(facts["timezone"]), program.zone)
            return ("at the moment", at) if at > self._now else ("when they leave the other campaign", None)
        if facts["marked"]:
            return "at once", self._now
        if planned:
            return "when time may change an answer, or something happens before", planned
        return "when something about them changes", None


def _under(facts: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in facts.items() if name.startswith(prefix)}
