"""From files to pieces: front matter, the choice of a locale's variant, and the cut at Jinja2's tags.

Paths are relative to templates/emails and may say a locale before their ending: `hello.tr-TR.html`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from nurture.core.email import Mailbox
from nurture.core.errors import ProjectError
from nurture.core.problem import Problem
from nurture.emails.marks import ANY
from nurture.emails.syntax import explain

if TYPE_CHECKING:
    from nurture.emails.sandbox import Environment

FOLDER = "templates/emails/"
MAX_SOURCE = 300_000
MAX_FRONT = 8_000
_FRONT = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_OPENS = re.compile(r"\ufeff?---[ \t]*\r?\n")
_KEY = re.compile(r"[a-z_]+\s*:|[ \t]+\S|#")
_NAME = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*\Z")
KEYS: Mapping[str, str] = {
    "subject": "What stands in the mailbox's list; a template, and needed unless the step gives one.",
    "preheader": "The grey line that mailboxes show after the subject; a template.",
    "from": "Who this email is from, instead of the project's.",
    "from.name": "The name people see.",
    "from.address": "The address.",
}
"""The keys of the front matter, with what they say."""

_KEYS = tuple(key for key in KEYS if "." not in key)


class Kind(Enum):
    """What a piece of a template is: text as it stands, `{{ an expression }}`, or `{% a tag %}`."""

    TEXT = 1
    VALUE = 2
    TAG = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a template. `text` is what stands between the delimiters; `word` a tag's first word.

    `line` and `column` are those of the first character of `text` in its file.
    """

    kind: Kind
    text: str
    path: str
    line: int
    word: str = ""
    column: int = 1

    def problem(self, rule: str, message: str, hint: str | None = None, at: str | int = 0) -> Problem:
        """A problem at the piece, or at the first `at` in its text, an offset or the very words."""
        offset = at if isinstance(at, int) else max(self.text.find(at), 0)
        return Problem(FOLDER + self.path, *self.place(offset), rule, message, hint)

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset in `text`."""
        before = self.text[:offset]
        column = len(before) - before.rfind("\n") if "\n" in before else self.column + offset
        return self.line + before.count("\n"), column


@dataclass(frozen=True, slots=True)
class Front:
    """What stands above the body: Jinja2 texts, and the lines and columns at which they begin."""

    subject: str | None = None
    subject_line: int = 1
    preheader: str | None = None
    preheader_line: int = 1
    sender: Mailbox | None = None
    subject_column: int = 1
    preheader_column: int = 1

    def headers(self, path: str) -> tuple[Source, Source]:
        """Subject and preheader as sources of their own."""
        return (
            Source(path, Front(), self.subject or "", self.subject_line, self.subject_column),
            Source(path, Front(), self.preheader or "", self.preheader_line, self.preheader_column),
        )


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its front matter, and its body, which begins at `first_line` of the file, in its first `column`."""

    path: str
    front: Front
    body: str
    first_line: int
    column: int = 1

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column in the file of an offset in the body."""
        lines, start = self.body.count("\n", 0, offset), self.body.rfind("\n", 0, offset)
        return self.first_line + lines, offset - start + (0 if lines else self.column - 1)


def refuse(*problems: Problem) -> ProjectError:
    """The error that carries these problems."""
    return ProjectError(sorted(problems))


@cache
def environment() -> Environment:
    """The one sandbox all templates are compiled in."""
    from nurture.emails.sandbox import Environment

    return Environment()


def variants(files: Mapping[str, str], template: str) -> list[str]:
    """The locales `template` is written in, sorted; "" is the one without a locale in its name."""
    return sorted(written(files, template))


def written(files: Mapping[str, str], template: str) -> dict[str, str]:
    """The path of `template` in each locale it is written in; "" is the one without a locale in its name.

    Raises ProjectError where it is written twice, in HTML and in MJML.
    """
    form = re.compile(re.escape(template) + r"(?:\.([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*))?\.(?:html|mjml)\Z")
    found: dict[str, str] = {}
    for path, match in ((path, form.match(path)) for path in sorted(files)):
        locale = (match[1] or "") if match else ""
        if match and locale in found:
            message = f"{found[locale]} stands beside this, and is the same email"
            raise refuse(Problem(FOLDER + path, 1, 1, "template", message, "keep one of them"))
        if match:
            found[locale] = path
    return found


@dataclass(frozen=True, slots=True)
class Version:
    """A template in one language: its file, and the locale in its name ("" for the one without)."""

    path: str
    locale: str


def versions(files: Mapping[str, str], template: str) -> list[Version]:
    """Every language `template` is written in, by locale."""
    return [Version(path, locale) for locale, path in sorted(written(files, template).items())]


def resolve_locale(files: Mapping[str, str], template: str, locale: str, default: str) -> str:
    """The path of `template` for a contact's `locale`: that, its language, the default's, or the bare name.

    Raises ProjectError if there is no such template in any of them.
    """
    if not _NAME.match(template):
        message = f"{template!r} is no name of a template"
        raise refuse(Problem(FOLDER + template, 1, 1, "template", message, "write it like welcome/first"))
    found = written(files, template)
    by_case = {name.lower(): path for name, path in found.items()}
    tries = [*_tried(locale), "", *_tried(default), *sorted(found)]
    path = next((by_case[name.lower()] for name in tries if name.lower() in by_case), None)
    if path is None:
        raise refuse(Problem(FOLDER + template + ".html", 1, 1, "template", "there is no such template"))
    return path


def beside(files: Mapping[str, str], path: str, ending: str) -> str | None:
    """The file of the same name and locale with another ending, if there is one."""
    other = path.rpartition(".")[0] + ending
    return other if other in files else None


def localised(files: Mapping[str, str], path: str, locale: str) -> str | None:
    """`path` of a layout or part in the variant of `locale`, if any variant exists."""
    stem, dot, ending = path.rpartition(".")
    return _localised(files, stem, dot + ending, locale)


def _localised(files: Mapping[str, str], stem: str, ending: str, locale: str) -> str | None:
    by_case = {name.lower(): name for name in files}
    found = (by_case.get(f"{stem}.{one}{ending}".lower()) for one in _tried(locale))
    return next((path for path in found if path is not None), by_case.get(f"{stem}{ending}".lower()))


def _tried(locale: str) -> list[str]:
    """The names a locale's own variant may have: `tr-CY`, then `tr`."""
    locale = locale.replace("_", "-")
    return [locale, locale.split("-")[0]] if locale else []


