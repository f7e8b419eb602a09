"""Releases: what runs, immutable, addressed by content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from nurture.store.database import insert_all, insert_new, upsert
from nurture.store.prepared import ask_column
from nurture.store.tables import (
    compiled_email,
    file_content,
    meta,
    release,
    release_email,
    release_file,
)


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release as it stands in the database; `published_at` is UTC."""

    id: int
    digest: str
    published_at: datetime
    version: str


EmailKey = tuple[str, str, str, str]
"""Campaign, step, locale, variant."""

RUNNING = "running_release"
"""The setting under which the id of the release that runs is kept."""


def digest_of(data: bytes) -> str:
    """The name of a content."""
    return hashlib.sha256(data).hexdigest()


def release_digest(files: Mapping[str, str], emails: Mapping[EmailKey, str], version: str) -> str:
    """The name of a set of files, and of the emails they make, run by a version of nurture."""
    whole = hashlib.sha256(version.encode())
    for path in sorted(files):
        whole.update(f"\0{path}\0{digest_of(files[path].encode())}".encode())
    for key in sorted(emails):
        whole.update("\0".join(("", *key, emails[key])).encode())
    return whole.hexdigest()


def latest_release(connection: Connection) -> ReleaseRow | None:
    """The release that runs: the one published last, or gone back to."""
    running = get_meta(connection, RUNNING)
    return release_row(connection, int(running)) if running else None


def release_row(connection: Connection, release_id: int) -> ReleaseRow | None:
    """The release of that id."""
    row = connection.execute(select(release).where(release.c.id == release_id)).one_or_none()
    return ReleaseRow(*row) if row else None


def release_files(connection: Connection, release_id: int) -> dict[str, str]:
    """The files of a release by path."""
    rows = connection.execute(
        select(release_file.c.path, file_content.c.content)
        .join(file_content, file_content.c.digest == release_file.c.digest)
        .where(release_file.c.release_id == release_id)
    )
    return {path: content.decode() for path, content in rows}


def release_text(connection: Connection, release_id: int, path: str) -> str | None:
    """One file of a release; None where it has none of that path."""
    content = connection.execute(
        select(file_content.c.content)
        .join(release_file, file_content.c.digest == release_file.c.digest)
        .where(release_file.c.release_id == release_id, release_file.c.path == path)
    ).scalar()
    return None if content is None else bytes(content).decode()


def campaigns_of(connection: Connection, release_id: int) -> list[str]:
    """The names of a release's campaigns."""
    paths = connection.execute(select(release_file.c.path).where(release_file.c.release_id == release_id)).scalars()
    return [path.removeprefix("campaigns/").removesuffix(".yaml") for path in paths if path.startswith("campaigns/")]


def release_emails(connection: Connection, release_id: int) -> dict[EmailKey, str]:
    """The digests of a release's compiled emails."""
    columns = ("campaign", "step", "locale", "variant", "digest")
    statement = select(*(release_email.c[name] for name in columns)).where(release_email.c.release_id == release_id)
    return {(row[0], row[1], row[2], row[3]): row[4] for row in connection.execute(statement)}


def save_release(
    connection: Connection,
    files: Mapping[str, str],
    emails: Mapping[EmailKey, str],
    contents: Iterable[bytes],
    version: str,
    now: datetime,
) -> ReleaseRow:
    """Keep a release; the same files, emails and version are the same release.

    `emails` are digests; `contents` those of the compiled emails that may be new.
    """
    digest = release_digest(files, emails, version)
    found = connection.execute(select(release).where(release.c.digest == digest)).one_or_none()
    if found:
        return ReleaseRow(*found)
    statement = insert(release).values(digest=digest, published_at=now, version=version).returning(release.c.id)
    row = ReleaseRow(int(connection.execute(statement).scalar_one()), digest, now, version)
    texts = {digest_of(text.encode()): text.encode() for text in files.values()}
    insert_new(connection, file_content, [{"digest": name, "content": data} for name, data in texts.items()])
    insert_all(connection, release_file, [_file_row(row.id, path, text) for path, text in files.items()])
    compiled = {digest_of(data): data for data in contents}
    insert_new(connection, compiled_email, [{"digest": name, "content": data} for name, data in compiled.items()])
    insert_all(connection, release_email, [_email_row(row.id, key, name) for key, name in emails.items()])
    return row


def _file_row(release_id: int, path: str, text: str) -> dict[str, Any]:
    return {"release_id": release_id, "path": path, "digest": digest_of(text.encode())}


def _email_row(release_id: int, key: EmailKey, digest: str) -> dict[str, Any]:
    names = dict(zip(("campaign", "step", "locale", "variant"), key, strict=True))
    return {"release_id": release_id, **names, "digest": digest}


def email_content(connection: Connection, digest: str) -> bytes | None:
    """A compiled email by its digest."""
    return connection.execute(select(compiled_email.c.content).where(compiled_email.c.digest == digest)).scalar()


def one_release(connection: Connection, release_id: int) -> ReleaseRow:
    """A release that is known to be there, by its id."""
    return ReleaseRow(*connection.execute(select(release).where(release.c.id == release_id)).one())


_CHANGING = 4_711_001
"""The name of PostgreSQL's lock on what runs."""


def hold(connection: Connection, release_id: int) -> bool:
    """Whether that release runs; if so it does until the transaction ends.

    Whoever moves people asks this first: another process may have published meanwhile.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock_shared(_CHANGING)))
    return get_meta(connection, RUNNING) == str(release_id)


def change(connection: Connection) -> None:
    """Wait until nobody holds what runs; nobody does until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_CHANGING)))


_META = select(meta.c.value).where(meta.c.key == bindparam("key"))


def get_meta(connection: Connection, key: str) -> str | None:
    """A project-wide setting kept in the database."""
    found = ask_column(connection, _META, {"key": key})
    return found[0] if found else None


def set_meta(connection: Connection, key: str, value: str | None) -> None:
    """Keep, replace or (None) remove a project-wide setting."""
    if value is None:
        connection.execute(meta.delete().where(meta.c.key == key))
    else:
        upsert(connection, meta, [{"key": key, "value": value}])
