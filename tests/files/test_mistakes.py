"""Each mistake somebody can make in a file: where it is shown, what is said of it and what to write instead.

The mistakes stand in `campaign-mistakes.txt` and `project-mistakes.txt`, each as

    right => wrong
    line:column rule
    what is wrong
    what to write instead (where something is to be said)
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from files.sample import CAMPAIGN, CAMPAIGN_PATH, PROJECT, files
from nurture.files.loader import Loaded, load_files


class Mistake(NamedTuple):
    """`right` becomes `wrong` in the sample, and one problem is told."""

    right: str
    wrong: str
    place: str
    rule: str
    message: str
    hint: str | None


def _written(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")


def _mistakes(name: str) -> list[Mistake]:
    blocks = (Path(__file__).parent / name).read_text(encoding="utf-8").strip("\n").split("\n\n")
    found = []
    for block in blocks:
        change, place, message, *hint = block.split("\n")
        right, wrong = change.split(" => ")
        found.append(Mistake(_written(right), _written(wrong), *place.split(" "), message, hint[0] if hint else None))
    return found


IN_CAMPAIGN = _mistakes("campaign-mistakes.txt")
IN_PROJECT = _mistakes("project-mistakes.txt")


def _name(mistake: Mistake) -> str:
    return f"{mistake.wrong.strip()} for {mistake.right.strip()}".replace("\n", " ").replace("\\0", "NUL")


def _spoilt(text: str, mistake: Mistake) -> str:
    assert mistake.right in text
    return text.replace(mistake.right, mistake.wrong, 1)


def _told(loaded: Loaded, path: str) -> list[tuple[str, str, str, str | None]]:
    found = [one for one in loaded.problems if one.path == path]
    return [(f"{one.line}:{one.column}", one.rule, one.message, one.hint) for one in found]


@pytest.mark.parametrize("mistake", IN_CAMPAIGN, ids=_name)
def test_a_mistake_in_a_campaign_is_told_at_its_place_with_what_to_write(mistake: Mistake) -> None:
    loaded = load_files(files(campaign=_spoilt(CAMPAIGN, mistake)))
    assert _told(loaded, CAMPAIGN_PATH) == [mistake[2:]]
    assert loaded.broken == ({"wake-up"} if loaded.errors else set())


@pytest.mark.parametrize("mistake", IN_PROJECT, ids=_name)
def test_a_mistake_in_the_project_file_is_told_at_its_place_with_what_to_write(mistake: Mistake) -> None:
    loaded = load_files(files(project=_spoilt(PROJECT, mistake)))
    assert _told(loaded, "nurture.yaml") == [mistake[2:]]
    assert (loaded.project is None) == bool(loaded.errors)


def test_the_sample_itself_has_no_mistake() -> None:
    loaded = load_files(files())
    assert loaded.problems == ()
    assert [campaign.name for campaign in loaded.campaigns] == ["wake-up"]


def test_no_message_speaks_of_the_machinery() -> None:
    said = " ".join(f"{one.message} {one.hint or ''}" for one in (*IN_CAMPAIGN, *IN_PROJECT)).lower()
    for word in ("pydantic", "extra inputs", "input should", "validation", "dict", "tuple", "instance", "none"):
        assert word not in said, word
