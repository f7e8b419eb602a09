"""A plan as a comment on a pull request: short at first sight, the rest to be unfolded; never too long for GitHub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nurture.cli.plan_rows import (
    Changed,
    Table,
    changed_things,
    collisions,
    key_changed,
    limits,
    moment,
    period,
    still_waiting,
    summed_up,
    table_of,
    under_way,
)
from nurture.store.foreseen import What

if TYPE_CHECKING:
    from nurture.actions.plan import Plan

MOST = 60_000
"""Characters; GitHub refuses a comment of more than 65,536."""

MARK = "<!-- nurture plan -->"
"""By this the comment is found again, to be written anew instead of beside."""


def show(plan: Plan, days: int) -> None:
    """Print it. What finds no room is left out, and said to be."""
    print(comment(plan, days))


def comment(plan: Plan, days: int) -> str:
    """The comment: the sum, the changes, and each part folded."""
    text = f"{MARK}\n### Plan: {_text(summed_up(plan, days))}\n\n{_changes(plan)}\n\n{_text(period(plan))}\n"
    left_out = []
    for title, body in _parts(plan):
        part = f"\n<details><summary>{_text(title)}</summary>\n\n{body}\n\n</details>\n"
        if len(text) + len(part) < MOST:
            text += part
        else:
            left_out.append(title)
    return text + (f"\nLeft out for their length: {_text(', '.join(left_out))[:2000]}.\n" if left_out else "")


def _changes(plan: Plan) -> str:
    changes = plan.changes
    if not changes:
        return f"No changes, compared with {_text(plan.against)}."
    lines = [line for one in changed_things(changes) for line in _changed(one)]
    return _cut([f"Compared with {_text(plan.against)}:", "", *lines])


def _cut(lines: Sequence[str]) -> str:
    """As many lines as a third of the room holds."""
    text = ""
    for number, line in enumerate(lines):
        if len(text) + len(line) > MOST // 3:
            return f"{text}- … and {len(lines) - number:,} lines more: `nurture plan` prints them all\n"
        text += f"{line}\n"
    return text


def _changed(one: Changed) -> Iterator[str]:
    yield f"- `{one.sign}` {_text(one.what)}" + (f": {_text(one.title)}" if one.title else "")
    for key in one.keys:
        yield f"  - `{key.sign}` {_text(key_changed(key))}" + (f" (line {key.line})" if key.line else "")


def _parts(plan: Plan) -> Iterator[tuple[str, str]]:
    touched = sum(edit.people for edit in plan.edits)
    if touched:
        yield f"{touched:,} people are under way in what changes", _table(under_way(plan))
    for name in plan.campaigns:
        found = table_of(plan, name)
        if found.rows:
            yield (
                f"{name}: {_sum(plan, name, What.ENTER):,} enter, {_sum(plan, name, What.SENT):,} emails",
                _table(found),
            )
    for title, found in (
        ("Collisions", collisions(plan)),
        ("Limits", limits(plan)),
        ("Still waiting at the end", still_waiting(plan)),
    ):
        if found.rows:
            yield title, _table(found)
    if plan.contact:
        story = [(moment(plan, one.at), one.text) for one in plan.contact.story]
        yield plan.contact.address, _table(Table(("when", "what"), story))


def _sum(plan: Plan, campaign: str, what: What) -> int:
    return sum(one.count for one in plan.figures if one.campaign == campaign and one.what == what)


def _table(found: Table) -> str:
    lines = [found.columns, ["---"] * len(found.columns), *found.rows]
    return "\n".join(f"| {' | '.join('' if cell is None else _cell(cell) for cell in line)} |" for line in lines)


def _cell(value: object) -> str:
    return str(value) if value == "---" else _text(value)


_PLAIN = str.maketrans(
    {**{char: f"&#{ord(char)};" for char in "&<>"}, **{char: f"\\{char}" for char in "\\`*_|[]~#"}, "@": "@\u200b"}
)


def _text(value: object) -> str:
    """Text that Markdown and HTML leave as it is, in one line, and that calls nobody by their name at GitHub."""
    return " ".join(str(value).split()).translate(_PLAIN)
