"""Reading a project's folder within limits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from files.sample import files
from nurture.core.errors import ProjectError
from nurture.files.folder import MAX_BYTES, read_folder, scan
from nurture.files.loader import load


def _write(directory: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_the_files_of_a_project_are_read_and_nothing_else(tmp_path: Path) -> None:
    _write(tmp_path, files())
    _write(
        tmp_path, {"campaigns/README.md": "x", "templates/emails/.draft.html": "x", "other/a.html": "x", ".env": "x"}
    )
    assert read_folder(tmp_path) == files()


def test_line_ends_of_windows_are_read_as_line_ends(tmp_path: Path) -> None:
    _write(tmp_path, files())
    (tmp_path / "nurture.yaml").write_bytes((tmp_path / "nurture.yaml").read_bytes().replace(b"\n", b"\r\n"))
    assert read_folder(tmp_path) == files()
    assert load(tmp_path).problems == ()


def test_a_file_that_is_not_utf_8_is_refused_at_the_byte(tmp_path: Path) -> None:
    _write(tmp_path, files())
    (tmp_path / "campaigns/wake-up.yaml").write_bytes("title: a\nowner: Zoë".encode("latin-1"))
    (problem,) = scan(tmp_path)[1]
    assert (problem.path, problem.line, problem.column, problem.rule) == ("campaigns/wake-up.yaml", 2, 10, "encoding")
    assert load(tmp_path).broken == {"wake-up"}


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    _write(tmp_path, {**files(), "templates/emails/big.html": "x" * (MAX_BYTES + 1)})
    with pytest.raises(ProjectError, match=r"templates/emails/big\.html:1:1: the file is larger than 256 kB"):
        read_folder(tmp_path)


def test_a_link_out_of_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.html").write_text("secret")
    project = tmp_path / "project"
    _write(project, files())
    (project / "templates/emails/stolen.html").symlink_to(tmp_path / "secret.html")
    texts, problems = scan(project)
    assert "templates/emails/stolen.html" not in texts
    assert [problem.rule for problem in problems] == ["outside"]


def test_a_link_within_the_project_is_followed(tmp_path: Path) -> None:
    _write(tmp_path, files())
    (tmp_path / "templates/emails/again.html").symlink_to(tmp_path / "templates/emails/wake-up/offer.html")
    assert "templates/emails/again.html" in read_folder(tmp_path)


def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    _write(tmp_path, files())
    os.mkfifo(tmp_path / "campaigns/pipe.yaml")
    assert [problem.rule for problem in scan(tmp_path)[1]] == ["unreadable"]


def test_a_folder_without_a_project_says_so(tmp_path: Path) -> None:
    assert [problem.rule for problem in load(tmp_path / "nowhere").problems] == ["no-project"]
