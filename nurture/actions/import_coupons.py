"""Coupon codes in: one on a line, or a table with the columns code and expires. Each counts once in the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from nurture.actions.importing import (
    CHUNK,
    Cells,
    Job,
    Reader,
    Rejects,
    Summary,
    aliased,
    check_columns,
    fold_name,
    in_chunks,
    parsed,
    passed_over,
    read_rows,
)
from nurture.core.contact import clean_line
from nurture.core.coupon import Code, code_key
from nurture.core.dates import parse_moment
from nurture.core.errors import InputError, NotFound
from nurture.core.gate import Refusal
from nurture.core.program import Program
from nurture.files.nearest import did_you_mean
from nurture.files.tabular import Listed, Row, Table
from nurture.store import coupons
from nurture.store.database import Database

FIELDS = {
    "code": "coupon coupon_code discount_code promo_code voucher voucher_code kod kupon kupon_kodu",
    "expires": "expires_at expires_on expiry valid_until ends",
}
ALIASES = aliased(FIELDS)
Read = tuple[Row, Cells]


def import_coupons(pool: str, database: Database, program: Program, job: Job, now: datetime) -> Summary:
    """Import codes into a pool; counts new, known, rejected, and emails `woken` that had waited for one.

    `now` is aware UTC; a code that is over by then is rejected. Raises NotFound for a pool that nurture.yaml has not,
    InputError for a table without a column of codes.
    """
    if pool not in program.project.coupons:
        known = program.project.coupons
        hint = did_you_mean(pool, known, "there are") if known else "write it there: 'coupons: {…: {worth: 10%}}'"
        raise NotFound(f"nurture.yaml has no coupon pool {pool!r}; {hint}")
    job = replace(job, table=_named(job.table, bool(job.mapping)))
    check_columns(job, ALIASES, [("code",)])
    summary = Summary.of(job, "new", "known", "woken")
    takes = {
        "code": parsed("code", _code),
        "expires": parsed("expires", partial(parse_expiry, zone=program.zone, now=now)),
    }
    reader = Reader(ALIASES, takes, passed_over, job.mapping)
    with Rejects(job, summary) as rejects:
        for chunk in in_chunks(read_rows(job, reader, _finish, rejects), CHUNK):
            summary.counts["rows"] += len(chunk)
            _record(pool, database, job, chunk, rejects, now, summary)
    if summary.counts["new"] and not job.dry_run:
        _wake(pool, database, program, now, summary)
    return summary


def _named(table: Table, mapped: bool) -> Table:
    """The table, or the same with its columns named where its first line is a code already."""
    header = table.header
    headless = not mapped and not any(fold_name(name) in ALIASES for name in header)
    if table.delimiter is None or not headless:
        return table
    if len(header) > len(FIELDS):
        count = len(header)
        raise InputError(f"{table.name} has {count} columns and none is called code; say which one is: --map X=code")
    return Listed.of(table, tuple(FIELDS)[: len(header)])


def _code(text: str) -> str:
    code = clean_line(text)
    code_key(code)
    return code


def parse_expiry(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """When a code ends, as aware UTC; a day is meant to its end, in `zone`. Raises ValueError for what is over."""
    try:
        at = parse_moment(text).is_over(zone)
    except ValueError:
        at = _instant(text, zone)
    if at <= now:
        raise ValueError(f"{text!r} is over, so the code is of no use")
    return at


def _instant(text: str, zone: ZoneInfo) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time; write it like 2026-12-31") from None
    return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)


def _finish(said: Cells) -> None:
    if "code" not in said:
        raise ValueError("code: is missing")


def _record(
    pool: str, database: Database, job: Job, chunk: Sequence[Read], rejects: Rejects, now: datetime, summary: Summary
) -> None:
    keys = [code_key(said["code"]) for _, said in chunk]
    with database.read() if job.dry_run else database.write() as connection:
        known = coupons.known_codes(connection, keys)
        fresh: dict[str, Code] = {}
        for (row, said), key in zip(chunk, keys, strict=True):
            if known.get(key, pool) != pool:
                rejects.add(row, f"code: {said['code']} is in the pool {known[key]} already")
            elif key in known or key in fresh:
                summary.counts["known"] += 1
            else:
                fresh[key] = Code(said["code"], said.get("expires"))
        summary.counts["new"] += len(fresh)
        if not job.dry_run:
            coupons.add_codes(connection, pool, fresh.values(), now)


def _wake(pool: str, database: Database, program: Program, now: datetime, summary: Summary) -> None:
    steps = [
        (name, step.id)
        for name, course in program.courses.items()
        for step in course.sends
        if step.coupon and step.coupon.pool == pool
    ]
    with database.write() as connection:
        summary.counts["woken"] += coupons.ask_again(connection, steps, Refusal.NO_COUPON.value, now)
