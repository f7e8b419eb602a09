"""What a story expects, asked of the rows: each expectation is waited for, or so now, or it deviates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.actions.cast import MAIN, Cast
from nurture.actions.contacts import show_contact
from nurture.actions.explain import Reason, explain
from nurture.actions.ground import Ground, Letter
from nurture.actions.outcome import Deviates, left_because, localised
from nurture.core.decide import Arm
from nurture.core.moments import (
    NOTHING,
    Enters,
    Exits,
    Gets,
    Has,
    InStage,
    IsSuppressed,
    Lacks,
    Moment,
    Skips,
    StandsAt,
    StaysOut,
    Tells,
)
from nurture.core.told_day import ToldDay
from nurture.core.values import Hours, parse_duration
from nurture.core.zone import from_local
from nurture.store.seen import Row, enrollments_of, messages_of, notices_of

LONGEST = timedelta(days=120)
"""How long something that is expected is waited for, where no day is named."""

A_WEEK = parse_duration("1 week")


class Expectations:
    """What must be so of the people of one story; what was spoken of once is not meant again."""

    def __init__(self, ground: Ground, cast: Cast) -> None:
        self._ground, self.cast = ground, cast
        self._read: dict[str, int] = {}
        self._seen: set[str] = set()
        self.lacked: set[tuple[str, str]] = set()
        """Campaigns, and what was said, and is right, to keep somebody out of them."""
        self._kinds: Mapping[type[Moment], Callable[[Any], None]] = {
            Gets: self._gets, Enters: self._enters, StaysOut: self._stays_out, Exits: self._exits, Skips: self._skips,
            StandsAt: self._stands_at, InStage: self._in_stage, Has: self._has, Lacks: self._has,
            IsSuppressed: self._suppressed, Tells: self._tells,
        }  # fmt: skip

    def expect(self, moment: Moment) -> None:
        """Let time pass until it is so. Raises Deviates where it is otherwise, or never."""
        self._kinds[type(moment)](moment)

    def nothing_unread(self) -> None:
        """The contact got no email that the story does not speak of. Raises Deviates."""
        letter = self._unread(MAIN)
        if letter:
            said = localised(letter.at, self.cast.zone(MAIN))
            instead = f"the email of '{self._named(letter)}' came on {said}, and the story does not say so"
            raise Deviates(instead, letter.at)

    def _who(self, moment: Moment) -> str:
        return moment.who or MAIN

    def _zone(self, moment: Moment) -> ZoneInfo:
        return self.cast.zone(self._who(moment))

    def _says(self, at: datetime, moment: Moment) -> str:
        return localised(at, self._zone(moment))

    def _await(self, find: Callable[[], Any], on: ToldDay | None, zone: ZoneInfo) -> Any:
        """What `find` finds, now or after any pass to come; None where it never does."""
        if (found := find()) is not None:
            return found
        end = self._ground.now + LONGEST
        if on and on.day:
            end = max(self._ground.now, from_local(on.day + timedelta(days=1), time(), zone))
        for _ in self._ground.pass_until(end):
            if (found := find()) is not None:
                return found
        return None

    def _on_time(self, moment: Gets | Enters | Exits | Skips, at: datetime, what: str) -> None:
        local = at.astimezone(self._zone(moment))
        if moment.on and not moment.on.is_on(local.date()):
            raise Deviates(f"{what} {self._says(at, moment)}", at)
        clock = local.time().replace(second=0, microsecond=0)
        if moment.at and not (clock in moment.at if isinstance(moment.at, Hours) else clock == moment.at):
            raise Deviates(f"{what} {self._says(at, moment)}", at)

    # --- emails --------------------------------------------------------------------------------------

    def _unread(self, who: str) -> Letter | None:
        mine = [one for one in self._ground.letters if one.outgoing.contact_id == self.cast.ids[who]]
        read = self._read.get(who, 0)
        return mine[read] if read < len(mine) else None

    def _gets(self, moment: Gets) -> None:
        who = self._who(moment)
        if moment.gets == NOTHING:
            self._gets_nothing(moment, who)
            return
        letter: Letter | None = self._await(lambda: self._unread(who), moment.on, self._zone(moment))
        if letter is None:
            raise Deviates(f"no email came until {self._says(self._ground.now, moment)}{self._state(who)}")
        campaign, step = self.cast.place(moment.gets)
        what = f"the email of '{self._named(letter)}' came on"
        if (letter.outgoing.campaign, letter.outgoing.step) != (campaign, step):
            raise Deviates(f"{what} {self._says(letter.at, moment)}", letter.at)
        self._on_time(moment, letter.at, what)
        row = next(row for row in self._messages(who, moment.gets) if row["id"] == letter.outgoing.message_id)
        self._seen.add(f"enters {row['enrollment_id']}")
        self._reads(moment, letter, row["variant"])
        self._read[who] = self._read.get(who, 0) + 1

    def _gets_nothing(self, moment: Gets, who: str) -> None:
        if moment.for_:
            self._ground.let_pass(moment.for_.after(self._ground.now, self._zone(moment)))
        letter = self._unread(who)
        if letter:
            raise Deviates(f"the email of '{self._named(letter)}' came on {self._says(letter.at, moment)}", letter.at)

    def _named(self, letter: Letter) -> str:
        one = letter.outgoing
        return one.step if one.campaign == self.cast.campaign else f"{one.campaign}/{one.step}"

    def _reads(self, moment: Gets, letter: Letter, variant: str | None) -> None:
        email = letter.outgoing.email
        for key, wanted, there in (("subject", moment.subject, email.subject), ("text", moment.text, email.text)):
            if wanted and " ".join(wanted.split()) not in " ".join(there.split()):
                raise Deviates(f"its {key} is: {' '.join(there.split())[:600]}", letter.at)
        if moment.variant and variant != moment.variant:
            raise Deviates(f"it was the variant '{variant}'" if variant else "that step has no variants", letter.at)

    # --- campaigns -----------------------------------------------------------------------------------

    def _enrollments(self, who: str, campaign: str) -> list[Row]:
        with self._ground.database.read() as connection:
            return list(enrollments_of(connection, self.cast.ids[who], campaign))

    def _messages(self, who: str, name: str) -> list[Row]:
        with self._ground.database.read() as connection:
            return list(messages_of(connection, self.cast.ids[who], *self.cast.place(name)))

    def _first(self, rows: list[Row], mark: str) -> Row | None:
        """The first of the rows that no line of the story has spoken of."""
        return next((row for row in rows if f"{mark} {row['id']}" not in self._seen), None)

    def _enters(self, moment: Enters) -> None:
        who = self._who(moment)
        found: Row | None = self._await(
            lambda: self._first(self._enrollments(who, moment.enters), "enters"), moment.on, self._zone(moment)
        )
        if found is None:
            lacks = "; ".join(map(_reason, self._lacking(who, moment.enters))) or "nothing that can be seen"
            until = self._says(self._ground.now, moment)
            raise Deviates(f"they did not enter '{moment.enters}' until {until}; they lack: {lacks}")
        self._seen.add(f"enters {found['id']}")
        self._on_time(moment, found["entered_at"], f"they entered '{moment.enters}' on")
        held_out = found["arm"] != Arm.EMAILED
        if moment.held_out is not None and moment.held_out != held_out:
            raise Deviates(f"they are {'' if held_out else 'not '}held out", found["entered_at"])

    def _lacking(self, who: str, campaign: str) -> list[Reason]:
        """What keeps somebody out of a campaign now."""
        ground, contact_id = self._ground, self.cast.ids[who]
        with ground.database.read() as connection:
            found = explain(connection, ground.release, campaign, [contact_id], ground.now, self.cast.zone(who))
        return list(found[contact_id].failing)

    def _stays_out(self, moment: StaysOut) -> None:
        who, campaign = self._who(moment), moment.stays_out
        before = self._enrollments(who, campaign)
        if any(row["state"] == "live" for row in before):
            raise Deviates(self._state(who, campaign).removeprefix("; "))
        lacking = self._lacking(who, campaign)
        meant = [one for one in lacking if moment.because and moment.because.casefold() in _reason(one).casefold()]
        if moment.because and not meant:
            raise Deviates(f"what they lack is: {'; '.join(map(_reason, lacking)) or 'nothing'}")
        self.lacked |= {(campaign, one.text if one.name == "where" else one.name) for one in meant}
        self._ground.let_pass((moment.for_ or A_WEEK).after(self._ground.now, self._zone(moment)))
        for entered in self._enrollments(who, campaign)[len(before) :]:
            at = entered["entered_at"]
            raise Deviates(f"they entered '{campaign}' on {self._says(at, moment)}", at)

    def _exits(self, moment: Exits) -> None:
        who = self._who(moment)
        found: Row | None = self._await(lambda: self._ended(who, moment.exits), moment.on, self._zone(moment))
        if found is None:
            until = self._says(self._ground.now, moment)
            raise Deviates(f"they did not leave '{moment.exits}' until {until}{self._state(who, moment.exits)}")
        self._seen |= {f"exits {found['id']}", f"enters {found['id']}"}
        course = self._ground.release.program.courses[moment.exits]
        if moment.because and not left_because(course.campaign, found["reason"], moment.because):
            at = self._says(found["ended_at"], moment)
            raise Deviates(f"they left on {at} because of: {found['reason']}", found["ended_at"])
        self._on_time(moment, found["ended_at"], f"they left '{moment.exits}' on")

    def _ended(self, who: str, campaign: str) -> Row | None:
        return self._first([row for row in self._enrollments(who, campaign) if row["ended_at"]], "exits")

    def _skips(self, moment: Skips) -> None:
        who = self._who(moment)
        found: Row | None = self._await(lambda: self._refused(who, moment.skips), moment.on, self._zone(moment))
        if found is None:
            until = self._says(self._ground.now, moment)
            raise Deviates(f"the email of '{moment.skips}' was not skipped until {until}{self._state(who)}")
        self._seen.add(f"skips {found['id']}")
        if moment.because and moment.because not in (found["reason"] or ""):
            raise Deviates(f"it was skipped because of: {found['reason']}", found["settled_at"])
        self._on_time(moment, found["settled_at"], "it was skipped on")

    def _refused(self, who: str, name: str) -> Row | None:
        rows = [row for row in self._messages(who, name) if row["state"] in ("skipped", "rejected")]
        return self._first(rows, "skips")

    def _stands_at(self, moment: StandsAt) -> None:
        who = self._who(moment)
        campaign, step = self.cast.place(moment.stands_at)
        if not any(row["state"] == "live" and row["step"] == step for row in self._enrollments(who, campaign)):
            raise Deviates(self._state(who, campaign).removeprefix("; ") or f"they are not in '{campaign}'")

    def _state(self, who: str, campaign: str = "") -> str:
        """Where they are now, for the end of a sentence."""
        rows = self._enrollments(who, campaign or self.cast.campaign)
        if not rows:
            return f"; they never entered '{campaign or self.cast.campaign}'"
        last = rows[-1]
        if last["state"] == "live":
            return f"; they stand at '{last['step']}' ({last['why'] or 'to be decided'})"
        return f"; they left '{last['campaign']}' on {localised(last['ended_at'], self.cast.zone(who))} " \
               f"({last['reason']})"  # fmt: skip

    # --- what is so now ------------------------------------------------------------------------------

    def _known(self, moment: Moment) -> dict[str, Any]:
        return show_contact(self._ground.database, self.cast.address(self._who(moment)))

    def _in_stage(self, moment: InStage) -> None:
        stage = self._known(moment)["contact"]["stage"]
        if stage != moment.stage:
            raise Deviates(f"they are in the stage '{stage}'", self._ground.now)

    def _has(self, moment: Has | Lacks) -> None:
        known = self._known(moment)
        wanted, there = (moment.has, True) if isinstance(moment, Has) else (moment.lacks, False)
        tags, attributes = set(known["tags"]), known["contact"]["attributes"]
        wrong = [tag for tag in wanted.tags if (tag in tags) != there]
        wrong += [key for key, value in wanted.attributes.items()
                  if (key in attributes and attributes[key] == value) != there]  # fmt: skip
        if wrong:
            has = f"tags: {', '.join(sorted(tags)) or 'none'}; attributes: {attributes or 'none'}"
            raise Deviates(f"{'missing' if there else 'there'}: {', '.join(wrong)} ({has})", self._ground.now)

    def _suppressed(self, moment: IsSuppressed) -> None:
        rows = self._known(moment)["suppressions"]
        reason = rows[0]["reason"] if rows else "no"
        if reason != moment.suppressed:
            raise Deviates(f"it is suppressed: {reason}", self._ground.now)

    def _tells(self, moment: Tells) -> None:
        with self._ground.database.read() as connection:
            rows = notices_of(connection, self.cast.ids[self._who(moment)], moment.tells)
        told = [str(row["data"].get("about", row["kind"])) for row in rows]
        if not (moment.about in told if moment.about else told):
            raise Deviates(f"it was told of: {', '.join(told) or 'nothing'}", self._ground.now)


def _reason(one: Reason) -> str:
    return f"{one.name}, {one.text}: {one.found}"
