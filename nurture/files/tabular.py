"""Tables that people hand in: CSV in any common shape, or JSON lines; read as a stream, one row at a time.

What a file is (encoding, separator) is found out before its first row is used, so that it can be shown; whole
files are checked for bytes that the encoding does not have, so no row half way down comes as a surprise.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NamedTuple

from nurture.core.errors import InputError

SAMPLE = 64 * 1024
BLOCK = 1024 * 1024
LONGEST_LINE = 1024 * 1024
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
NAMED_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|", "pipe": "|"}
QUOTED = re.compile(r'"[^"]*"')
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
OLD_ENCODINGS = ("cp1254", "cp1252", "cp1250", "cp1251", "cp1253", "cp1257")
"""What Windows saved before UTF-8, in the order in which equals are preferred: cp1254 is cp1252 but for six letters."""

LANGUAGES = {
    "cp1254": {"tr", "az"}, "cp1252": {"is", "fo"}, "cp1250": {"pl", "cs", "sk", "hu", "sl", "hr", "ro", "bs", "sq"},
    "cp1251": {"ru", "uk", "bg", "be", "sr", "mk"}, "cp1253": {"el"}, "cp1257": {"lt", "lv", "et"},
}  # fmt: skip


class Row(NamedTuple):
    """One row: the line it begins at, its columns and cells; `problem` says why it cannot be read, if so."""

    line: int
    names: tuple[str, ...]
    cells: list[Any]
    problem: str | None = None


@dataclass
class Table:
    """A file found to be a table. `delimiter` is None for JSON lines; `size` and `position` are bytes."""

    path: Path
    name: str
    encoding: str
    delimiter: str | None
    size: int
    header: tuple[str, ...] = ()
    _bytes: IO[bytes] | None = field(default=None, repr=False)

    @property
    def shape(self) -> str:
        """How the file is read, in words."""
        if self.delimiter is None:
            return f"reading {self.name} as {self.encoding}, JSON lines"
        return f"reading {self.name} as {self.encoding}, separated by {DELIMITERS.get(self.delimiter, self.delimiter)}"

    @property
    def position(self) -> int:
        """How far the current reading is."""
        return self._bytes.tell() if self._bytes and not self._bytes.closed else self.size

    def rows(self) -> Iterator[Row]:
        """Every row, from the beginning; blank ones are passed over."""
        with self.path.open("rb") as source, _text(source, self.encoding) as stream:
            self._bytes = source
            yield from _json_rows(stream) if self.delimiter is None else _csv_rows(stream, self.delimiter)


@dataclass
class Given(Table):
    """Values of JSON given as they are; a row's line is its place among them, from 0."""

    values: Sequence[Any] = ()

    @classmethod
    def of(cls, values: Sequence[Any]) -> Given:
        """A table of those values."""
        return cls(Path(), "the request", "utf-8", None, 0, values=values)

    def rows(self) -> Iterator[Row]:
        """A row for each value."""
        return (_row_of(place, value) for place, value in enumerate(self.values))


@dataclass
class Listed(Table):
    """A table without a line that names its columns: the first line is a row, and `header` is given."""

    @classmethod
    def of(cls, table: Table, names: Sequence[str]) -> Listed:
        """The same file, its columns named from outside."""
        return cls(table.path, table.name, table.encoding, table.delimiter, table.size, tuple(names))

    def rows(self) -> Iterator[Row]:
        """Every row, the first line among them; blank ones are passed over."""
        with self.path.open("rb") as source, _text(source, self.encoding) as stream:
            self._bytes = source
            yield from _csv_rows(stream, self.delimiter or ",", self.header)


def open_table(
    path: Path,
    name: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    languages: Iterable[str] = (),
) -> Table:
    """Find out what a file is. `languages` are those its people probably speak, which settles look-alike encodings.

    Raises InputError for a file that is missing, empty, not text, or not a table.
    """
    name = name or path.name
    try:
        sample, size = _sample(path), path.stat().st_size
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if not sample.strip():
        raise InputError(f"{name} is empty; its first line should name the columns")
    encoding = _checked(path, name, encoding) if encoding else detect(path, name, sample, frozenset(languages))
    table = Table(path, name, encoding, None, size)
    with path.open("rb") as source, _text(source, encoding) as stream:
        head = stream.read(SAMPLE)
    if _is_json(path, head):
        return table
    table.delimiter = _delimiter(delimiter) if delimiter else sniff(head)
    table.header = _header(table, head)
    return table


def spool(stream: IO[bytes]) -> Path:
    """Copy standard input into a temporary file, for it is read more than once; the caller removes it."""
    with tempfile.NamedTemporaryFile(prefix="nurture-", suffix=".input", delete=False) as copy:
        while block := stream.read(BLOCK):
            copy.write(block)
    return Path(copy.name)


def _sample(path: Path) -> bytes:
    with path.open("rb") as source:
        return source.read(SAMPLE)


