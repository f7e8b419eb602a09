"""Reduce the tests of Can I email to what `nurture check` asks: who of seven large mail programs ignores what.

    python scripts/caniemail.py CHECKOUT

CHECKOUT is a clone of https://github.com/hteumeuleu/caniemail. Writes nurture/emails/caniemail/support.json, with
today's date, for the features that nurture/emails/css.py names.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from nurture.emails.css import WRITTEN

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
_TOKEN = re.compile(r'"?([\w.-]+)"?\s*:\s*(?:(\{)|"(\w)[^"]*")|(\})')


def reduced(text: str) -> dict[str, str]:
    """The date of the last test in a feature's file, and the newest answer of each client: y, n, a(lmost) or u(nknown).

    The files are not quite YAML (tabs, commas, a brace too few), so they are read word by word.
    """
    date = re.search(r'last_test_date:\s*"([\d-]+)"', text)
    newest: dict[tuple[str, ...], str] = {}
    path: list[str] = []
    stats = text.partition("stats:")[2].partition("\nnotes")[0]
    for key, opens, answer, closes in _TOKEN.findall(stats):
        if opens:
            path.append(key)
        elif closes:
            del path[-1:]
        elif answer:
            newest[tuple(path[-2:])] = answer
    support = "".join(newest.get(place, "u") for place in CLIENTS.values())
    return {"tested": date[1] if date else "", "support": support}


def main(checkout: Path) -> None:
    """Write the reduced data of a checkout."""
    git = ["git", "-C", str(checkout), "rev-parse", "--short=8", "HEAD"]
    commit = subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()
    features = {}
    for name in [*WRITTEN, "css-at-import"]:
        found = reduced((checkout / "_features" / f"{name}.md").read_text())
        features[name] = {"tested": found["tested"], "commit": commit, "support": found["support"]}
    data = json.loads(HERE.read_text())
    data |= {"date": f"{datetime.now(UTC):%Y-%m-%d}", "clients": list(CLIENTS), "features": features}
    lines = json.dumps(data, indent=1, ensure_ascii=False)
    HERE.write_text(re.sub(r"\{\n\s+(\"tested\"[^\n]*)\n\s+([^\n]*)\n\s+([^\n]*)\n\s+\}", r"{\1 \2 \3}", lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
