"""The workflow that is shown does what its page says: its lines are run by a shell, with GitHub's client played."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from nurture.scaffold import init

ROOT = Path(__file__).parent.parent.parent
WORKFLOW = ROOT / "docs/github-plan.yml"
GH = """\
#!/bin/sh
echo "$@" >> "$PLAYED/asked"
case "$*" in *--paginate*) cat "$PLAYED/comments" ;; esac
"""


@pytest.fixture(scope="module")
def workflow() -> Any:
    return YAML(typ="safe").load(WORKFLOW.read_text(encoding="utf-8"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the workflow checks out: a pull request's commit on top of origin/main; and the programs that it calls."""
    folder = tmp_path / "shop"
    init(folder, date(2026, 11, 21))
    git(folder, "init", "-b", "main")
    git(folder, "add", "nurture.yaml", "campaigns", "templates")
    git(folder, "commit", "-m", "base")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    wake_up = folder / "campaigns/wake-up.yaml"
    wake_up.write_text(wake_up.read_text(encoding="utf-8").replace("holdout: 10%", "holdout: 20%"), encoding="utf-8")
    git(folder, "commit", "-am", "a larger holdout")
    programs = tmp_path / "programs"
    programs.mkdir()
    program(programs / "gh", GH)
    program(programs / "nurture", f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "scripts/nurture"}" "$@"\n')
    (tmp_path / "comments").touch()
    return folder


def program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def git(folder: Path, *words: str) -> None:
    name = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *name, *words], check=True, capture_output=True)


def step(workflow: Any, name: str) -> str:
    text: str = next(one["run"] for one in workflow["jobs"]["plan"]["steps"] if one.get("name") == name)
    return text


def ran(checkout: Path, script: str) -> subprocess.CompletedProcess[str]:
    """A step's lines as GitHub runs them."""
    around = checkout.parent
    env = {key: value for key, value in os.environ.items() if not key.startswith("NURTURE_")} | {
        "PATH": f"{around / 'programs'}:{os.environ['PATH']}", "PLAYED": str(around), "BASE": "origin/main",
        "GITHUB_STEP_SUMMARY": str(around / "summary"), "REPOSITORY": "acme/shop", "NUMBER": "7", "GH_TOKEN": "none",
    }  # fmt: skip
    bash = shutil.which("bash") or "/bin/bash"
    return subprocess.run(
        [bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=checkout, env=env, text=True,
        capture_output=True, check=False,
    )  # fmt: skip


def test_it_runs_on_pull_requests_that_touch_the_project_and_may_do_no_more_than_comment(workflow: Any) -> None:
    # YAML 1.1 took "on" for a switch; this is 1.2.
    assert "campaigns/**" in workflow["on"]["pull_request"]["paths"]
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}


def test_its_lines_check_plan_and_comment(workflow: Any, checkout: Path) -> None:
    assert ran(checkout, step(workflow, "Check")).returncode == 0
    planned = ran(checkout, step(workflow, "Plan"))
    assert planned.returncode == 0, planned.stderr
    comment = (checkout / "plan.md").read_text(encoding="utf-8")
    assert comment.startswith("<!-- nurture plan -->\n### Plan: 1 campaign changed; ")
    assert "holdout.share: 10% → 20%" in comment
    assert (checkout.parent / "summary").read_text(encoding="utf-8") == comment
    assert ran(checkout, step(workflow, "Comment")).returncode == 0
    asked = (checkout.parent / "asked").read_text(encoding="utf-8").splitlines()
    assert asked[1:] == ["api --method POST repos/acme/shop/issues/7/comments --field body=@plan.md"]


def test_a_comment_that_is_there_is_written_anew(workflow: Any, checkout: Path) -> None:
    (checkout.parent / "comments").write_text("42\n43\n", encoding="utf-8")
    assert ran(checkout, step(workflow, "Comment")).returncode == 0
    asked = (checkout.parent / "asked").read_text(encoding="utf-8").splitlines()
    assert asked[1:] == ["api --method PATCH repos/acme/shop/issues/comments/42 --field body=@plan.md"]


def test_a_mistake_fails_the_check(workflow: Any, checkout: Path) -> None:
    (checkout / "campaigns/wake-up.yaml").write_text("title: 3\n", encoding="utf-8")
    assert ran(checkout, step(workflow, "Check")).returncode == 1
