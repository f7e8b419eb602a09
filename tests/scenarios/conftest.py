"""A small project whose scenarios are played."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import dedent

import pytest
from support.line import PROJECT, campaign, project_files

from nurture.actions.check import Checked, check_files
from nurture.actions.ground import gone_live, grounds
from nurture.actions.outcome import Played
from nurture.actions.scenarios import Wanted, play_all

Play = Callable[..., list[Played]]

GIVEN = """\
campaign: first
given:
  now: 2026-03-02 09:00
  contact: {first_name: Ada, timezone: Europe/Istanbul, consents: offers}
"""


def stories(*told: str, given: str = GIVEN) -> str:
    """A file of scenarios; each story is a YAML list without its indent."""
    lines = [given, "scenarios:"]
    for number, story in enumerate(told):
        text = dedent(story).strip("\n").replace("\n", "\n      ")
        lines.append(f"  - title: story {number}\n    story:\n      {text}")
    return "\n".join(lines) + "\n"


def checked(
    scenarios: str, campaigns: str | Mapping[str, str] = "", project: str = PROJECT, templates: Mapping[str, str] = {}
) -> Checked:
    """The small project with these scenarios; one campaign's text stands for the campaign `first`."""
    named = {"first": campaigns or campaign()} if isinstance(campaigns, str) else campaigns
    files = project_files(project, named, templates) | {"campaigns/tests/first.yaml": scenarios}
    return check_files(gone_live(files))


@pytest.fixture
def play() -> Play:
    """Plays scenarios, which have no mistakes, on campaigns."""

    def played(scenarios: str, campaigns: str | Mapping[str, str] = "", project: str = PROJECT,
               templates: Mapping[str, str] = {}) -> list[Played]:  # fmt: skip
        found = checked(scenarios, campaigns, project, templates)
        assert not found.errors, "\n".join(map(str, found.errors))
        with grounds(found) as ready:
            return list(play_all(found, ready, Wanted()))

    return played