def read(files: Mapping[str, str], path: str) -> Source:
    """The file at `path`, front matter taken off. Raises ProjectError naming the line of each mistake."""
    return _read(path, files[path])


@lru_cache(maxsize=1024)
def _read(path: str, text: str) -> Source:
    if len(text) > MAX_SOURCE:
        raise refuse(Problem(FOLDER + path, 1, 1, "size", f"the template is larger than {MAX_SOURCE} characters"))
    if found := ANY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise refuse(Problem(FOLDER + path, line, 1, "character", "a character of private use stands here"))
    match = _FRONT.match(text)
    if match is None and _OPENS.match(text):
        raise refuse(_unclosed(path, text))
    if match is None:
        return Source(path, Front(), text.removeprefix("\ufeff"), 1)
    return Source(path, _front(path, match[1]), text[match.end() :], match[0].count("\n") + 1)


def _unclosed(path: str, text: str) -> Problem:
    """Front matter without its second line of ---: told where the first line that is none of its keys stands."""
    lines = text.split("\n")
    line = next((at for at, one in enumerate(lines[1:], 2) if not _KEY.match(one)), len(lines))
    message = "the front matter that begins in line 1 does not end"
    return Problem(FOLDER + path, line, 1, "front-matter", message, "end it with a line of '---'")


def _front(path: str, text: str) -> Front:
    from ruamel.yaml import YAML, MappingNode
    from ruamel.yaml.error import YAMLError

    if len(text) > MAX_FRONT:
        raise refuse(Problem(FOLDER + path, 1, 1, "front-matter", "the front matter is too long"))
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 2
        message = f"the front matter is not YAML: {getattr(error, 'problem', None) or type(error).__name__}"
        raise refuse(Problem(FOLDER + path, line, 1, "front-matter", message, 'quote texts: "…"')) from None
    if node is None:
        return Front()
    if not isinstance(node, MappingNode):
        raise refuse(Problem(FOLDER + path, 2, 1, "front-matter", "the front matter needs keys", "subject: …"))
    return _keys(path, node)


