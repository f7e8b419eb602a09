"""A project's files as git has them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nurture.core.errors import InputError
from nurture.files.folder import scan
from nurture.files.git import files_at


def git(folder: Path, *words: str) -> None:
    name = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *name, *words], check=True, capture_output=True)


def written(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in a folder of a repository, with two commits; the second is on the branch main."""
    folder = tmp_path / "repository" / "shop"
    written(folder, "nurture.yaml", "project: Shop\n")
    written(folder, "campaigns/one.yaml", "title: İlk\n")
    written(folder, "templates/emails/deep/hello.html", "hello\n\n")
    written(folder, "notes.md", "not of the project's files")
    written(folder.parent, "campaigns/other.yaml", "of another project")
    git(folder.parent, "init", "-b", "main")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-m", "first")
    git(folder.parent, "tag", "v1")
    written(folder, "campaigns/one.yaml", "title: Second\n")
    written(folder, "campaigns/empty.yaml", "")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-m", "second")
    return folder


def test_a_revision_s_files_are_those_that_were_committed(project: Path) -> None:
    before, problems = files_at(project, "v1")
    assert before == {
        "nurture.yaml": "project: Shop\n", "campaigns/one.yaml": "title: İlk\n",
        "templates/emails/deep/hello.html": "hello\n\n",
    }  # fmt: skip
    assert problems == ()
    assert files_at(project, "main") == scan(project)


def test_the_working_tree_is_left_alone(project: Path) -> None:
    written(project, "campaigns/one.yaml", "title: Not committed\n")
    assert files_at(project, "HEAD")[0]["campaigns/one.yaml"] == "title: Second\n"
    assert (project / "campaigns/one.yaml").read_text() == "title: Not committed\n"


def test_a_revision_from_before_the_project_has_no_files(project: Path) -> None:
    git(project.parent, "checkout", "--orphan", "empty")
    git(project.parent, "rm", "-rf", ".")
    git(project.parent, "commit", "--allow-empty", "-m", "nothing")
    project.mkdir(parents=True, exist_ok=True)
    assert files_at(project, "HEAD") == ({}, ())


@pytest.mark.parametrize(("name", "said"), [("mian", "did you mean 'main'"), ("--help", "no revision '--help'")])
def test_a_revision_that_is_not_there_is_refused(project: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        files_at(project, name)


def test_outside_a_repository_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a git repository"):
        files_at(tmp_path, "main")
