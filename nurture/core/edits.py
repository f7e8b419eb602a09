"""What an edit of campaign files does to the people under way: pure, from two versions and who stands where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum

from nurture.core.campaign import Edits, SendStep, StepBase, WaitStep
from nurture.core.program import Course
from nurture.core.version import Difference, Moves, Version, difference, same_step


class What(StrEnum):
    """What happens to a campaign."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    BACK = "back"


class Fate(StrEnum):
    """What becomes of those who stand at a step."""

    STAYS = "stays"
    RENAMED = "renamed"
    EMAIL = "gets the changed email"
    ASKED = "asked again"
    NEXT = "moves on"
    COMPLETES = "completes"
    EXITS = "leaves"
    FINISHES = "finishes on its version"
    RESTARTS = "restarts"
    KEPT = "kept until told"


@dataclass(frozen=True, slots=True)
class Way:
    """What becomes of the people who stand at `step`: they go on at `to` (None: they are done here).

    `asked`: what they wait for is reckoned again. `arrives`: they come to `to` anew, rather than since when they
    stood at `step`.
    """

    step: str
    to: str | None
    fate: Fate
    people: int = 0
    asked: bool = False
    arrives: bool = False


@dataclass(frozen=True, slots=True)
class Objection:
    """Why an edit cannot be. `at` is where in the new file: a path of keys, or "step" and an id."""

    rule: str
    message: str
    hint: str
    at: tuple[str, ...] = ("steps",)


@dataclass(frozen=True, slots=True)
class Edit:
    """What becomes of one campaign and its people. `words` say what differs, `moves` which steps got another id."""

    campaign: str
    what: What
    mode: Edits
    words: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()
    moves: Moves = field(default_factory=dict)
    objections: tuple[Objection, ...] = ()

    @property
    def touched(self) -> tuple[Way, ...]:
        """The steps at which somebody stands for whom something changes."""
        return tuple(way for way in self.ways if way.people and way.fate is not Fate.STAYS)

    @property
    def people(self) -> int:
        """How many people it touches."""
        return sum(way.people for way in self.touched)


@dataclass(frozen=True)
class People:
    """Those under way. `standing`: how many are at a step of a campaign. `had`: how many of those who stand at a step
    (second) were handed the email of another (third). `ids`: by campaign, ids that steps once had and the ones they
    have since; those of them that are `taken` (campaign and id) somebody under way was there for."""

    standing: Mapping[tuple[str, str], int] = field(default_factory=dict)
    had: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    ids: Mapping[str, Moves] = field(default_factory=dict)
    taken: frozenset[tuple[str, str]] = frozenset()


def edits_of(
    old: Mapping[str, Version], new: Mapping[str, Version], people: People, running: frozenset[str] | None = None
) -> tuple[Edit, ...]:
    """What a change of files does to whom, campaign by campaign; campaigns that mean the same are left out.

    `old` has the last version of every campaign that ever ran, `running` names those that run now (without it, all).
    """
    known = frozenset(old) if running is None else running
    found = [_edit(name, old.get(name), new.get(name), people, name in known) for name in sorted({*old, *new})]
    return tuple(edit for edit in found if edit)


def _edit(name: str, old: Version | None, new: Version | None, people: People, ran: bool) -> Edit | None:
    if new is None:
        return _removed(name, old, people) if old and ran else None
    mode = new.course.campaign.edits
    if old is None:
        return Edit(name, What.ADDED, mode)
    moves = moves_of(old, new, people.ids.get(name, {}))
    differs = difference(old, new, moves)
    if not differs and not moves and ran:
        return None
    ways = tuple(_ways(old, new, moves, differs, _counts(people, name)))
    edit = Edit(name, What.CHANGED if ran else What.BACK, mode, differs.words, ways, moves)
    return replace(edit, objections=tuple(_objections(edit, old, new, people)))


def _counts(people: People, name: str) -> dict[str, int]:
    return {step: count for (campaign, step), count in people.standing.items() if campaign == name}


