"""The command as it is typed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

SMALL = ("--days", "2", "--contacts", "20")
MAIN = "import sys; from nurture.cli import main; sys.exit(main())"


def demo(*args: str) -> list[str]:
    return [sys.executable, "-c", MAIN, "demo", *SMALL, *args]


def test_the_demo_tells_its_story_and_ends(tmp_path: Path) -> None:
    done = subprocess.run(demo("--no-serve", "--dir", str(tmp_path / "shop")), capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert "All invariants hold" in done.stdout
    assert "welcome: Welcome somebody new" in done.stdout
    assert done.stderr == ""
    assert (tmp_path / "shop" / "nurture.db").is_file()


def test_a_folder_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "nurture.yaml").write_text("project: Mine\n")
    done = subprocess.run(demo("--no-serve", "--dir", str(tmp_path)), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is a nurture project already" in done.stderr
    assert (tmp_path / "nurture.yaml").read_text() == "project: Mine\n"


def test_the_page_is_served_until_somebody_ends_it(tmp_path: Path) -> None:
    with subprocess.Popen(demo("--dir", str(tmp_path / "shop")), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = next(line for line in process.stdout if line.startswith("The page is at"))
        url = line.split()[4]
        with urlopen(url) as page:
            assert b"Ferah Coffee" in page.read()
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(30) == 0
    base_url = next(line for line in (tmp_path / "shop/nurture.yaml").read_text().splitlines() if "base_url" in line)
    assert url.rstrip("/") in base_url
