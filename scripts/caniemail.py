"""Reduce the tests of Can I email to what `nurture check` asks: who of seven large mail programs ignores which CSS.

    python scripts/caniemail.py DATA

DATA is the file at https://www.caniemail.com/api/data.json, or data/caniemail.json of the npm package `caniemail`,
which is a copy of it. Writes nurture/emails/caniemail/support.json.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1] / "nurture" / "emails" / "caniemail" / "support.json"
CLIENTS = {
    "Gmail on the web": ("gmail", "desktop-webmail"),
    "Gmail on Android": ("gmail", "android"),
    "Apple Mail on iPhones": ("apple-mail", "ios"),
    "Outlook for Windows": ("outlook", "windows"),
    "Outlook.com": ("outlook", "outlook-com"),
    "Outlook on iPhones": ("outlook", "ios"),
    "Yahoo Mail on the web": ("yahoo", "desktop-webmail"),
}


def support(feature: Mapping[str, Any]) -> str:
    """The newest answer of each client: y(es), n(o), a(lmost) or u(nknown)."""
    told = (feature["stats"].get(family, {}).get(platform, {}) for family, platform in CLIENTS.values())
    return "".join(answers[max(answers, key=_age)][0].lower() if answers else "u" for answers in told)


def _age(version: str) -> list[int]:
    """By which "2023-08" comes after "2022-11", and "16.1" after "9"."""
    return [int(number) for number in re.findall(r"\d+", version)]


def reduced(data: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of all the data."""
    features = (one for one in data["data"] if one["category"] == "css")
    return {
        "source": "https://www.caniemail.com, https://github.com/hteumeuleu/caniemail (MIT, see LICENSE beside this)",
        "date": data["last_update_date"][:10],
        "note": "The newest answers of each CSS feature, by client: y(es), n(o), a(lmost), u(nknown).",
        "clients": list(CLIENTS),
        "features": {one["slug"]: {"tested": one["last_test_date"], "support": support(one)} for one in features},
    }


def main(path: Path) -> None:
    """Write the reduced data."""
    lines = json.dumps(reduced(json.loads(path.read_text())), indent=1, ensure_ascii=False)
    HERE.write_text(re.sub(r"\{\n\s+(\"tested\"[^\n]*)\n\s+([^\n]*)\n\s+\}", r"{\1 \2}", lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
