"""`nurture why`: the story of one person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import console, emit, json_option, plain, project_directory, table

if TYPE_CHECKING:
    from nurture.actions.explain import Explained, Reason
    from nurture.actions.story import Happened
    from nurture.actions.why import Next, Why


@click.command("why")
@click.argument("address")
@click.argument("campaign", required=False)
@json_option
@click.pass_context
def command(ctx: click.Context, address: str, campaign: str | None, as_json: bool) -> None:
    """Why a contact got, or did not get, an email: all that happened in order, every decision with the values it
    rested on and the file, line and version of its rule.

    Then what comes next and when, with what would let them leave as it stands now; and for each campaign they are not
    in, each of its conditions with the value that was found. With CAMPAIGN, only that one. Times are UTC. Ends with 0,
    or with 1 when the address is nobody's.

    Example:

      nurture why ada@example.com

      nurture why ada@example.com wake-up --json
    """
    from nurture.actions.why import why
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    emit(why(opened.database, opened.releases, address, opened.now(), campaign), as_json, _show)


def _show(found: Why) -> None:
    from rich.text import Text

    suppressed = f", not to be mailed ({found.suppressed})" if found.suppressed else ""
    console().print(Text(plain(f"{found.address}: {found.stage}{suppressed}"), style="bold"))
    print()
    table(list(_happened(found.story)), ("when (UTC)", "what", "", "rule"))
    print("\nNext:" if found.next else "\nNext: nothing; they are in no campaign.")
    for one in found.next:
        _show_next(one)
    for other in found.outside:
        _show_outside(other)


def _happened(story: Iterable[Happened]) -> Iterator[tuple[object, ...]]:
    for one in story:
        yield f"{one.at:%Y-%m-%d %H:%M:%S}", one.what, one.text, one.written or ""
        for depth, reason in _flat(one.asked):
            yield "", "", f"{'  ' * (depth + 1)}{_answer(reason)} {reason.text} — {reason.found}", ""


def _flat(reasons: Iterable[Reason], depth: int = 0) -> Iterator[tuple[int, Reason]]:
    for one in reasons:
        yield depth, one
        yield from _flat(one.parts, depth + 1)


def _answer(reason: Reason) -> str:
    return "yes" if reason.holds else "no"


def _show_next(one: Next) -> None:
    held_out = ", held out: no email leaves" if one.held_out else ""
    when = f"asked again at {one.at:%Y-%m-%d %H:%M} UTC" if one.at else "waiting for its email"
    print(plain(f"  {one.campaign} stands at {one.step} since {one.since:%Y-%m-%d %H:%M}, {when}: "
                f"{one.why or 'to be decided'}{held_out}"))  # fmt: skip
    if one.written:
        print(plain(f"  {one.written}"))
    for reason in one.asked:
        _show_reasons([reason], f"{reason.name}: ")
    _show_reasons([one.gate] if one.gate else [])


def _show_outside(other: Explained) -> None:
    verdict = "enters at the next look" if other.enters else "not in it"
    held_out = "; would be held out" if other.held_out else ""
    print(f"\n{other.campaign}: {verdict}{held_out}")
    _show_reasons(other.reasons)
    at = f" (UTC {other.next_at:%Y-%m-%d %H:%M})" if other.next_at else ""
    print(plain(f"  looked at: {other.next}{at}"))
    print("  once in it:")
    _show_reasons(other.mailing)


def _show_reasons(reasons: Iterable[Reason], name: str = "") -> None:
    from rich.text import Text

    for depth, one in _flat(reasons):
        mark, style = ("yes", "green") if one.holds else ("no ", "red")
        turns = f"; changes by itself {one.flips_at:%Y-%m-%d %H:%M}" if one.flips_at else ""
        line = f"  {'  ' * depth}{'' if depth else name}{one.text} — {one.found}{turns}"
        where = f"  {one.written.path}:{one.written.line}" if one.written and not depth else ""
        console().print(Text.assemble("  ", (mark, style), plain(line), (where, "dim")), soft_wrap=True)
