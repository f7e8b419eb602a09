"""Files that people hand in: whatever their encoding and separator, every row is read or refused, none is lost."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import pytest

from nurture.core.errors import InputError
from nurture.files.tabular import Row, Table, open_table, spool

TURKISH = (
    "email,ad,şehir\nayse@x.example,Ayşe Çelik,İstanbul\nibo@x.example,İbrahim Koç,Muğla\nı@x.example,Işıl,Şırnak\n"
)
POLISH = "email,imię,miasto\nzofia@x.example,Zofia Wiśniewska,Łódź\njan@x.example,Jan Żółć,Kraków\n"
RUSSIAN = "email,имя,город\nivan@x.example,Иван Петров,Москва\nolga@x.example,Ольга Иванова,Казань\n"
GREEK = "email,όνομα,πόλη\neleni@x.example,Ελένη Παπαδοπούλου,Αθήνα\nnikos@x.example,Νίκος,Θεσσαλονίκη\n"
GERMAN = "email,name,stadt\njg@x.example,Jürgen Groß,Köln\nkm@x.example,Käthe Müller,München\n"


def opened(folder: Path, content: str | bytes, name: str = "file.csv", **options: str) -> Table:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(path, **options)


def cells(table: Table) -> list[list[str]]:
    return [row.cells for row in table.rows()]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_any_separator_is_found(tmp_path: Path, mark: str) -> None:
    table = opened(tmp_path, f"email{mark}name\na@x.example{mark}Ada\n")
    assert table.delimiter == mark
    assert cells(table) == [["a@x.example", "Ada"]]


def test_a_separator_inside_quotes_separates_nothing(tmp_path: Path) -> None:
    table = opened(tmp_path, 'email;"last, first, middle, title"\na@x.example;"Lovelace, Ada"\n')
    assert table.header == ("email", "last, first, middle, title")


def test_a_file_of_one_column_is_a_table(tmp_path: Path) -> None:
    assert cells(opened(tmp_path, "email\na@x.example\nb@x.example\n")) == [["a@x.example"], ["b@x.example"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_files_are_recognised(tmp_path: Path, encoding: str) -> None:
    table = opened(tmp_path, TURKISH.encode(encoding))
    assert table.header == ("email", "ad", "şehir")
    assert cells(table)[0] == ["ayse@x.example", "Ayşe Çelik", "İstanbul"]


@pytest.mark.parametrize(
    ("text", "encoding", "languages"),
    [
        (TURKISH, "cp1254", ("en", "tr")),
        (TURKISH, "iso-8859-9", ("en", "tr")),
        (TURKISH, "cp1254", ()),
        (POLISH, "cp1250", ("pl",)),
        (RUSSIAN, "cp1251", ()),
        (GREEK, "cp1253", ()),
        (GERMAN, "cp1252", ()),
        (GERMAN, "cp1252", ("tr",)),
    ],
)
def test_old_encodings_are_found_out(tmp_path: Path, text: str, encoding: str, languages: tuple[str, ...]) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes(text.encode(encoding))
    table = open_table(path, languages=languages)
    assert [list(table.header), *cells(table)] == [line.split(",") for line in text.splitlines()]


def test_a_letter_that_is_no_utf_8_far_down_is_found_before_the_first_row(tmp_path: Path) -> None:
    lines = "email,ad\n" + "".join(f"a{n}@x.example,Ada\n" for n in range(40_000))
    table = opened(tmp_path, lines.encode() + "b@x.example,Ayşe Yıldız İğdır\n".encode("cp1254"))
    assert table.encoding == "cp1254"
    assert cells(table)[-1] == ["b@x.example", "Ayşe Yıldız İğdır"]


def test_how_a_file_is_read_can_be_said(tmp_path: Path) -> None:
    assert opened(tmp_path, TURKISH.encode("cp1254")).shape == "reading file.csv as cp1254, separated by commas"
    table = opened(tmp_path, "a;b\n1,2;3\n", encoding="cp1252", delimiter=",")
    assert (table.encoding, cells(table)) == ("cp1252", [["1", "2;3"]])


def test_a_tab_can_be_named(tmp_path: Path) -> None:
    assert opened(tmp_path, "a,b\tc\n", delimiter="tab").header == ("a,b", "c")


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (b"", {}, "is empty"),
        (b" \n \n", {}, "is empty"),
        (b'[{"email": "a@x.example"}]', {}, "one JSON list"),
        (b"email\n", {"encoding": "klingon"}, "no encoding"),
        ("email\nş\n".encode("cp1254"), {"encoding": "utf-8"}, "is not utf-8: byte 7"),
        (b"email\n", {"delimiter": "::"}, "cannot separate columns"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, options: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        opened(tmp_path, content, **options)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv cannot be read: No such file"):
        open_table(tmp_path / "none.csv")


def test_a_row_knows_the_line_it_begins_at(tmp_path: Path) -> None:
    table = opened(tmp_path, 'email,note\na@x.example,"two\nlines"\n\nb@x.example,one\n')
    assert [row.line for row in table.rows()] == [2, 5]


def test_a_row_with_too_many_cells_is_refused_and_one_with_too_few_is_not(tmp_path: Path) -> None:
    rows = list(opened(tmp_path, "email,name\na@x.example,Lovelace,Ada\nb@x.example\nc@x.example,C,\n").rows())
    assert [bool(row.problem) for row in rows] == [True, False, False]
    assert "3 cells under 2 columns" in (rows[0].problem or "")


def test_a_cell_beyond_all_measure_is_refused_and_the_next_row_is_read(tmp_path: Path) -> None:
    rows = list(opened(tmp_path, f"email,note\na@x.example,{'x' * 140_000}\nb@x.example,short\n").rows())
    assert "field larger than" in (rows[0].problem or "")
    assert rows[1].cells == ["b@x.example", "short"]


def test_json_lines_keep_the_kinds_of_their_values(tmp_path: Path) -> None:
    table = opened(tmp_path, '{"email": "a@x.example", "seats": 5, "paid": 12.10, "vip": true}\n\n', "file.jsonl")
    assert table.delimiter is None
    row = next(table.rows())
    assert row == Row(1, ("email", "seats", "paid", "vip"), ["a@x.example", 5, Decimal("12.10"), True])


def test_json_lines_are_known_by_their_first_letter_too(tmp_path: Path) -> None:
    assert opened(tmp_path, '{"email": "a@x.example"}\n', "export.txt").delimiter is None


@pytest.mark.parametrize(
    ("line", "said"),
    [("{nonsense", "is not JSON"), ("[1]", "not a JSON object"), ('{"a": NaN}', "NaN"), ("[" * 100_000, "is not JSON")],
)
def test_a_line_that_is_no_object_is_refused_and_the_next_is_read(tmp_path: Path, line: str, said: str) -> None:
    rows = list(opened(tmp_path, f'{{"a": 1}}\n{line}\n{{"a": 2}}\n', "file.jsonl").rows())
    assert said in (rows[1].problem or "")
    assert rows[2].line == 3 and rows[2].cells == [2]


def test_an_endless_line_of_json_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    rows = list(opened(tmp_path, '{"a": "' + "x" * 3_000_000 + '"}\n{"a": 2}\n', "file.jsonl").rows())
    assert "longer than" in (rows[0].problem or "")
    assert rows[1].cells == [2]


def test_a_file_can_be_read_again_from_its_beginning(tmp_path: Path) -> None:
    table = opened(tmp_path, "email\na@x.example\nb@x.example\n")
    assert cells(table) == cells(table)


def test_standard_input_is_kept_to_be_read_twice() -> None:
    path = spool(io.BytesIO(b"email\na@x.example\n"))
    try:
        assert path.read_bytes() == b"email\na@x.example\n"
    finally:
        path.unlink()
