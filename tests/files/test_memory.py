"""What was made of files before: used again while they say the same, and never after."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from nurture.actions.check import check, check_files
from nurture.files.folder import read_folder
from nurture.files.memory import Memory

ROOT = Path(__file__).parents[2]


class Asked:
    """Counts how often it is made, out of the file `one.html` alone."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, files: Mapping[str, str]) -> str:
        self.times += 1
        return files["one.html"].upper()


def test_the_same_question_to_the_same_files_is_answered_once() -> None:
    memory, asked = Memory(), Asked()
    answers = {memory.recall("q", {"one.html": "a", "two.html": "b"}, asked) for _ in range(3)}
    assert (answers, asked.times) == ({"A"}, 1)


def test_a_file_that_was_not_read_may_change() -> None:
    memory, asked = Memory(), Asked()
    for text in "bc":
        assert memory.recall("q", {"one.html": "a", "two.html": text}, asked) == "A"
    assert asked.times == 1


def test_a_changed_file_is_read_again() -> None:
    memory, asked = Memory(), Asked()
    assert [memory.recall("q", {"one.html": text}, asked) for text in "aba"] == ["A", "B", "A"]


def test_another_file_asks_again_since_it_may_go_before_the_one_that_was_read() -> None:
    memory, asked = Memory(), Asked()
    memory.recall("q", {"one.html": "a"}, asked)
    memory.recall("q", {"one.html": "a", "one.tr.html": "b"}, asked)
    assert asked.times == 2


def test_another_question_is_another_answer() -> None:
    memory, asked = Memory(), Asked()
    for question in ("one", "two"):
        memory.recall(question, {"one.html": "a"}, asked)
    assert asked.times == 2


def test_the_oldest_answers_are_forgotten() -> None:
    memory, asked = Memory(size=2), Asked()
    for question in ("one", "two", "three", "one"):
        memory.recall(question, {"one.html": "a"}, asked)
    assert asked.times == 4


@pytest.mark.parametrize("path", ["templates/emails/layouts/base.html", "templates/emails/welcome/hello.html"])
def test_a_mistake_shows_at_the_next_check_and_goes_when_it_is_mended(path: str) -> None:
    files = read_folder(ROOT)
    wrong = files | {path: files[path] + "{{ nobody_knows_this }}"}
    assert not check_files(files).errors
    assert check_files(wrong).errors
    assert not check_files(files).errors


def test_checking_again_makes_the_same_emails_as_checking_for_the_first_time() -> None:
    first, again = check(ROOT), check(ROOT)
    assert {key: one.digest for key, one in first.emails.items()} == {k: one.digest for k, one in again.emails.items()}


def test_an_edited_layout_is_in_every_email_of_the_next_check() -> None:
    files = read_folder(ROOT)
    before = check_files(files).emails
    path = "templates/emails/layouts/base.html"
    after = check_files(files | {path: files[path].replace("</body>", "<p>Seen.</p></body>")}).emails
    assert all("Seen." in "".join(one.constants) for one in after.values())
    assert not any("Seen." in "".join(one.constants) for one in before.values())