def _text(source: IO[bytes], encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(source, encoding=encoding, newline="")


def _is_json(path: Path, head: str) -> bool:
    first = head.lstrip()[:1]
    if first == "[":
        raise InputError(f"{path.name} is one JSON list; write one object per line instead (JSON lines)")
    return path.suffix.lower() in (".jsonl", ".ndjson") or first == "{"


# --- encodings -----------------------------------------------------------------------------------


def detect(path: Path, name: str, sample: bytes, languages: frozenset[str]) -> str:
    """The encoding of a file: by its mark, else UTF-8 if all of it is, else the likeliest old one of a sample."""
    for mark, encoding in MARKS:
        if sample.startswith(mark):
            return _checked(path, name, encoding)
    if sample.count(0) * 4 > len(sample):
        return _checked(path, name, "utf-16-le" if sample[1:2] == b"\0" else "utf-16-be")
    at = first_wrong_byte(path, "utf-8")
    if at is None:
        return "utf-8"
    with path.open("rb") as source:
        source.seek(max(0, at - SAMPLE // 2))
        return _checked(path, name, _likeliest(sample + source.read(SAMPLE), languages))


def _likeliest(sample: bytes, languages: frozenset[str]) -> str:
    from charset_normalizer import from_bytes

    matches = list(from_bytes(sample, cp_isolation=list(OLD_ENCODINGS)))
    if not matches:
        raise InputError("the encoding cannot be told; name it, like --encoding cp1254")
    found = {
        encoding: (match.chaos + 1 - _letters(sample, encoding), match.coherence)
        for match in matches
        for encoding in (match.encoding, *match.could_be_from_charset)
        if encoding in OLD_ENCODINGS
    }
    least = min(strangeness for strangeness, _ in found.values()) + 0.05
    clearest = max(coherence for strangeness, coherence in found.values() if strangeness <= least) - 0.15
    likely = [
        name for name in OLD_ENCODINGS if name in found and found[name][0] <= least and found[name][1] >= clearest
    ]
    return min(likely, key=lambda name: not LANGUAGES[name] & languages)


def _letters(sample: bytes, encoding: str) -> float:
    """The share of letters in what is not ASCII, by tenths: signs and currencies inside names are strange."""
    beyond = [mark for mark in sample.decode(encoding, "replace") if not mark.isascii()]
    return round(sum(mark.isalpha() for mark in beyond) / max(1, len(beyond)), 1)


def _checked(path: Path, name: str, encoding: str) -> str:
    try:
        at = first_wrong_byte(path, encoding)
    except LookupError:
        raise InputError(f"{encoding!r} is no encoding; write one like utf-8, cp1254 or utf-16") from None
    if at is not None:
        raise InputError(f"{name} is not {encoding}: byte {at + 1} does not fit; name another with --encoding")
    return encoding


def first_wrong_byte(path: Path, encoding: str) -> int | None:
    """Where a file stops being of that encoding (an offset in bytes, near enough); None when it never does."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    with path.open("rb") as source:
        while True:
            block = source.read(BLOCK)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return max(0, done + error.start)
            if not block:
                return None
            done += len(block)


# --- CSV -------------------------------------------------------------------------------------------


def _delimiter(given: str) -> str:
    delimiter = NAMED_DELIMITERS.get(given.lower(), given)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise InputError(f"{given!r} cannot separate columns; write one of , ; | or tab")
    return delimiter


def sniff(head: str) -> str:
    """What separates the columns: what parts the first line, outside quotes, into most of them."""
    first = next((line for line in head.splitlines() if line.strip()), "")
    bare = QUOTED.sub("", first)
    return max(DELIMITERS, key=bare.count)


def _header(table: Table, head: str) -> tuple[str, ...]:
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=table.delimiter or ",")
    try:
        names = next((cells for cells in reader if any(cell.strip() for cell in cells)), [])
    except csv.Error as error:
        raise InputError(f"{table.name}: the first line cannot be read: {error}") from None
    return _names(names)


def _names(cells: list[str]) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in cells)


def _csv_rows(stream: IO[str], delimiter: str, names: tuple[str, ...] = ()) -> Iterator[Row]:
    reader = csv.reader(stream, delimiter=delimiter)
    width = len(names)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, names, [], f"the line cannot be read: {error}")
            continue
        if not any(cells) or not (names or any(cell.strip() for cell in cells)):
            continue
        if not names:
            names, width = _names(cells), len(cells)
        elif len(cells) > width and any(cell.strip() for cell in cells[width:]):
            problem = f"has {len(cells)} cells under {width} columns; put quotes around cells that hold the separator"
            yield Row(line, names, cells, problem)
        else:
            yield Row(line, names, cells)


# --- JSON lines ------------------------------------------------------------------------------------


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number of JSON")


def _json_rows(stream: IO[str]) -> Iterator[Row]:
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            yield Row(number, ("_text",), [line[:200]], f"the line is longer than {LONGEST_LINE} characters")
            _skip_line(stream)
        elif line.strip():
            yield _json_row(number, line.strip())


def _skip_line(stream: IO[str]) -> None:
    while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith("\n"):
        pass


def _json_row(number: int, line: str) -> Row:
    try:
        value = read_json(line)
    except (ValueError, RecursionError) as error:
        return Row(number, ("_text",), [line], f"the line is not JSON: {error}")
    if not isinstance(value, dict):
        return Row(number, ("_text",), [line], 'the line is not a JSON object; write {"email": …}')
    return _row_of(number, value)


def read_json(text: str) -> Any:
    """A JSON text whose numbers keep every digit. Raises ValueError, or RecursionError for one nested too deep."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse)


def _row_of(number: int, value: Any) -> Row:
    if not isinstance(value, dict):
        return Row(number, ("_text",), [str(value)[:200]], 'is not a JSON object; write {"email": …}')
    return Row(number, tuple(value), list(value.values()))
