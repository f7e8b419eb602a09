"""Contacts imported a second, in bounded memory; beside a plain loop of csv and inserts."""

from __future__ import annotations

import csv
import resource
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from measure import KEPT, Figure, Sizes
from support.line import MONDAY, open_line

from nurture.actions.import_contacts import import_contacts
from nurture.actions.importing import Job
from nurture.files.tabular import open_table

HEADER = "email,first_name,last_name,locale,timezone,country,source,signed_up_at,tags,consent,consent_source,plan\n"


def written(count: int) -> Path:
    """A contacts file of so many rows, kept between runs."""
    KEPT.mkdir(exist_ok=True)
    path = KEPT / f"contacts-{count}.csv"
    if not path.exists():
        with path.open("w") as file:
            file.write(HEADER)
            for i in range(count):
                file.write(f"person.{i}@example.com,Ada{i % 977},Kaya,tr,Europe/Istanbul,TR,newsletter,"
                           f"2025-{i % 12 + 1:02}-{i % 28 + 1:02},guide,offers,form,plan-{i % 5}\n")  # fmt: skip
    return path


def imports(sizes: Sizes) -> list[Figure]:
    """The whole import on SQLite, and how much memory its process needed at most."""
    path = written(sizes.imported)
    with TemporaryDirectory(prefix="nurture-bench-") as folder:
        line = open_line(f"sqlite:///{folder}/import.db", {})
        begin = perf_counter()
        summary = import_contacts(line.database, line.program, Job(open_table(path)), MONDAY)
        rate = sizes.imported / (perf_counter() - begin)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        line.database.close()
        if summary.counts["new"] != sizes.imported:
            raise AssertionError(f"imported {summary.counts}")
        plain = _plain(path, Path(folder) / "plain.db", max(20_000, sizes.imported // 10))
    return [
        Figure(f"contacts imported ({sizes.imported:,}), SQLite", rate, "/s", plain,
               "csv + INSERT into one table, nothing checked", rate / plain),
        Figure("memory of the import", peak, "MB", at_most=300),
    ]  # fmt: skip


def _plain(path: Path, database: Path, count: int) -> float:
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE c (email TEXT PRIMARY KEY, a, b, c, d, e, f, g, h, i, j, k)")
    begin = perf_counter()
    with path.open(newline="") as file:
        for number, row in enumerate(csv.reader(file)):
            if number > count:
                break
            connection.execute("INSERT INTO c VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", row)
    connection.commit()
    rate = count / (perf_counter() - begin)
    connection.close()
    return rate
