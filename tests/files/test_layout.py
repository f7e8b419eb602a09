"""Files are laid out in one way: nothing they say changes, no comment is lost, and twice is the same as once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from nurture.actions.fmt import Formatted, fmt, formatted, write
from nurture.core.errors import InputError
from nurture.core.values import parse_duration
from nurture.files.languages import KINDS, kind_of
from nurture.files.tree import read
from nurture.files.written import comments

from .sample import CAMPAIGN, PROJECT

ROOT = Path(__file__).parents[2]
FILES = [path.relative_to(ROOT).as_posix() for kind in KINDS for path in sorted(ROOT.glob(kind.pattern))]
PATH = "campaigns/wake-up.yaml"


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def laid(text: str, path: str = PATH) -> str:
    """The canonical form of a text that can have one."""
    one = formatted(path, text)
    assert one.problems == ()
    return one.after


def meaning(path: str, text: str) -> Any:
    """What a file says: its model; where that refuses it, its plain values."""
    root, problems = read(path, text)
    kind = kind_of(path)
    assert root is not None
    assert kind
    assert not problems
    hidden = {"name": "x"} if kind.name == "campaign" else {}
    try:
        return kind.model.model_validate({**hidden, **root.data()}, by_alias=True, by_name=False)
    except ValidationError:
        return root.data()


# --- shipped files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES)
def test_the_shipped_files_are_laid_out(path: str) -> None:
    assert laid(text_of(path), path) == text_of(path), "run nurture fmt"


def dumped(draw: st.DrawFn, value: Any, pad: int, flow: bool) -> str:
    """A value as YAML in some style: keys in any order, brackets or lines, quotes or none, comments and spaces."""
    if not isinstance(value, dict | list) or not value:
        return scalar(draw, value)
    if flow or draw(st.integers(0, 3)) == 0:
        space = draw(st.sampled_from(["", " "]))
        parts = [dumped(draw, item, pad, True) for item in value] if isinstance(value, list) else [
            f"{key}: {dumped(draw, value[key], pad, True)}" for key in shuffled(draw, value)
        ]  # fmt: skip
        inner = f",{draw(st.sampled_from(['', ' ', '   ']))}".join(parts)
        return (
            f"{'[' if isinstance(value, list) else '{'}{space}{inner}{space}{']' if isinstance(value, list) else '}'}"
        )
    return "\n" + "".join(entries(draw, value, pad))


def entries(draw: st.DrawFn, value: Any, pad: int) -> list[str]:
    step = draw(st.integers(1, 4))
    found = []
    for key in range(len(value)) if isinstance(value, list) else shuffled(draw, value):
        name = "-" if isinstance(value, list) else f"{key}:"
        comment = draw(st.sampled_from(["", "", "", f"  # about {key}", " # 'x: {y}"]))
        above = draw(st.sampled_from(["", "", "\n", f"{' ' * pad}# above {key}\n", f"\n\n# far left {key}\n"]))
        inner = dumped(draw, value[key], pad + step, False)
        first, _, rest = inner.partition("\n")
        found.append(f"{above}{' ' * pad}{name} {first}{comment}\n{rest}")
    return found


def shuffled(draw: st.DrawFn, value: dict[str, Any]) -> list[str]:
    return draw(st.permutations(list(value)))


def scalar(draw: st.DrawFn, value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    quoted = json.dumps(value, ensure_ascii=False)
    single = "'" + value.replace("'", "''") + "'"
    plain = value if all(sign not in value for sign in ":#,[]{}\"'!&*%@`|>") and not value[:1].isdigit() else quoted
    return draw(st.sampled_from([quoted, single, plain if value.strip() == value and value else quoted]))


@st.composite
def restyled(draw: st.DrawFn) -> tuple[str, str]:
    """A shipped file, said in another style."""
    path = draw(st.sampled_from(FILES))
    root, _ = read(path, text_of(path))
    assert root is not None
    return path, "# head\n" + "".join(entries(draw, root.data(), 0)) + "# foot\n"


@given(restyled())
@settings(max_examples=60, deadline=None)
def test_in_whatever_style_a_file_is_written_it_says_the_same_laid_out(case: tuple[str, str]) -> None:
    path, text = case
    after = laid(text, path)
    assert meaning(path, after) == meaning(path, text)
    assert not isinstance(meaning(path, after), dict)
    assert sorted(comments(after)) == sorted(comments(text))
    assert laid(after, path) == after
    assert max(map(len, (line.partition("  #")[0] for line in after.splitlines()))) <= 120


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_whatever_is_done_to_a_line_the_file_says_the_same_or_is_left_alone(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(FILES))
    rows = text_of(path).splitlines()
    number = data.draw(st.integers(0, len(rows) - 1))
    how = data.draw(st.sampled_from(["indent", "tail", "above", "empty", "away", "twice", "cut", "quote"]))
    row = rows[number]
    rows[number : number + 1] = {
        "indent": [f"  {row}"], "tail": [f"{row} # tail"], "above": [" " * data.draw(st.integers(0, 9)) + "# a", row],
        "empty": ["", "", row], "away": [], "twice": [row, row], "cut": [row[: len(row) // 2]], "quote": [row + '"'],
    }[how]  # fmt: skip
    text = "\n".join(rows) + "\n"
    one = formatted(path, text)
    if one.problems:
        assert one.after == text
        return
    assert meaning(path, one.after) == meaning(path, text)
    assert sorted(comments(one.after)) == sorted(comments(text))
    assert laid(one.after, path) == one.after


# --- what it does ----------------------------------------------------------------------------------


def test_keys_stand_in_the_order_of_the_documentation() -> None:
    text = laid("steps: [{send: a/b, id: x}]\nstatus: live\n# a comment\ntitle: t\n")
    assert text == "# a comment\ntitle: t\nstatus: live\nsteps: [{id: x, send: a/b}]\n"


def test_the_first_comments_of_a_file_stay_its_first() -> None:
    text = laid("# yaml-language-server: $schema=x.json\n# about us\n\nstatus: live\ntitle: t\n")
    assert text == "# yaml-language-server: $schema=x.json\n# about us\n\ntitle: t\nstatus: live\n"


def test_what_takes_several_lines_stands_between_empty_lines() -> None:
    assert laid("title: t\naudience:\n     stage: lead\nre_enter: never\n\n\n\nholdout: 10%\n") == (
        "title: t\n\naudience:\n  stage: lead\n\nre_enter: never\n\nholdout: 10%\n"
    )


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("expires: 1 days", "expires: 1 day"),
        ("expires: 02 day", "expires: 2 days"),
        ("re_enter: 1 days after leaving", "re_enter: 1 day after leaving"),
        ("holdout: 10 %", "holdout: 10%"),
        ("send_window: {hours: 9:00 - 18:00}", "send_window: {hours: 09:00-18:00}"),
        ("send_window: {days: [mon, tue, wed, thu, fri]}", "send_window: {days: mon-fri}"),
        ("send_window: {days: [Mon, wed]}", "send_window: {days: [mon, wed]}"),
        ("enter: {look: daily at 9:07, backfill: TRUE}", "enter: {look: daily at 09:07, backfill: yes}"),
        ("enter: {look: at once, backfill: 'no'}", "enter: {look: at once, backfill: no}"),
        ("starts: 2026-12-01T09:00", "starts: 2026-12-01 09:00"),
        ("not_on: [12-24 .. 12-26]", "not_on: [12-24..12-26]"),
        ("limits: {per_contact: [1 per 24 hour]}", "limits: {per_contact: [1 per 24 hours]}"),
        ('title: "Wake up"', "title: Wake up"),
        ("title: 'Say: hello'", 'title: "Say: hello"'),
        ("title: 'She said: \"x\"'", "title: 'She said: \"x\"'"),
        ('title: "10"', 'title: "10"'),
        ('title: "yes"', 'title: "yes"'),
    ],
)
def test_values_have_one_spelling(written: str, canonical: str) -> None:
    key = written.partition(":")[0]
    rows = [row for row in CAMPAIGN.splitlines() if not row.startswith(f"{key}:")]
    assert canonical in laid("\n".join([written, *rows]) + "\n").splitlines()


def test_a_text_of_ones_own_is_not_respelled() -> None:
    text = CAMPAIGN.replace("    - country: [TR, DE]", "    - attribute: {size: 10 %, since: {at_least: 1 days}}")
    assert "attribute: {size: 10 %, since: {at_least: 1 days}}" in laid(text)


def test_lists_of_values_stand_on_one_line_and_lists_of_keys_on_several() -> None:
    text = laid(CAMPAIGN + "limits:\n  per_contact:\n  - 1 per 24 hours\n  - 3 per 7 days\n")
    assert "limits:\n  per_contact: [1 per 24 hours, 3 per 7 days]\n" in text
    assert "exit_when:\n  - replied: {since: entry}\n" in text


def test_what_stands_in_brackets_takes_lines_where_it_is_too_long_for_one() -> None:
    long = ", ".join(f"- not: {{tag: word-{number}}}"[2:] for number in range(12))
    text = laid(CAMPAIGN.replace("  - replied: {since: entry}", f"  - any: [{{{long.replace(', ', '}, {')}}}]"))
    assert "  - any:\n      - {not: {tag: word-0}}\n      - {not: {tag: word-1}}\n" in text


def test_a_comment_in_brackets_takes_them_away() -> None:
    text = laid(CAMPAIGN.replace("{days: mon-fri, hours", "{days: mon-fri, # at work\n  hours"))
    assert "send_window:\n  days: mon-fri              # at work\n  hours: 09:00-18:00\n" in text


def test_comments_beside_values_stand_in_one_column() -> None:
    text = laid(
        "title: t       # one\nowner: o       # two\nstatus: live # three\ntopic: a-topic-with-a-long-name # four\n"
    )
    assert text == (
        "title: t       # one\nowner: o       # two\nstatus: live   # three\ntopic: a-topic-with-a-long-name  # four\n"
    )


def test_a_step_that_was_commented_out_stays_with_the_steps() -> None:
    text = CAMPAIGN.rstrip("\n") + "\n  # - id: later\n  #   wait: 3 days\nowner: me\n"
    assert laid(text).endswith("  # - id: later\n  #   wait: 3 days\n")


def test_texts_of_several_lines_stay_so() -> None:
    text = laid("project: x\npostal_address: |\n     One\n     Two\n", "nurture.yaml")
    assert text == "project: x\n\npostal_address: |\n  One\n  Two\n"


def test_a_text_that_is_too_long_for_its_line_is_folded() -> None:
    sentence = " ".join(["words"] * 40)
    text = laid(f"project: x\npostal_address: {sentence}\n", "nurture.yaml")
    assert max(map(len, text.splitlines())) <= 120
    root, _ = read("nurture.yaml", text)
    assert root is not None
    assert root.data()["postal_address"] == sentence


def test_the_same_length_is_the_same_however_it_is_spelled() -> None:
    assert parse_duration("1 days") == parse_duration("1 day")
    assert parse_duration("24 hours") != parse_duration("1 day")


# --- what is left alone ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["title: [", "title: t\ntitle: u\n", "\ttitle: x\n", "a: &x 1\n", "", "- a\n"])
def test_a_file_that_cannot_be_read_is_left_alone_and_told(text: str) -> None:
    one = formatted(PATH, text)
    assert one.after == text
    assert one.problems
    assert not one.changed


def test_a_file_with_a_mistake_is_laid_out_but_no_value_of_it_respelled() -> None:
    text = laid("titel:   x\nexpires: 1 days\nsend_window: {hours: 9:00-18:00, days:   [mon,   tue]}\n")
    assert text == "titel: x\nexpires: 1 days\nsend_window: {days: [mon, tue], hours: 9:00-18:00}\n"


# --- files on disk ---------------------------------------------------------------------------------


def project(folder: Path, text: str = CAMPAIGN) -> Path:
    (folder / "campaigns").mkdir()
    (folder / "nurture.yaml").write_text(laid(PROJECT, "nurture.yaml"), encoding="utf-8")
    (folder / PATH).write_text(text, encoding="utf-8")
    return folder


def only(found: list[Formatted]) -> Formatted:
    assert len(found) == 1
    return found[0]


def test_every_file_of_the_project_is_taken_where_none_is_named(tmp_path: Path) -> None:
    assert [one.path for one in fmt(project(tmp_path))] == [PATH, "nurture.yaml"]


def test_a_file_is_replaced_whole_and_keeps_its_rights_and_line_ends(tmp_path: Path) -> None:
    path = project(tmp_path) / PATH
    path.write_bytes(CAMPAIGN.replace("holdout: 10%", "holdout:   10%").replace("\n", "\r\n").encode())
    path.chmod(0o640)
    one = only(fmt(tmp_path, [path]))
    assert one.changed
    write(tmp_path, one)
    assert path.read_bytes() == one.after.replace("\n", "\r\n").encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert not only(fmt(tmp_path, [path])).changed


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (project(tmp_path) / "notes.yaml").write_text("a: 1\n", encoding="utf-8")
    with pytest.raises(InputError, match="no file that can be laid out"):
        fmt(tmp_path, [tmp_path / "notes.yaml"])