def _keys(path: str, node: Any) -> Front:
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    for key, value in node.value:
        where = (FOLDER + path, key.start_mark.line + 2, key.start_mark.column + 1, "front-matter")
        if key.value not in _KEYS:
            near = get_close_matches(str(key.value), _KEYS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(_KEYS)}"
            problems.append(Problem(*where[:3], "unknown-key", f"{key.value!r} is no key here", hint))
        elif key.value in found:
            problems.append(Problem(*where, f"{key.value} stands twice"))
        elif key.value == "from":
            found["from"] = _sender(value, where, problems)
        elif not isinstance(value.value, str):
            problems.append(Problem(*where, f"{key.value} needs a text"))
        else:
            found[key.value] = (value.value, value.start_mark.line + 2, value.start_mark.column + 1 + bool(value.style))
    if problems:
        raise refuse(*problems)
    subject, subject_line, column = found.get("subject", (None, 1, 1))
    preheader, preheader_line, other = found.get("preheader", (None, 1, 1))
    return Front(subject, subject_line, preheader, preheader_line, found.get("from"), column, other)


def _sender(node: Any, where: tuple[str, int, int, str], problems: list[Problem]) -> Mailbox | None:
    from email_validator import EmailNotValidError, validate_email

    entries = node.value if isinstance(getattr(node, "value", None), list) else []
    given = {key.value: value.value for key, value in entries} if all(len(e) == 2 for e in entries) else {}
    if set(given) - {"name", "address"} or not isinstance(given.get("address"), str):
        problems.append(Problem(*where, "from needs an address", "from: {name: Acme, address: hi@acme.example}"))
        return None
    try:
        checked = validate_email(given["address"], check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        problems.append(Problem(*where, f"{given['address']!r} is no address: {error}"))
        return None
    return Mailbox(str(given.get("name", "")), checked.ascii_email or checked.normalized)


@lru_cache(maxsize=1024)
def cut(source: Source) -> tuple[Piece, ...]:
    """The body as pieces; comments are gone, white space control is done. Raises ProjectError."""
    env = environment()
    try:
        _known_words(env, env.parse(source.body), source)
        return tuple(_pieces(source, env))
    except TemplateSyntaxError as error:
        told = explain(source.body, error)
        problem = Problem(FOLDER + source.path, *source.place(told.at), "syntax", told.message, told.hint)
        raise refuse(problem) from None
    except RecursionError:
        message = "the template is nested too deeply"
        raise refuse(Problem(FOLDER + source.path, source.first_line, 1, "syntax", message)) from None


def _known_words(env: Environment, tree: nodes.Template, source: Source) -> None:
    """Raise ProjectError for a filter or test that is not there, with the nearest that is."""
    for node in _filters_and_tests(tree):
        kind, known = ("filter", env.filters) if isinstance(node, nodes.Filter) else ("test", env.tests)
        if node.name not in known:
            near = get_close_matches(node.name, [name for name in known if name[:1] != "_"], 1)
            usual = ", ".join(sorted(name for name in known if name[:1] not in "_=!<>")[:40])
            hint = f"did you mean {near[0]!r}?" if near else f"known are {usual}"
            place = source.place(_used(source.body, node))
            message = f"there is no {kind} {node.name!r}"
            raise refuse(Problem(FOLDER + source.path, *place, f"unknown-{kind}", message, hint))


def _filters_and_tests(tree: nodes.Template) -> Iterator[nodes.Filter | nodes.Test]:
    yield from tree.find_all(nodes.Filter)
    yield from tree.find_all(nodes.Test)


def _used(body: str, node: nodes.Filter | nodes.Test) -> int:
    """Where the name of a filter or test stands, from the line its expression begins on."""
    start = sum(len(line) + 1 for line in body.split("\n")[: node.lineno - 1])
    before = r"\|\s*" if isinstance(node, nodes.Filter) else r"\bis\s+(?:not\s+)?"
    found = re.compile(rf"{before}({re.escape(node.name)})\b").search(body, start)
    return found.start(1) if found else start


def _pieces(source: Source, env: Environment) -> Iterator[Piece]:
    """Jinja2 tells lines alone, so columns come from finding each of its words behind the one before."""
    inside: list[str] | None = None
    at = begun = 0
    for _, token, value in env.lex(source.body):
        at = max(source.body.find(value, at), at)
        if token == "data":
            line, column = source.place(at)
            yield Piece(Kind.TEXT, value, source.path, line, column=column)
        elif token in ("block_begin", "variable_begin"):
            inside, begun = [], at + len(value)
        elif token in ("block_end", "variable_end") and inside is not None:
            text = "".join(inside)
            line, column = source.place(begun + len(text) - len(text.lstrip()))
            text, kind = text.strip(), Kind.TAG if token == "block_end" else Kind.VALUE
            word = text.split(None, 1)[0] if kind is Kind.TAG else ""
            yield Piece(kind, text, source.path, line, word, column)
            inside = None
        elif inside is not None:
            inside.append(value)
        at += len(value)
