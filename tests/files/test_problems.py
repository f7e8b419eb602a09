"""How a problem looks."""

from __future__ import annotations

from nurture.core.problem import Problem
from nurture.files.problems import annotation, count, show, show_all

FILES = {"a.yaml": "title: x\nstatus: lvie\n", "wide.yaml": "名前: [日本, x]\n", "tab.yaml": "a:\tb\n"}


def test_a_problem_shows_its_line_with_a_mark_under_the_place() -> None:
    problem = Problem("a.yaml", 2, 9, "unknown-word", "'lvie' is not known here", "did you mean 'live'?")
    assert show(problem, FILES) == (
        "a.yaml:2:9: error[unknown-word]: 'lvie' is not known here\n"
        "    2 | status: lvie\n"
        "      |         ^\n"
        "      = did you mean 'live'?"
    )


def test_the_mark_stands_right_below_wide_letters() -> None:
    lines = show(Problem("wide.yaml", 1, 10, "x", "y"), FILES).split("\n")
    assert lines[2] == "      | " + " " * 13 + "^"


def test_a_tab_is_shown_as_one_space() -> None:
    lines = show(Problem("tab.yaml", 1, 4, "x", "y"), FILES).split("\n")
    assert lines[1:] == ["    1 | a: b", "      |    ^"]


def test_a_file_that_is_not_there_shows_without_a_line() -> None:
    assert show(Problem("gone.yaml", 3, 1, "x", "y"), FILES) == "gone.yaml:3:1: error[x]: y"


def test_a_long_line_is_cut_around_the_place() -> None:
    text = "a" * 300 + "HERE" + "b" * 300
    _, line, mark = show(Problem("long", 1, 301, "x", "y"), {"long": text}).split("\n")
    assert len(line) < 130
    assert line[mark.index("^") :].startswith("HERE")


def test_nothing_in_a_file_can_move_the_terminal() -> None:
    problem = Problem("a", 1, 1, "x", "bad \x1b[31m", "hint \x07")
    assert "\x1b" not in show(problem, {"a": "\x1b]0;owned\x07"})
    assert "\x07" not in show(problem, {"a": "\x1b]0;owned\x07"})


def test_problems_are_counted_by_kind() -> None:
    error, warning = Problem("a", 1, 1, "x", "y"), Problem("a", 1, 1, "x", "y", severity="warning")
    assert count([]) == "no problems"
    assert count([error, warning, error]) == "2 errors, 1 warning"
    assert show_all([error, warning], {}).count("\n\n") == 1


def test_an_annotation_names_file_line_column_and_rule_and_says_what_to_write() -> None:
    problem = Problem("campaigns/a.yaml", 2, 9, "unknown-word", "'lvie' is not known here", "did you mean 'live'?")
    assert annotation(problem) == (
        "::error file=campaigns/a.yaml,line=2,col=9,title=nurture%3A unknown-word::"
        "'lvie' is not known here%0Adid you mean 'live'?"
    )


def test_an_annotation_says_the_folder_of_the_project_and_calls_notes_notices() -> None:
    problem = Problem("a,b.yaml", 1, 1, "no-holdout", "100% : all", None, "note")
    assert annotation(problem, "shop") == (
        "::notice file=shop/a%2Cb.yaml,line=1,col=1,title=nurture%3A no-holdout::100%25 : all"
    )
