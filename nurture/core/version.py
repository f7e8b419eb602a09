"""A campaign's version by what it means, and in words what tells one version from another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from nurture.core.campaign import Campaign, IfStep, SendStep, SplitStep, StepBase, WaitStep, ways
from nurture.core.program import Course

EmailName = tuple[str, str, str]
"""Step, locale, variant."""

Moves = Mapping[str, str]
"""Steps that got another id: the new one by the old one."""

HOW = frozenset({"edits", "moved", "removed"})
"""Keys that say how an edit is taken, and nothing else."""

OUTSIDE = frozenset({
    "title", "owner", "status", "audience", "enter", "starts", "ends", "re_enter", "overlap", "holdout",
})  # fmt: skip
"""Keys that mean nothing for those who are inside already."""

LEAVING = frozenset({"goal", "exit_when", "stay_while"})
"""Keys that say who leaves."""


@dataclass(frozen=True)
class Version:
    """What a campaign means: its steps and rules, and the digest of each of its compiled emails."""

    course: Course
    emails: Mapping[EmailName, str]

    def emails_of(self, step: str) -> dict[tuple[str, str], str]:
        """The emails of a step by locale and variant."""
        return {name[1:]: digest for name, digest in self.emails.items() if name[0] == step}


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs, one sentence each. `inside`: the way of those inside differs; `emails`: what they are sent on it
    does; `leaving`: when they leave does."""

    words: tuple[str, ...]
    inside: bool
    emails: bool
    leaving: bool

    def __bool__(self) -> bool:
        return bool(self.words)


def difference(old: Version, new: Version, moves: Moves) -> Difference:
    """What differs between two versions of one campaign; a file that was only laid out anew differs in nothing."""
    before, after = old.course.campaign, new.course.campaign
    keys = [key for key in type(after).model_fields if key not in HOW | {"name", "steps"}]
    changed = [key for key in keys if getattr(before, key) != getattr(after, key)]
    steps = (*_gone_and_new(old, new, moves), *_elsewhere(old, new, moves), *_other_steps(old, new, moves))
    emails = tuple(f"the email of '{name}' is changed" for name in _other_emails(old, new))
    inside = bool(steps) or any(key not in OUTSIDE for key in changed)
    leaving = any(key in LEAVING for key in changed)
    return Difference((*_keys(before, after, changed), *steps, *emails), inside, bool(emails), leaving)


def _keys(before: Campaign, after: Campaign, changed: list[str]) -> Iterator[str]:
    for key in changed:
        name = type(after).model_fields[key].alias or key
        if key in ("status", "title", "topic"):
            yield f"{name} is {getattr(after, key)} instead of {getattr(before, key)}"
        else:
            yield f"{name} is changed"


def _gone_and_new(old: Version, new: Version, moves: Moves) -> Iterator[str]:
    before, after = old.course.places, new.course.places
    yield from (f"step '{one}' is now '{other}'" for one, other in moves.items())
    yield from (f"step '{name}' is gone" for name in before if name not in after and name not in moves)
    yield from (f"step '{name}' is new" for name in after if name not in before and name not in moves.values())


def _order(course: Course, moves: Moves) -> list[tuple[str, str]]:
    """Every step with the way it lies on, in the file's order."""
    on: dict[str, str] = {}
    for name, place in course.places.items():
        for number, inside in enumerate(ways(place.step)):
            on.update((step.id, f"{moves.get(name, name)} {number}") for step in inside)
    return [(moves.get(name, name), on.get(name, "")) for name in course.places]


def _elsewhere(old: Version, new: Version, moves: Moves) -> Iterator[str]:
    both = {moves.get(name, name) for name in old.course.places} & set(new.course.places)
    before = [one for one in _order(old.course, moves) if one[0] in both]
    after = [one for one in _order(new.course, {}) if one[0] in both]
    matched = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    kept = {name for block in matched for name, _ in after[block.b : block.b + block.size]}
    yield from (f"step '{name}' stands elsewhere" for name, _ in after if name not in kept)


def _other_steps(old: Version, new: Version, moves: Moves) -> Iterator[str]:
    for name, place in old.course.places.items():
        now = new.course.places.get(moves.get(name, name))
        if now is None:
            continue
        if not same_step(place.step, now.step):
            yield _other(place.step, now.step)


def _other_emails(old: Version, new: Version) -> Iterator[str]:
    """Steps that say what they said, and whose templates say something else."""
    for name, place in new.course.places.items():
        before = old.course.places.get(name)
        same = before is not None and same_step(before.step, place.step)
        if same and old.emails_of(name) != new.emails_of(name):
            yield name


def same_step(one: StepBase, other: StepBase) -> bool:
    """Whether two steps do the same themselves, whatever their ids and the steps inside them."""
    if type(one) is not type(other):
        return False
    if isinstance(one, SplitStep) and isinstance(other, SplitStep):
        return [(path.id, path.share) for path in one.split] == [(path.id, path.share) for path in other.split]
    own = [name for name in type(one).model_fields if name not in ("id", "then", "else_")]
    return all(getattr(one, name) == getattr(other, name) for name in own)


def _other(before: StepBase, after: StepBase) -> str:
    match before, after:
        case WaitStep(), WaitStep():
            return f"'{after.id}' waits {_said(after)} instead of {_said(before)}"
        case SendStep(), SendStep() if before.send != after.send:
            return f"'{after.id}' sends {after.send} instead of {before.send}"
        case SendStep(), SendStep():
            return f"the email of '{after.id}' is changed"
        case IfStep(), IfStep():
            return f"'{after.id}' asks something else"
        case SplitStep(), SplitStep():
            return f"'{after.id}' shares people out otherwise"
        case _ if type(before) is type(after):
            return f"'{after.id}' does something else"
        case _:
            return f"'{after.id}' is another kind of step"


def _said(step: WaitStep) -> str:
    said = step.model_dump(mode="json", by_alias=True, exclude_unset=True)["wait"]
    return said if isinstance(said, str) else "otherwise"
