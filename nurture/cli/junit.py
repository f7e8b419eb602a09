"""Results in JUnit's XML, as CI systems read it: a suite for each file, a case for each scenario."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from nurture.actions.outcome import Played
from nurture.cli.difference import difference

FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, however it is escaped."""


def write_junit(path: Path, played: Sequence[Played], files: Mapping[str, str]) -> None:
    """Write the results to `path`; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(junit(played, files))


def junit(played: Sequence[Played], files: Mapping[str, str]) -> bytes:
    """The results as XML; `files` are the scenarios' texts by path. Times are seconds."""
    root = ElementTree.Element("testsuites", _counts("nurture test", played))
    for name in dict.fromkeys(one.path for one in played):
        mine = [one for one in played if one.path == name]
        suite = ElementTree.SubElement(root, "testsuite", _counts(name, mine))
        for one in mine:
            _case(suite, one, files[name])
    ElementTree.indent(root)
    whole: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return whole + b"\n"


def _counts(name: str, played: Sequence[Played]) -> dict[str, str]:
    return {
        "name": _clean(name), "tests": str(len(played)), "failures": str(sum(not one.passed for one in played)),
        "errors": "0", "skipped": "0", "time": f"{sum(one.seconds for one in played):.3f}",
    }  # fmt: skip


def _case(suite: ElementTree.Element, one: Played, text: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", {
        "classname": _clean(one.campaign), "name": _clean(one.title), "time": f"{one.seconds:.3f}",
        "file": _clean(one.path), "line": str(one.begins),
    })  # fmt: skip
    if one.deviation:
        said = {"message": _clean(f"{one.path}:{one.line}:{one.column}: {one.deviation.instead}"), "type": "scenario"}
        ElementTree.SubElement(case, "failure", said).text = _clean(difference(one, text))


def _clean(text: str) -> str:
    return FORBIDDEN.sub("\ufffd", text)