def _removed(name: str, old: Version, people: People) -> Edit:
    counts = _counts(people, name)
    ways = tuple(Way(step, step, Fate.KEPT, count) for step, count in sorted(counts.items()))
    return Edit(name, What.REMOVED, old.course.campaign.edits, ("its file is gone",), ways)


def moves_of(old: Version, new: Version, once: Moves) -> dict[str, str]:
    """The steps of the old version that have another id in the new one: as its file says, or back to an id they had."""
    before, after = old.course.places, new.course.places
    said = {
        one: other
        for one, other in new.course.campaign.moved.items()
        if one in before and one not in after and other in after
    }
    back = {now: then for then, now in once.items() if now in before and now not in after and then in after}
    return {one: other for one, other in back.items() if other not in before} | said


def _ways(old: Version, new: Version, moves: Moves, differs: Difference, counts: Mapping[str, int]) -> Iterator[Way]:
    mode = new.course.campaign.edits
    for step in [*old.course.places, *sorted(set(counts) - set(old.course.places))]:
        count = counts.get(step, 0)
        if mode is Edits.FINISH and (differs.inside or differs.emails):
            yield Way(step, step, Fate.FINISHES, count)
        elif mode is Edits.RESTART and differs.inside:
            yield Way(step, new.course.first, Fate.RESTARTS, count, arrives=True)
        elif mode is Edits.EXIT and differs.inside:
            yield Way(step, None, Fate.EXITS, count)
        else:
            way = _follow(old.course, new.course, step, moves, count)
            if way.fate is Fate.STAYS and step in new.course.places and old.emails_of(step) != new.emails_of(step):
                way = replace(way, fate=Fate.EMAIL)
            yield _asked(way) if differs.leaving else way


def _asked(way: Way) -> Way:
    if way.to is None or way.asked:
        return way
    return replace(way, fate=Fate.ASKED if way.fate is Fate.STAYS else way.fate, asked=True)


def _follow(old: Course, new: Course, step: str, moves: Moves, count: int) -> Way:
    """Where those go on who stand at a step of the old version."""
    to = moves.get(step, step)
    if to in new.places:
        fate = Fate.STAYS if to == step else Fate.RENAMED
        before, after = _step(old, step), new.places[to].step
        if before is None or same_step(before, after) or type(before) is type(after) is not WaitStep:
            return Way(step, to, fate, count)
        # Another kind of step begins when they come to it; a wait goes on counting from when it began.
        arrives = type(before) is not type(after) and not isinstance(after, WaitStep)
        return Way(step, to, Fate.ASKED if to == step else fate, count, asked=True, arrives=arrives)
    match new.campaign.removed.get(step):
        case "next":
            following = _following(old, new, step, moves)
            fate = Fate.NEXT if following else Fate.COMPLETES
            return Way(step, following, fate, count, asked=True, arrives=True)
        case "exit":
            return Way(step, None, Fate.EXITS, count)
        case _:
            return Way(step, step, Fate.STAYS, count)


def _following(old: Course, new: Course, step: str, moves: Moves) -> str | None:
    """The step that followed in the old version and still exists; None where there is none."""
    name = old.places[step].next if step in old.places else None
    while name is not None and moves.get(name, name) not in new.places:
        name = old.places[name].next
    return None if name is None else moves.get(name, name)


# --- what cannot be -----------------------------------------------------------------------------------


def _objections(edit: Edit, old: Version, new: Version, people: People) -> Iterator[Objection]:
    if edit.mode is not Edits.FOLLOW:
        return
    inside = sum(way.people for way in edit.ways)
    yield from (_lost(old, new, way) for way in edit.ways if way.people and way.to and way.to not in new.course.places)
    if inside:
        yield from _merged(edit, old, inside)
        yield from _reused(edit, old, new, people)
    yield from _twice(edit, old, new, people)


def _lost(old: Version, new: Version, way: Way) -> Objection:
    likely = likely_id(old, new, way.step)
    renamed = f"'moved: {{{way.step}: {likely}}}' if it is '{likely}' now, or " if likely else ""
    near = likely or _following(old.course, new.course, way.step, {})
    return Objection(
        "step-removed", f"{_many(way.people)} at the step '{way.step}', which the file no longer has",
        f"write {renamed}'removed: {{{way.step}: next}}' to let them go on with what followed, or "
        f"'removed: {{{way.step}: exit}}' to let them leave", ("step", near) if near else ("steps",),
    )  # fmt: skip


