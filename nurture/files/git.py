"""A project's files as a git revision has them; the working tree is left alone."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from nurture.core.errors import InputError
from nurture.core.problem import Problem
from nurture.files.folder import KINDS, PROJECT, scan
from nurture.files.nearest import nearest

PLAIN_FILES = ("100644", "100755")
"""What git calls them; links and submodules are passed over."""


def files_at(directory: Path, revision: str) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """What `scan` finds in the project's folder at `revision`: a branch, a tag, a commit.

    Raises InputError without git, outside a repository, and for a revision there is none of.
    """
    commit = _commit(directory, revision)
    with TemporaryDirectory(prefix="nurture-git-") as folder:
        for path, content in _contents(directory, commit).items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return scan(Path(folder))


def _commit(directory: Path, revision: str) -> str:
    try:
        _git(directory, "rev-parse", "--git-dir")
    except InputError as error:
        raise InputError(f"git cannot tell what {directory} was at {revision!r}: {error}") from None
    try:
        named = _git(directory, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except InputError:
        known = _git(directory, "for-each-ref", "--format=%(refname:short)").decode(errors="replace").split()
        best = nearest(revision, known)
        hint = f"did you mean {best!r}?" if best else "in CI, fetch it first (actions/checkout with fetch-depth: 0)"
        raise InputError(f"git knows no revision {revision!r}; {hint}") from None
    return named.decode().strip()


def _contents(directory: Path, commit: str) -> dict[str, bytes]:
    """The project's files by their path below `directory`."""
    listed = _git(directory, "ls-tree", "-r", "-z", commit, "--", PROJECT, *KINDS)
    paths: dict[str, str] = {}
    for entry in filter(None, listed.split(b"\0")):
        about, _, path = entry.partition(b"\t")
        mode, _, digest = about.decode().split()
        name = path.decode("utf-8", errors="replace")
        if mode in PLAIN_FILES and ".." not in PurePosixPath(name).parts:
            paths[name] = digest
    if not paths:
        return {}
    said = _git(directory, "cat-file", "--batch", said="\n".join(paths.values()).encode() + b"\n")
    return dict(zip(paths, _blobs(said, len(paths)), strict=True))


def _blobs(said: bytes, count: int) -> Sequence[bytes]:
    """The contents in what `git cat-file --batch` prints: a line that ends in the size, the content, a line's end."""
    found, at = [], 0
    for _ in range(count):
        end = said.index(b"\n", at)
        size = int(said[at:end].split()[-1])
        found.append(said[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return found


def _git(directory: Path, *words: str, said: bytes | None = None) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(directory), *words], input=said, capture_output=True, check=False)
    except FileNotFoundError:
        raise InputError("git is not installed here; --since-last-run does without") from None
    if done.returncode:
        raise InputError(done.stderr.decode(errors="replace").strip() or f"git {words[0]} failed in {directory}")
    return done.stdout
