"""A new project: a copy of the one that ships with nurture, with a key of its own."""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from nurture.core.errors import InputError
from nurture.core.telling import SECRET, secret_name

SAMPLES_DAY = date(2026, 11, 21)
"""The day the samples and the campaigns' days are written for; a copy is moved to the day it is made."""

SHIPPED = (
    "nurture.yaml",
    "personas.yaml",
    ".env.example",
    "campaigns/*.yaml",
    "campaigns/tests/*.yaml",
    "templates/**/*.html",
    "templates/**/*.mjml",
    "templates/**/*.txt",
    "samples/*.csv",
)
DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}(?=\b|T)")
GITIGNORE = """\
# secrets
.env
# what nurture writes while it runs
.nurture/
outbox/
*.db
*.db-wal
*.db-shm
*.rejected.csv
"""


def project_files() -> Path:
    """The folder of the shipped project: package data in a wheel, the checkout in an editable install."""
    packaged = Path(__file__).parent / "_project"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent


def init(directory: Path, today: date) -> list[Path]:
    """Write a working project into `directory` and return the files, in order of name.

    The days in samples and campaigns are moved: they are as far from `today` as they were from SAMPLES_DAY.
    Raises InputError where a file of the same name stands already; then nothing is written.
    """
    texts = dict(_texts(today))
    _refuse_existing(directory, texts)
    for name, text in texts.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600 if name == ".env" else 0o644)
        path.write_text(text, encoding="utf-8")
    return sorted(directory / name for name in texts)


def _texts(today: date) -> Iterator[tuple[str, str]]:
    source = project_files()
    for pattern in SHIPPED:
        for path in sorted(source.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            name = path.relative_to(source).as_posix()
            yield name, _moved(text, today) if _has_days(source, name) else text
    example = (source / ".env.example").read_text(encoding="utf-8")
    yield ".env", _with_secrets(example)
    yield ".gitignore", GITIGNORE


def _has_days(source: Path, name: str) -> bool:
    """Whether the days in a file are moved. Scenarios are told in days of their own, and moved with their campaign."""
    if name.startswith("campaigns/tests/"):
        return DAY.search((source / name.replace("/tests/", "/")).read_text(encoding="utf-8")) is not None
    return name.startswith(("samples/", "campaigns/"))


def _with_secrets(example: str) -> str:
    """The example's environment with keys of its own: for links, and for the webhook of the shipped project."""
    webhook = f"{secret_name('crm')}=whsec_{b64encode(secrets.token_bytes(32)).decode()}"
    filled = example.replace("NURTURE_SECRET_KEY=", f"NURTURE_SECRET_KEY={secrets.token_hex(32)}", 1)
    return filled.replace(f"#{SECRET}=", webhook, 1)


def _moved(text: str, today: date) -> str:
    by = today - SAMPLES_DAY
    return DAY.sub(lambda match: _later(match[0], by), text)


def _later(day: str, by: timedelta) -> str:
    return (date.fromisoformat(day) + by).isoformat()


def _refuse_existing(directory: Path, texts: dict[str, str]) -> None:
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory} is a file; name a folder that is new or empty")
    taken = sorted(name for name in texts if (directory / name).exists())
    if "nurture.yaml" in taken:
        raise InputError(f"{directory} is a nurture project already; name a folder that is new or empty")
    if taken:
        raise InputError(f"{directory} already holds {', '.join(taken)}; name a folder that is new or empty")
