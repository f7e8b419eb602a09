"""The project that the demo runs: the shipped one, or made-up people meet the files of another."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

from nurture.core.errors import InputError
from nurture.scaffold import init

DRAFTS = ("harvest", "office")

FILES = ("nurture.yaml", "campaigns", "templates")


def lay_down(directory: Path, day: date, port: int, files: Path | None) -> None:
    """Make the project in a new folder. Where `files` names another project, its files run, unchanged but for where
    links lead; else the shipped ones, drafts among them.

    Raises InputError when `files` is no project.
    """
    if files and not (files / "nurture.yaml").is_file():
        raise InputError(f"{files} holds no nurture.yaml; name the folder of a project")
    init(directory, day)
    if files:
        _take_over(directory, files)
    else:
        for name in DRAFTS:
            _go_live(directory / f"campaigns/{name}.yaml")
    _reach_at(directory / "nurture.yaml", port)


def _take_over(directory: Path, files: Path) -> None:
    for name in FILES:
        here, there = directory / name, files / name
        if here.is_dir():
            shutil.rmtree(here)
        if there.is_dir():
            shutil.copytree(there, here)
        elif there.exists():
            shutil.copyfile(there, here)


def _reach_at(project_file: Path, port: int) -> None:
    """Have the links in emails lead to this port, where the page is served afterwards."""
    if port:
        text = project_file.read_text(encoding="utf-8")
        project_file.write_text(
            re.sub(r"(?m)^base_url: \S+", f"base_url: http://127.0.0.1:{port}", text), encoding="utf-8"
        )


def _go_live(campaign: Path) -> None:
    """What ships as a draft is live here."""
    text = campaign.read_text(encoding="utf-8")
    campaign.write_text(text.replace("status: draft", "status: live", 1), encoding="utf-8")
