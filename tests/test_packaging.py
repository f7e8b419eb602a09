"""The wheel holds all a new project needs, and works in an environment that knows nothing of the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PATIENCE = 180  # seconds for one command; generous, it only ends what hangs


def run(*command: str | Path, cwd: Path) -> str:
    """The standard output of a command that must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a fresh environment with the wheel, and the libraries of this one lent to it."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index")
    run(*pip, "--ignore-installed", wheel, cwd=folder)
    return folder / "bin"


def test_the_wheel_holds_the_shipped_project(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in (("campaigns", "*.yaml"), ("templates", "*.html"), ("samples", "*.csv")):
        shipped = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(pattern)}
        assert shipped
        assert {f"nurture/_project/{name}" for name in shipped} <= names
    assert {"nurture/_project/nurture.yaml", "nurture/_project/.env.example"} <= names


def test_the_wheel_holds_the_migrations(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    revisions = {path.name for path in (ROOT / "nurture/store/migrations/versions").glob("*.py")}
    assert revisions
    assert {f"nurture/store/migrations/versions/{name}" for name in revisions} <= names


def test_the_wheel_holds_no_secrets_and_no_databases(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.endswith((".env", ".db", ".pyc"))] == []


def test_an_installed_nurture_is_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import nurture; print(nurture.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)


def test_an_installed_nurture_makes_a_project_that_passes_its_check(installed: Path, tmp_path: Path) -> None:
    run(installed / "nurture", "init", "shop", cwd=tmp_path)
    run(installed / "nurture", "check", cwd=tmp_path / "shop")


def test_an_installed_nurture_plays_the_demo(installed: Path, tmp_path: Path) -> None:
    demo = (installed / "nurture", "demo", "--no-serve", "--contacts", "80", "--days", "10", "--dir", "played")
    assert "All invariants hold" in run(*demo, cwd=tmp_path)
    assert "invariants hold" in run(installed / "nurture", "doctor", "--invariants", cwd=tmp_path / "played")
