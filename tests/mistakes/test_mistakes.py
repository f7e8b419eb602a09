"""Every mistake that was written down is found: at its line, under its place, with the right word first."""

from __future__ import annotations

from random import Random

import pytest

from mistakes.catalogue import HERE, Mistake, Score, mistakes, score
from nurture.actions.check import check_files
from nurture.files.folder import read_folder

ALL = mistakes()
COLUMNS, SUGGESTIONS = 57 / 60, 54 / 60
"""How many of the mistakes must be marked under the very place, and told with the right word first."""


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    """What is said of each mistake."""
    return [score(mistake) for mistake in ALL]


def test_the_project_without_a_mistake_has_nothing_to_complain_about() -> None:
    assert check_files(read_folder(HERE / "project")).problems == ()


def test_there_are_sixty_kinds_of_mistakes_and_more() -> None:
    assert len({mistake.name for mistake in ALL}) == len(ALL) >= 60
    assert len({mistake.rule for mistake in ALL}) >= 60


@pytest.mark.parametrize("mistake", ALL, ids=lambda mistake: mistake.name)
def test_a_mistake_is_told_as_what_it_is_at_its_line(mistake: Mistake) -> None:
    told = score(mistake)
    assert told.line, [str(problem) for problem in told.others]


def test_marks_stand_under_the_very_place(scores: list[Score]) -> None:
    right = sum(one.column for one in scores)
    print(f"column right in {right} of {len(scores)}")
    assert right >= COLUMNS * len(scores), [one.mistake.name for one in scores if not one.column]


def test_the_right_word_is_offered_first(scores: list[Score]) -> None:
    right = sum(one.suggestion for one in scores)
    print(f"suggestion right in {right} of {len(scores)}")
    assert right >= SUGGESTIONS * len(scores), [one.mistake.name for one in scores if not one.suggestion]


SPLINTERS = ("{{", "}}", "{%", "%}", ": ", "[", "]", "{", "}", '"', "'", "\n", "- ", "#", "<", ">", "</style>",
             "@media {", "&", "*a", "\t", "0%", "-1 days", "..", "|", "contact.", "{# ")  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_whatever_stands_in_the_files_is_told_and_never_breaks_the_check(seed: int) -> None:
    chance, sound = Random(seed), read_folder(HERE / "project")
    for _ in range(20):
        path = chance.choice(sorted(sound))
        text = sound[path]
        at = chance.randrange(len(text))
        rest = text[at + chance.randrange(12) :]
        checked = check_files({**sound, path: text[:at] + chance.choice(("", *SPLINTERS)) + rest})
        assert checked.errors or checked.broken == frozenset()


def test_every_rule_is_explained() -> None:
    explained = (HERE.parents[1] / "docs" / "checking.md").read_text(encoding="utf-8")
    assert [mistake.rule for mistake in ALL if f"`{mistake.rule}`" not in explained] == []
