"""`nurture test`: play the scenarios that stand beside the campaigns."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import rich_click as click

from nurture.cli.frame import console, emit, json_option, plain, project_directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nurture.actions.outcome import Played
    from nurture.actions.scenarios import Covered


@click.command("test")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("-k", "title", metavar="TEXT", help="Only scenarios whose title contains this.")
@click.option("--campaign", "campaigns", metavar="NAME", multiple=True, help="Only scenarios of this campaign.")
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Also write the results as JUnit XML, which CI systems read.")  # fmt: skip
@click.option("--coverage", is_flag=True, help="Also tell which ways through the campaigns no scenario has gone.")
@json_option
@click.pass_context
def command(
    ctx: click.Context, paths: tuple[Path, ...], title: str | None, campaigns: tuple[str, ...], junit: Path | None,
    coverage: bool, as_json: bool,
) -> None:  # fmt: skip
    """Play the scenarios in campaigns/tests, each on campaigns that have just gone live and a clock that jumps.

    What runs is what `nurture run` runs, on a database of its own: nothing is sent, and the project's own database
    is not opened. Drafts are tried as if they were live. Ends with 0 if all came as the stories say, with 1 if one
    did not or a file has an error.

    Example:

      nurture test

      nurture test --campaign wake-up -k "last call"

      nurture test --junit test-results.xml
    """
    from nurture.actions.ground import grounds
    from nurture.actions.scenarios import check_live, covered, play_all, wanted
    from nurture.files.problems import count, show_all

    directory, began = project_directory(ctx), perf_counter()
    checked = check_live(directory)
    if checked.errors:
        console(stderr=True).print(show_all(checked.errors, checked.loaded.files) + "\n", soft_wrap=True)
        raise click.ClickException(f"{count(checked.errors)}; nothing was played")
    with grounds(checked) as ready:
        which = wanted(checked, directory, paths, title, campaigns)
        played = list(play_all(checked, ready, which))
    if junit:
        from nurture.cli.junit import write_junit

        write_junit(junit, played, checked.loaded.files)
    ways = covered(checked, played, campaigns) if coverage else None
    emit(_told(played, ways), as_json, lambda _: _show(played, checked.loaded.files, perf_counter() - began, ways))
    if not played or not all(one.passed for one in played):
        ctx.exit(1)


def _told(played: Sequence[Played], ways: Sequence[Covered] | None) -> dict[str, Any]:
    failed = sum(not one.passed for one in played)
    shown = [{name: value for name, value in asdict(one).items() if name != "reached"} for one in played]
    told = {"ok": not failed and bool(played), "passed": len(played) - failed, "failed": failed, "scenarios": shown}
    return told | ({} if ways is None else {"coverage": ways})


def _show(
    played: Sequence[Played], files: Mapping[str, str], seconds: float, ways: Sequence[Covered] | None
) -> None:
    from nurture.cli.difference import difference

    for one in played:
        if not one.passed:
            console().print(difference(one, files[one.path]) + "\n", soft_wrap=True)
    for path in dict.fromkeys(one.path for one in played):
        mine = [one for one in played if one.path == path]
        passed = sum(one.passed for one in mine)
        print(plain(f"{'ok  ' if passed == len(mine) else 'FAIL'}  {path}  {passed} of {len(mine)}"))
    if not played:
        print("There are no such scenarios; write some in campaigns/tests.")
        return
    failed, alone = sum(not one.passed for one in played), sum(one.seconds for one in played)
    print(f"\n{len(played) - failed} of {len(played)} scenarios came as they are told; {seconds:.1f} s, "
          f"the stories alone {alone:.1f} s")  # fmt: skip
    if ways is not None:
        _show_ways(ways)


def _show_ways(ways: Sequence[Covered]) -> None:
    print()
    for one in ways:
        print(plain(f"{one.campaign}: {one.branches - len(one.missing)} of {one.branches} ways gone"))
        for branch in one.missing:
            print(plain(f"  no scenario: {branch}"))
