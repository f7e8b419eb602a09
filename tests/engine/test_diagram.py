"""Campaigns as pictures: what Mermaid and SVG say is what the campaign does, with everybody who is in it."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser
from support.line import Line, campaign

from nurture.actions.diagram import diagram
from nurture.actions.mermaid import escaped, mermaid
from nurture.actions.svg import WIDTH, svg
from nurture.core.errors import NotFound

from .conftest import Start

STORY = """
    - {id: hello, send: hello}
    - id: keen
      if: {clicked: hello}
      then:
        - {id: more, send: second}
    - id: ways
      split: [{id: reader, share: 50%, steps: [{id: pause, wait: 3 days}]}, {id: doer, share: 50%}]
    - {id: done, set: {tags: {add: [done]}}}
    """
NASTY = 'She said "x" <b>&amp; #quot; `y` \\ {a} [b] (c) | end; 50% --> ı 你好'
EDGE = re.compile(r'^  (n\d+) -->(?:\|"(.*)"\|)? (n\d+)$', re.MULTILINE)
BOX = re.compile(r'^  (n\d+)(?! )\W+"(.*)"', re.MULTILINE)


def edges(text: str) -> set[tuple[str, str, str]]:
    """Which step leads to which, under which words."""
    names = {box: words.partition(":")[0] for box, words in BOX.findall(text)}
    return {(names[start], words, names[end]) for start, words, end in EDGE.findall(text)}


def words(text: str) -> str:
    """All that an SVG file says, as one line."""
    return " ".join("".join(ElementTree.fromstring(text).itertext()).split())


@pytest.fixture
def line(start: Start) -> Line:
    return start(campaign(STORY, title=f"'{NASTY}'"))


def test_every_way_through_the_campaign_is_drawn(line: Line) -> None:
    text = mermaid(diagram(line.program, "first"))
    title = escaped(NASTY) + "<br/>enters"
    assert edges(text) == {
        (title, "", "hello"), ("hello", "", "keen"), ("keen", "if so", "more"), ("keen", "if not", "ways"),
        ("more", "", "ways"), ("ways", "50% reader", "pause"), ("pause", "", "done"), ("ways", "50% doer", "done"),
        ("done", "", "the end"),
    }  # fmt: skip


def test_no_sign_of_a_text_means_anything_to_mermaid() -> None:
    said = escaped(NASTY)
    assert not set(said) & set('"<>&`\\')
    assert unescape(re.sub(r"#(\d+);", r"&#\1;", said)) == NASTY


def test_people_are_counted_where_they_stand_and_when_they_left(line: Line) -> None:
    for number in range(3):
        line.add_contact(f"c{number}@example.com")
    line.run(days=1)
    drawn = diagram(line.program, "first", line.database)
    here = sum(one.emailed for one in _all(drawn.nodes))
    assert here + sum(one.emailed for one in drawn.left) == 3
    text = mermaid(drawn, counts=True)
    assert "3 entered" in text
    assert text.count(" sent, 0 clicked") == 2
    assert "3 entered" in words(svg(drawn, counts=True))
    for one in drawn.left:
        assert f"{one.reason}: {one.emailed} left" in text
        assert f"{one.reason}: {one.emailed} left" in words(svg(drawn, counts=True))
    assert "sent" not in mermaid(drawn)


def _all(nodes: list) -> list:  # type: ignore[type-arg]
    return [one for node in nodes for one in (node, *_all([inner for _, way in node.ways for inner in way]))]


def test_the_picture_says_every_step_and_every_word_of_it(line: Line) -> None:
    drawn = diagram(line.program, "first")
    said = words(svg(drawn))
    assert NASTY in said
    assert [node.id for node in _all(drawn.nodes) if f"{node.id}: " not in said or node.words not in said] == []
    assert "if not: on at once" in said
    assert "50% doer: on at once" in said


def test_a_campaign_that_does_not_exist_is_told_with_the_nearest(line: Line) -> None:
    with pytest.raises(NotFound, match="did you mean 'first'"):
        diagram(line.program, "frist")


@pytest.mark.parametrize(("width", "scheme"), [(1000, "light"), (390, "dark")])
def test_the_picture_is_readable_on_a_desk_and_on_a_phone(
    line: Line, browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    path = tmp_path / "picture.svg"
    path.write_text(svg(diagram(line.program, "first")), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page.set_content(f'<body style="margin:5px">{path.read_text(encoding="utf-8")}</body>')
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    drawn = page.evaluate("document.querySelector('svg').getBoundingClientRect().width")
    assert drawn >= min(WIDTH, width - 10)
    ends = page.evaluate("[...document.querySelectorAll('text')].map(t => t.getBBox().x + t.getBBox().width)")
    assert max(ends) <= WIDTH - 10
    ground, ink = page.evaluate(
        "['.ground', 'text'].map(s => getComputedStyle(document.querySelector('svg ' + s)).fill)"
    )
    dark = sum(map(int, re.findall(r"\d+", ground))) < 200
    assert dark == (scheme == "dark")
    assert (sum(map(int, re.findall(r"\d+", ink))) > 400) == dark
    page.close()