def _many(count: int) -> str:
    return "1 person stands" if count == 1 else f"{count:,} people stand"


def _merged(edit: Edit, old: Version, inside: int) -> Iterator[Objection]:
    """Two steps cannot become one while somebody may have had the emails of both."""
    for step, to in edit.moves.items():
        if to in old.course.places:
            yield Objection(
                "moved-onto", f"'{to}' was a step of its own already; {inside:,} under way may have had both",
                f"give the step an id that is new, and say what becomes of '{step}' and '{to}'", ("moved", step),
            )  # fmt: skip


def _reused(edit: Edit, old: Version, new: Version, people: People) -> Iterator[Objection]:
    """An id is a step's own for as long as somebody is under way who was mailed under it."""
    once = people.ids.get(edit.campaign, {})
    for name in new.course.places:
        now, taken = once.get(name), (edit.campaign, name) in people.taken
        if now and taken and name not in old.course.places and name not in edit.moves.values():
            yield Objection(
                "step-reused", f"'{name}' was the id of the step that is now '{now}', and people are under way since "
                "then", "give this step an id that no step had", ("step", name),
            )  # fmt: skip


Email = tuple[str, str | None]
"""A template and the subject that stands instead of its own: what makes an email the same to its reader."""


def _emails(step: StepBase | None) -> frozenset[Email]:
    if not isinstance(step, SendStep):
        return frozenset()
    return frozenset((step.template(one), step.subject_of(one)) for one in [v.id for v in step.variants] or [""])


def _step(course: Course, name: str) -> StepBase | None:
    return course.places[name].step if name in course.places else None


def same_emails(old: Version, new: Version) -> Iterator[tuple[str, str]]:
    """Steps of the old version, and the steps of the new one whose email their readers would take for the same."""
    for earlier in old.course.sends:
        yield from ((earlier.id, later.id) for later in new.course.sends if _emails(earlier) & _emails(later))


def repeats(old: Version, new: Version, moves: Moves) -> list[tuple[str, str]]:
    """Pairs of steps: the email of the first, in the old version, is that of the second in the new one.

    The first sends it no more, so the file does not mean it to come twice.
    """
    origin = {other: one for one, other in moves.items()}
    found = []
    for later in new.course.sends:
        fresh = _emails(later) - _emails(_step(old.course, origin.get(later.id, later.id)))
        for earlier in old.course.sends:
            now = moves.get(earlier.id, earlier.id)
            if now != later.id and (_emails(earlier) - _emails(_step(new.course, now))) & fresh:
                found.append((earlier.id, later.id))
    return found


def _twice(edit: Edit, old: Version, new: Version, people: People) -> Iterator[Objection]:
    for earlier, later in repeats(old, new, edit.moves):
        count = sum(
            people.had.get((edit.campaign, way.step, earlier), 0)
            for way in edit.ways
            if way.to and later in new.course.from_here(way.to)
        )
        if count:
            gone = earlier not in new.course.places
            hint = f"write 'moved: {{{earlier}: {later}}}'" if gone else "give it another subject or template"
            yield Objection(
                "sent-twice", f"{count:,} under way had this email as '{earlier}' and would get it again as '{later}'",
                f"{hint}, or 'edits: finish' to let them finish on the version they are in", ("step", later),
            )  # fmt: skip


def likely_id(old: Version, new: Version, step: str) -> str | None:
    """The id that a lost step probably has now: it sends the same, stands in the same place, or sounds alike."""
    fresh = [name for name in new.course.places if name not in old.course.places]
    gone = _step(old.course, step)
    for name in fresh:
        if _emails(gone) & _emails(_step(new.course, name)):
            return name
    if gone is not None:
        before, after = list(old.course.places), list(new.course.places)
        place = before.index(step)
        there = after[place] if place < len(after) else None
        if there in fresh and type(new.course.places[there].step) is type(gone):
            return there
    return next(iter(get_close_matches(step, fresh, 1)), None)
