"""What changed between two states of a project's files, by meaning: keys, and the emails that come out of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from nurture.actions.check import Checked, EmailKey
from nurture.core.comparison import KeyChange, compare
from nurture.core.wording import flow
from nurture.files.folder import CAMPAIGNS, PROJECT, TEMPLATES
from nurture.files.positions import Node, Path, Positions
from nurture.files.tree import read

Email = tuple[str, str, str]
"""Campaign, step, variant ("" where the step has none)."""


@dataclass(frozen=True, slots=True)
class ChangedKey:
    """One key: `sign` is + - or ~, `path` like `steps.rest.wait`, the values as they are written.

    It stands in `file` at `line` and `column`, None where the new file says nothing of it.
    """

    sign: str
    path: str
    before: str | None
    after: str | None
    file: str
    line: int | None
    column: int | None


@dataclass(frozen=True, slots=True)
class ChangedCampaign:
    """A campaign that came (+), went (-) or means something else (~); `emails` are those of its steps that changed.

    `!` is one whose file has errors.
    """

    sign: str
    campaign: str
    title: str
    file: str
    keys: tuple[ChangedKey, ...] = ()
    emails: tuple[Email, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedTemplate:
    """A file below templates/emails that came, went or changed, with the emails that are other ones by it."""

    sign: str
    file: str
    emails: tuple[Email, ...]

    @property
    def campaigns(self) -> tuple[str, ...]:
        """Whose emails they are."""
        return tuple(dict.fromkeys(name for name, _, _ in self.emails))


@dataclass(frozen=True, slots=True)
class Changes:
    """All that changed. Files that only look different are in none of it."""

    project: tuple[ChangedKey, ...]
    campaigns: tuple[ChangedCampaign, ...]
    templates: tuple[ChangedTemplate, ...]

    def __bool__(self) -> bool:
        return bool(self.project or self.campaigns or self.templates)


def changes(before: Checked | None, after: Checked) -> Changes:
    """What `after` means that `before` did not; before a project's beginning, everything came."""
    old = {one.name: one for one in before.campaigns} if before else {}
    new = {one.name: one for one in after.campaigns}
    emails = changed_emails(before, after)
    names = sorted({*old, *new, *after.broken})
    found = [_campaign(name, old.get(name), new.get(name), emails, before, after) for name in names]
    project: Iterable[ChangedKey] = ()
    if before and before.project and after.project:
        project = _keys(before.project, after.project, PROJECT, before, after)
    return Changes(tuple(project), tuple(one for one in found if one), tuple(_templates(before, after, emails)))


def changed_emails(before: Checked | None, after: Checked) -> frozenset[EmailKey]:
    """The emails that there were, and that are other ones now, whatever changed them; in any language."""
    old = before.emails if before else {}
    return frozenset(key for key, email in after.emails.items() if key in old and old[key].digest != email.digest)


def _campaign(
    name: str, old: Any, new: Any, emails: frozenset[EmailKey], before: Checked | None, after: Checked
) -> ChangedCampaign | None:
    file = f"{CAMPAIGNS}/{name}.yaml"
    if name in after.broken:
        return ChangedCampaign("!", name, "its file has errors, see nurture check", file)
    if new is None:
        return ChangedCampaign("-", name, old.title, file)
    if old is None or before is None:
        return ChangedCampaign("+", name, new.title, file)
    keys = tuple(_keys(old, new, file, before, after))
    mine = _named(key for key in emails if key[0] == name)
    return ChangedCampaign("~", name, new.title, file, keys, mine) if keys or mine else None


def _named(keys: Iterable[EmailKey]) -> tuple[Email, ...]:
    return tuple(sorted({(campaign, step, variant) for campaign, step, _, variant in keys}))


# --- keys ------------------------------------------------------------------------------------------------


def _keys(old: BaseModel, new: BaseModel, file: str, before: Checked, after: Checked) -> Iterator[ChangedKey]:
    then, now = (_Written(file, one.loaded.files.get(file, "")) for one in (before, after))
    for one in compare(old, new):
        place = now.place(one)
        yield ChangedKey(
            one.sign, ".".join(one.path), then.said(one, one.before), now.said(one, one.after), file,
            *(place or (None, None)),
        )  # fmt: skip


class _Written:
    """A file's keys as they are written, found by a path of keys and ids."""

    def __init__(self, file: str, text: str) -> None:
        root, _ = read(file, text)
        self._positions = Positions(root, file) if root else None

    def said(self, one: KeyChange, value: Any) -> str | None:
        """The value as it is written there, or as it is meant where it is not."""
        if value is None:
            return None
        node, whole = self._find(one.path)
        return flow(node.data() if node and whole else value)

    def place(self, one: KeyChange) -> tuple[int, int] | None:
        """Line and column of the key, or of as much of its path as there is; None where it is gone."""
        if one.after is None or self._positions is None:
            return None
        path = self._real(one.path)
        found = self._positions.key(path) if path else None
        return (found.line, found.column) if found else None

    def _find(self, path: tuple[str, ...]) -> tuple[Node | None, bool]:
        real = self._real(path)
        return (self._positions.node(real) if self._positions else None), len(real) == len(path)

    def _real(self, path: tuple[str, ...]) -> Path:
        """The path with places of items instead of their ids, as far as the file spells it out."""
        node, real = self._positions.root if self._positions else None, []
        for name in path:
            if node is None:
                break
            at = _place_of(node, name) if node.items is not None else name
            node = node.child(at) if at is not None else None
            if node is not None and at is not None:
                real.append(at)
        return tuple(real)


def _place_of(items: Node, name: str) -> int | None:
    """The place of the item with that id."""
    for place, item in enumerate(items.items or ()):
        named = item.child("id")
        if named is not None and named.value == name:
            return place
    return None


# --- templates -------------------------------------------------------------------------------------------


def _templates(before: Checked | None, after: Checked, emails: frozenset[EmailKey]) -> Iterator[ChangedTemplate]:
    """The template files whose text differs, each with the emails that it changed; of those nobody sends, none."""
    if before is None:
        return
    old, new = before.loaded.templates, after.loaded.templates
    made_from: Mapping[str, list[EmailKey]] = defaultdict(list)
    for key in emails:
        for path in after.sources.get(key, ()):
            made_from[path].append(key)
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path):
            sign = "+" if path not in old else "-" if path not in new else "~"
            changed = _named(made_from.get(path, ()))
            if changed or sign != "~":
                yield ChangedTemplate(sign, f"{TEMPLATES}/{path}", changed)
