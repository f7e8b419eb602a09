"""Try a project's campaigns: play the scenarios that stand beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nurture.actions.check import Checked, check_files
from nurture.actions.coverage import Branch, branches
from nurture.actions.ground import Grounds, gone_live
from nurture.actions.outcome import Played
from nurture.actions.play import play
from nurture.core.errors import NotFound
from nurture.core.program import Program
from nurture.files.countries import PublicCalendars
from nurture.files.folder import SCENARIOS, scan
from nurture.files.nearest import did_you_mean
from nurture.files.scenarios import ScenarioFile


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which scenarios are played: all, or those of these files, with this in their title, of these campaigns."""

    paths: tuple[str, ...] = ()
    title: str | None = None
    campaigns: tuple[str, ...] = ()

    def takes(self, file: ScenarioFile, title: str) -> bool:
        """Whether a scenario of a file is one of them."""
        return (
            (not self.paths or file.path in self.paths)
            and (not self.campaigns or file.scenarios.campaign in self.campaigns)
            and (self.title is None or self.title.casefold() in title.casefold())
        )


def check_live(directory: Path) -> Checked:
    """The project checked with its drafts as if they were live."""
    files, problems = scan(directory)
    return check_files(gone_live(files), problems)


def wanted(checked: Checked, directory: Path, paths: Iterable[Path], title: str | None,
           campaigns: Iterable[str]) -> Wanted:  # fmt: skip
    """Which scenarios are meant. Raises NotFound for a path or campaign without any, naming what there is."""
    known = {file.path: file.scenarios.campaign for file in checked.scenarios}
    files = [one for path in paths for one in _files(directory, path, known)]
    named = tuple(campaigns)
    for campaign in named:
        if campaign not in known.values():
            hint = did_you_mean(campaign, set(known.values()), "there are some of") or f"write some in {SCENARIOS}/"
            raise NotFound(f"there are no scenarios of a campaign {campaign!r}; {hint}")
    return Wanted(tuple(files), title, named)


def _files(directory: Path, path: Path, known: Iterable[str]) -> list[str]:
    """The files of scenarios that a path means: itself, or all below it."""
    for base in (path, directory / path):
        try:
            inside = base.resolve().relative_to(directory.resolve()).as_posix()
        except ValueError:
            continue
        found = [one for one in known if one == inside or one.startswith(f"{inside}/") or inside == "."]
        if found:
            return found
    hint = did_you_mean(path.name, [Path(one).name for one in known], "there are") or f"write some in {SCENARIOS}/"
    raise NotFound(f"there are no scenarios in {path}; {hint}")


def play_all(checked: Checked, grounds: Grounds, which: Wanted) -> Iterator[Played]:
    """Play the scenarios that are wanted, in the order of their files."""
    for file in checked.scenarios:
        for number, scenario in enumerate(file.scenarios.scenarios):
            if which.takes(file, scenario.title):
                yield play(grounds, file, number)


@dataclass(frozen=True, slots=True)
class Covered:
    """How many ways there are through a campaign, and those that no story has gone."""

    campaign: str
    branches: int
    missing: tuple[Branch, ...]


def covered(checked: Checked, played: Sequence[Played], campaigns: Sequence[str] = ()) -> list[Covered]:
    """Which ways of the campaigns (all that can run, if none is named) the stories that were played have gone."""
    if checked.project is None:
        return []
    gone = frozenset[Branch]().union(*(one.reached for one in played))
    courses = Program.of(checked.project, checked.campaigns, PublicCalendars()).courses
    found = []
    for name in campaigns or courses:
        ways = list(branches(courses[name]))
        found.append(Covered(name, len(ways), tuple(way for way in ways if way not in gone)))
    return found
