"""What the documents show is true: their files are right, their links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from nurture.cli.commands import COMMANDS
from nurture.core.campaign import Campaign
from nurture.core.project import Project
from nurture.core.scenario import Scenarios
from nurture.scaffold import SAMPLES_DAY, init

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARIABLE = re.compile(r"NURTURE_[A-Z]+(?:_[A-Z]+)*")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
COMPLETION = "NURTURE_COMPLETE"
"""What click's shell completion says to itself; nobody sets it."""


def blocks(path: Path, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(path.read_text(encoding="utf-8")) if kind == language]


def read(text: str) -> Any:
    return YAML(typ="safe").load(text)


def shown(key: str) -> list[tuple[str, dict[str, Any]]]:
    """Every whole YAML file that a document shows, known by a top-level key."""
    loaded = ((path.name, read(text)) for path in DOCUMENTS for text in blocks(path, "yaml"))
    return [(name, data) for name, data in loaded if isinstance(data, dict) and key in data]


def variables(path: Path) -> set[str]:
    return set(VARIABLE.findall(path.read_text(encoding="utf-8")))


def test_every_campaign_that_is_shown_is_a_right_one() -> None:
    campaigns = shown("steps")
    assert any(name == "README.md" for name, _ in campaigns)
    for name, data in campaigns:
        if "audience" in data:
            assert Campaign.model_validate({"name": name.lower().split(".")[0], **data})


def test_every_project_file_that_is_shown_is_a_right_one() -> None:
    for _, data in shown("base_url"):
        assert Project.model_validate(data)


def test_every_file_of_scenarios_that_is_shown_is_a_right_one() -> None:
    for _, data in shown("scenarios"):
        assert Scenarios.model_validate(data)


def test_the_readme_s_campaign_has_fifteen_lines_at_most() -> None:
    assert all(len(text.splitlines()) <= 15 for text in blocks(ROOT / "README.md", "yaml"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    targets = LINK.findall(path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def commands(text: str) -> set[str]:
    """The commands of nurture that stand in code, inline or in a block."""
    code = [body for kind, body in BLOCK.findall(text) if kind in ("sh", "console", "")]
    code += re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    return {word for part in code for word in re.findall(r"(?:^|[\s(/])nurture ([a-z][a-z-]*)", part)}


def test_every_command_that_is_told_exists_and_every_one_that_exists_is_told() -> None:
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    assert set().union(*map(commands, texts)) == set(COMMANDS)


def told(command: str, project: Path) -> str:
    """What a command of the tutorial prints, typed in the project's folder."""
    words = [sys.executable, str(ROOT / "scripts/nurture"), *command.split()[1:]]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout


def test_the_tutorial_s_first_steps_print_what_it_says(tmp_path: Path) -> None:
    init(tmp_path, SAMPLES_DAY)
    campaign = tmp_path / "campaigns/wake-up.yaml"
    right = campaign.read_text(encoding="utf-8")
    wrong = right.replace("stage: inactive  ", "stage: inactve  ")
    for block in blocks(ROOT / "docs/tutorial.md", "console")[:3]:
        campaign.write_text(wrong if "inactve" in block else right, encoding="utf-8")
        for part in block.removeprefix("$ ").split("\n$ "):
            command, _, output = part.partition("\n")
            assert told(command, tmp_path).strip() == output.strip()


def test_every_environment_variable_is_told_and_none_that_is_not_read() -> None:
    read = {name for path in (ROOT / "nurture").rglob("*.py") for name in variables(path)}
    assert variables(ROOT / "docs/running.md") == read - {COMPLETION}
    assert variables(ROOT / ".env.example") <= read
