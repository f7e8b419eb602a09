"""YAML: what plain words mean, and what is refused before anything is built from it."""

from __future__ import annotations

import pytest

from nurture.files.positions import Positions
from nurture.files.tree import MAX_BYTES, read


def _data(text: str) -> object:
    root, problems = read("x.yaml", text)
    assert problems == []
    assert root is not None
    return root.data()


def _only(text: str) -> tuple[int, int, str]:
    _, problems = read("x.yaml", text)
    assert len(problems) == 1, problems
    return problems[0].line, problems[0].column, problems[0].rule


@pytest.mark.parametrize(
    "word", ["10:00", "NO", "no", "yes", "on", "2026-11-27", "012", "1_000", "0x1f", ".", "e", "1e", "+"]
)
def test_a_plain_word_stays_text(word: str) -> None:
    assert _data(f"a: {word}") == {"a": word}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("5", 5),
        ("-5", -5),
        ("0.021", 0.021),
        ("1e3", 1000.0),
    ],
)
def test_only_the_words_of_yaml_1_2_are_more_than_text(word: str, value: object) -> None:
    assert _data(f"a: {word}") == {"a": value}


def test_quotes_keep_everything_text() -> None:
    assert _data("a: ['5', \"true\", '~']") == {"a": ["5", "true", "~"]}


def test_a_number_too_long_to_count_with_stays_text() -> None:
    assert _data("a: " + "9" * 5000) == {"a": "9" * 5000}


def test_a_byte_order_mark_and_comments_are_passed_over() -> None:
    assert _data("\ufeff# comment\na: 1 # more\n") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: &b 1", (1, 4, "anchor")),
        ("a: 1\nb: *c", (2, 4, "alias")),
        ("a: 1\n<<: {b: 1}", (2, 1, "merge-key")),
        ("a: 1\nb: 2\na: 3", (3, 1, "duplicate-key")),
        ("a: {b: 1, b: 2}", (1, 11, "duplicate-key")),
        ("a: !!python/object:os.system x", (1, 4, "tag")),
        ("a:\n\tb: 1", (2, 1, "tab")),
        ("a: 1\n---\nb: 2", (2, 1, "yaml")),
        ("%YAML 1.1\n---\na: 1", (2, 1, "yaml")),
        ("a: " + "[" * 21 + "]" * 21, (1, 24, "depth")),
        ("a: 'x" + "y" * MAX_BYTES, (1, 1, "size")),
        ("a: \x1b[31m", (1, 4, "yaml")),
        ('a: "\\e[31m"', (1, 4, "yaml")),
        ("? [a]\n: 1", (1, 3, "yaml")),
        ("", (1, 1, "yaml")),
        ("- a", (1, 1, "yaml")),
    ],
)
def test_what_a_campaign_file_need_not_is_refused_at_its_place(text: str, place: tuple[int, int, str]) -> None:
    assert _only(text) == place


def test_a_bomb_of_aliases_is_refused_without_being_built() -> None:
    layers = [f"x{n}: &x{n} {{{', '.join(f'k{m}: *x{n - 1}' for m in range(9))}}}" for n in range(1, 40)]
    root, problems = read("x.yaml", "x0: &x0 {a: 1}\n" + "\n".join(layers))
    assert root is None
    assert {problem.rule for problem in problems} == {"alias", "anchor"}


def test_nesting_without_end_is_refused_at_the_limit() -> None:
    assert _only("[" * 200_000)[2] == "depth"


def test_more_values_than_anybody_writes_are_refused() -> None:
    assert _only("a: [" + "1, " * 6000 + "]")[2] == "size"


def test_a_list_of_mistakes_ends_somewhere() -> None:
    _, problems = read("x.yaml", "".join(f"a{n}: &x 1\n" for n in range(1000)))
    assert len(problems) == 50


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: b: c", 1, 5, "a second ': '"),
        ("title:Hello\nb: 1", 1, 6, "a space is missing"),
        ("a: 1\ntitle\nb: 1", 2, 1, "not a key with a value"),
        ("a: 1\n  b: 2", 2, 3, "indented further"),
        ("a:\n  b: 2\n c: 3", 3, 2, "fits no line above"),
        ('a: 1\nb: "x\nc: 2', 2, 4, "never closed"),
        ("a: [1, 2\nb: 3", 1, 4, "'[' that opens here is not closed"),
        ("a: {x: 1\nb: 3", 1, 4, "'{' that opens here is not closed"),
        ("a: [b]]", 1, 7, "a bracket closes here"),
        ("a: 'it's'", 1, 8, "follows the end of a quoted"),
        ("a: @b", 1, 4, "cannot begin with @"),
        ("a: 1\n- b", 2, 1, "a list item stands among keys"),
        ("- a\nb: 1", 2, 1, "a key stands among list items"),
        ("a: {{ b }} c", 1, 5, "a key is one word"),
        ('a: "\\q"', 1, 6, "backslash"),
        ("  a: 1\nb: 2", 2, 1, "not indented like the first"),
    ],
)
def test_what_yaml_cannot_read_is_said_in_plain_words(text: str, line: int, column: int, message: str) -> None:
    _, problems = read("x.yaml", text)
    assert (problems[0].line, problems[0].column) == (line, column)
    assert message in problems[0].message
    assert problems[0].hint


def test_keys_and_values_are_found_by_their_path_and_labels_of_a_validator_are_left_out() -> None:
    root, _ = read("x.yaml", "steps:\n  - id: a\n    wait: {until: 10:00}\n")
    assert root is not None
    where = Positions(root, "x.yaml")
    path = where.real(("steps", 0, "step:wait", "wait", "wait:time", "until"))
    assert path == ("steps", 0, "wait", "until")
    assert (where.key(path).line, where.key(path).column) == (3, 12)
    assert (where.value(path).line, where.value(path).column) == (3, 19)
