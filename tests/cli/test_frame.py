"""The frame of the command line: help, finding the project, errors, output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

import pytest
import rich_click as click
from click.exceptions import Exit

from nurture import __version__
from nurture.cli import failures
from nurture.cli.commands import COMMANDS, GROUPS, imported, nurture
from nurture.cli.entry import run
from nurture.cli.frame import emit, plain, progress, project_directory, table
from nurture.core.errors import InputError, ProjectError
from nurture.core.problem import Problem

LISTING = "import sys; from nurture.cli.entry import run; run(['--help']); print('|'.join(sys.modules))"
BOOM = "import click\n@click.command('boom')\ndef command():\n    raise RuntimeError('kaboom')\n"
CRASHING = """
import sys
from nurture.cli.commands import COMMANDS
from nurture.cli.entry import run
COMMANDS["boom"] = ("boom:command", "x")
sys.exit(run(["boom"]))
"""


def _python(code: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": f"{directory}:{Path(__file__).parent.parent.parent}", **environment}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=directory, env=env, timeout=60, check=False
    )


def test_the_help_names_every_command_in_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert [name for name in COMMANDS if f" {name} " not in out] == []
    assert [group for group in GROUPS if group not in out] == []
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(COMMANDS)


def test_the_help_imports_no_command_and_nothing_heavy(tmp_path: Path) -> None:
    loaded = set(_python(LISTING, tmp_path).stdout.strip().split("\n")[-1].split("|"))
    assert "nurture.cli.commands" in loaded
    heavy = {"sqlalchemy", "pydantic", "ruamel.yaml", "jinja2", "babel", "httpx", "starlette", "uvicorn", "apscheduler"}
    assert heavy & loaded == set()
    assert {module.partition(":")[0] for module, _ in COMMANDS.values()} & loaded == set()


@pytest.mark.parametrize("name", [name for name in COMMANDS if name in ("init", "check", "schema", "completion")])
def test_a_command_is_what_its_name_says_and_shows_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(name).name == name
    assert run([name, "--help"]) == 0
    assert "Example:" in capsys.readouterr().out


def test_the_exit_codes_stand_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])
    assert "Exit codes: 0 done, 1 " in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    captured = capsys.readouterr()
    assert "Campaign files" in captured.out + captured.err


def test_a_misspelt_command_finds_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chekc"]) == 2
    assert "There is no command 'chekc'. Did you mean 'check'?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["check", "--jsn"], ["--bogus"], ["init"], ["completion", "tcsh"]])
def test_a_command_written_wrongly_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert "Error: " in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_one_line_for_the_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert f"_NURTURE_COMPLETE={shell}_source nurture" in capsys.readouterr().out


def test_the_shell_completes_commands_and_options(tmp_path: Path) -> None:
    code = "from nurture.cli.entry import run; run([])"
    asked = {"_NURTURE_COMPLETE": "bash_complete", "COMP_WORDS": "nurture che", "COMP_CWORD": "1"}
    assert _python(code, tmp_path, **asked).stdout == "plain,check\n"
    asked |= {"COMP_WORDS": "nurture check --js", "COMP_CWORD": "2"}
    assert _python(code, tmp_path, **asked).stdout == "plain,--json\n"


def _context(**params: object) -> click.RichContext:
    ctx = click.RichContext(nurture, info_name="nurture")
    ctx.params.update(params)
    return ctx


def test_the_project_is_the_nearest_folder_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nurture.yaml").touch()
    (tmp_path / "campaigns/deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "campaigns/deep")
    assert project_directory(_context()) == tmp_path
    assert project_directory(_context(project=Path("other"))) == Path("other")


def test_without_a_project_it_is_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert project_directory(_context()) == tmp_path


def test_an_error_raised_on_purpose_is_a_paragraph_and_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exit) as ended, failures.told(_context()):
        raise InputError("the file [bold] has no header; write one")
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == "the file [bold] has no header; write one\n"


def test_problems_of_a_project_are_shown_with_their_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nurture.yaml").write_text("project: x\n")
    with pytest.raises(Exit), failures.told(_context(project=tmp_path)):
        raise ProjectError([Problem("nurture.yaml", 1, 10, "rule", "wrong", "hint")])
    assert "nurture.yaml:1:10: error[rule]: wrong\n    1 | project: x\n" in capsys.readouterr().err


def test_a_mistake_of_ours_is_one_line_and_a_file(tmp_path: Path) -> None:
    (tmp_path / "boom.py").write_text(BOOM)
    (tmp_path / ".nurture").mkdir()
    done = _python(CRASHING, tmp_path)
    assert done.returncode == 70
    assert done.stderr.startswith("This is a mistake in nurture")
    assert "Traceback" not in done.stderr
    (crash,) = (tmp_path / ".nurture").glob("crash-*.txt")
    assert str(crash) in done.stderr
    assert "RuntimeError: kaboom" in crash.read_text()
    assert crash.stat().st_mode & 0o077 == 0


def test_debugging_shows_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "boom.py").write_text(BOOM)
    assert "RuntimeError: kaboom" in _python(CRASHING, tmp_path, NURTURE_DEBUG="1").stderr


def test_crash_files_do_not_pile_up(tmp_path: Path) -> None:
    (tmp_path / ".nurture").mkdir()
    for number in range(30):
        (tmp_path / f".nurture/crash-{number}.txt").touch()
    (tmp_path / "boom.py").write_text(BOOM)
    _python(CRASHING, tmp_path)
    assert len(list((tmp_path / ".nurture").glob("crash-*.txt"))) == failures.KEPT


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    code = (
        "import os, sys; from nurture.cli.entry import run; r, w = os.pipe(); os.dup2(w, 1); os.close(r);"
        f"sys.exit(run(['--project', {str(tmp_path)!r}, 'check', '--json']))"
    )
    done = _python(code, tmp_path)
    assert (done.returncode, done.stderr) == (141, "")


def test_an_interrupt_ends_with_130(tmp_path: Path) -> None:
    (tmp_path / "boom.py").write_text(BOOM.replace("RuntimeError('kaboom')", "KeyboardInterrupt"))
    done = _python(CRASHING, tmp_path)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


class _Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class _Row:
    at: datetime
    colour: _Colour
    sum: Decimal
    tags: frozenset[str]


def test_json_has_words_for_everything_we_hold(capsys: pytest.CaptureFixture[str]) -> None:
    row = _Row(datetime(2026, 11, 21, 10, tzinfo=UTC), _Colour.RED, Decimal("1.5"), frozenset({"b", "a"}))
    emit({"rows": [row], "name": "Şule"}, True, print)
    out = capsys.readouterr().out
    assert "Şule" in out
    assert json.loads(out)["rows"] == [
        {"at": "2026-11-21T10:00:00+00:00", "colour": "red", "sum": 1.5, "tags": ["a", "b"]}
    ]


def test_people_get_their_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"n": 3}, False, lambda data: print(f"{data['n']} contacts"))
    assert capsys.readouterr().out == "3 contacts\n"


def test_a_table_in_a_pipe_is_as_wide_as_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    table([("x" * 150, 5), ("[red]", 50)], ("name", "sum"))
    lines = capsys.readouterr().out.split("\n")
    assert "x" * 150 + "     5" in lines[2]
    assert lines[3].startswith("[red]")


def test_nothing_in_a_table_moves_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    table([("\x1b[31mAda\x07",)], ("name",))
    assert "\x1b" not in capsys.readouterr().out
    assert plain("a\x1bb\u202ec\n") == "a�b�c\n"


def test_progress_is_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(10, "importing") as done:
        done()
        done(by=4)
        done(to=10)
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_init_makes_a_project_that_is_right_with_schemas(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "shop")]) == 0
    assert "nurture check" in capsys.readouterr().out
    assert (tmp_path / "shop/.nurture/campaign.schema.json").is_file()
    assert run(["--project", str(tmp_path / "shop"), "check"]) == 0
    assert run(["init", str(tmp_path / "shop")]) == 1


def test_schemas_are_written_into_the_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", str(tmp_path), "schema"]) == 0
    assert (tmp_path / ".nurture/project.schema.json").is_file()
    assert run(["schema", "--dir", str(tmp_path / "here")]) == 0
    assert str(tmp_path / "here/campaign.schema.json") in capsys.readouterr().out
