"""A million people in a campaign, made by the database itself, on either kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from measure import Sizes, kept, note
from sqlalchemy import text
from support.line import MONDAY, Line, campaign, open_line

from nurture.store.database import Database

NOW = MONDAY + timedelta(days=100)
ARRIVED = NOW - timedelta(days=3)
# Nobody opened so often, with events behind them or without: all go the same way, and as much is written for both.
STEPS = """
    - {id: hello, send: hello}
    - {id: pause, wait: {until: {clicked: {since: entry}}, at_most: 2 days}}
    - id: interested
      if: {opened: {within: 60 days, times: {at_least: 7}}}
      then:
        - {id: soon, wait: 1 day}
        - {id: second, send: second}
      else:
        - {id: later, wait: 7 days}
        - {id: third, send: third}
    """
CAMPAIGN = campaign(STEPS, exit_when="[{replied: {since: entry}}]", stay_while="{stage: [lead, prospect]}",
                    enter="{look: at once, backfill: no}")  # fmt: skip


class Dialect:
    """The few words in which the two databases differ."""

    def __init__(self, database: Database) -> None:
        self.sqlite = database.is_sqlite

    def at(self, when: datetime) -> str:
        """An instant as SQL."""
        return f"{int(when.timestamp()) * 1_000_000}" if self.sqlite else f"'{when.isoformat()}'::timestamptz"

    def earlier(self, when: datetime, number: str, unit: timedelta) -> str:
        """`when` less `number` times `unit`."""
        micro = unit // timedelta(microseconds=1)
        moved = f"({number}) * {micro}"
        return f"{self.at(when)} - {moved}" if self.sqlite else f"{self.at(when)} - {moved} * interval '1 microsecond'"

    def numbers(self, count: int) -> str:
        """A table `n(i)` of 0 up to `count`."""
        if self.sqlite:
            return f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})"
        return f"WITH n(i) AS (SELECT generate_series(0, {count - 1}))"

    @property
    def id(self) -> str:
        """Contact ids in their order, so that rows are laid down as they lie."""
        if self.sqlite:
            return "printf('%08x%024x', i * 4200, i)"
        return "lpad(to_hex(i * 4200::bigint), 8, '0') || lpad(to_hex(i), 24, '0')"

    @property
    def true(self) -> str:
        return "1" if self.sqlite else "true"

    @property
    def document(self) -> str:
        return "'{}'" if self.sqlite else "'{}'::jsonb"


def build(line: Line, sizes: Sizes, events: bool) -> None:
    """Lay the crowd down: everybody stands in the campaign, every tenth is due."""
    sql = Dialect(line.database)
    statements = [_contacts(sql, sizes), _enrollments(sql, sizes, line.queries.release.id)]
    if events:
        statements.append(_events(sql, sizes))
    for statement in statements:
        with line.database.write() as connection:
            connection.execute(text(statement))
    with line.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT", nurture_mode="") as connection:
        connection.exec_driver_sql("ANALYZE" if sql.sqlite else "VACUUM ANALYZE")


def _contacts(sql: Dialect, sizes: Sizes) -> str:
    signed, engaged = sql.earlier(NOW, "i % 300 + 4", timedelta(days=1)), sql.earlier(NOW, "i % 90", timedelta(days=1))
    return f"""{sql.numbers(sizes.contacts)}
        INSERT INTO contact (id, address, first_name, locale, country, source, signed_up_at, known_at, created_at,
            tracked, attributes, stage, stage_since, stage_check_at, silent_since, unanswered, facts_until,
            received_count, last_opened_at, last_engaged_at, purchase_count, revenue)
        SELECT {sql.id}, 'p' || i || '@example.com', 'Ada', 'en', 'DE', 'newsletter', {signed}, {signed}, {signed},
            {sql.true}, {sql.document}, 'prospect', {signed}, {sql.at(NOW + timedelta(days=90))}, {signed}, 0, {signed},
            1, {engaged}, {engaged}, 0, 0 FROM n WHERE {sql.true}"""


def _enrollments(sql: Dialect, sizes: Sizes, release: int) -> str:
    every = sizes.contacts // sizes.due
    due = (
        f"CASE WHEN i % {every} = 0 THEN {sql.at(NOW - timedelta(hours=1))} ELSE {sql.at(NOW + timedelta(days=30))} END"
    )
    return f"""{sql.numbers(sizes.contacts)}
        INSERT INTO enrollment (contact_id, id, campaign, entry_key, ordinal, release_id, arm, exclusive, state, step,
            entered_at, arrived_at, due_at, why, decisions)
        SELECT {sql.id}, {sql.id}, 'first', '', 0, {release}, 'emailed', {sql.true}, 'live', 'pause',
            {sql.at(ARRIVED)}, {sql.at(ARRIVED)}, {due}, '', 0 FROM n WHERE {sql.true}"""


def _events(sql: Dialect, sizes: Sizes) -> str:
    each = sizes.events // sizes.contacts
    when = sql.earlier(NOW, "i % 17 + k * 9", timedelta(days=1))
    key = "printf('%024x%08x', i, k)" if sql.sqlite else "lpad(to_hex(i), 24, '0') || lpad(to_hex(k), 8, '0')"
    inner = f"SELECT * FROM ({' UNION ALL '.join(f'SELECT {k} AS k' for k in range(each, 0, -1))}) AS kinds"
    return f"""{sql.numbers(sizes.contacts)}
        INSERT INTO event (contact_id, kind, occurred_at, id, recorded_at, source, detail)
        SELECT {sql.id}, CASE WHEN k % 5 = 0 THEN 'clicked' ELSE 'opened' END, {when}, {key}, {when}, 'pixel',
            {sql.document} FROM n CROSS JOIN ({inner}) AS ks WHERE {sql.true}"""


def reset(line: Line, sizes: Sizes) -> None:
    """Let everybody stand again where they stood before anything was decided."""
    sql = Dialect(line.database)
    moved = f"step <> 'pause' OR due_at IS NULL OR (due_at <> {sql.at(NOW + timedelta(days=30))})"
    with line.database.write() as connection:
        connection.execute(text("DELETE FROM decision"))
        connection.execute(text(f"""UPDATE enrollment SET step = 'pause', state = 'live', why = '', decisions = 0,
            ended_at = NULL, reason = NULL, arrived_at = {sql.at(ARRIVED)}, due_at = {sql.at(NOW - timedelta(hours=1))}
            WHERE {moved}"""))  # fmt: skip


@contextmanager
def crowd(sizes: Sizes, events: bool) -> Iterator[Line]:
    """The crowd, ready to be decided about; built when it is asked for the first time."""
    name = f"crowd-{sizes.contacts}-{'events' if events else 'bare'}"
    if sizes.postgres:
        with _on_postgres(sizes, events) as line:
            yield line
        return
    with kept(f"{name}.db") as (path, fresh):
        line = open_line(f"sqlite:///{path}", {"first": CAMPAIGN}, at=NOW)
        _ready(line, sizes, events, fresh)
    try:
        yield line
    finally:
        line.database.close()


def _ready(line: Line, sizes: Sizes, events: bool, fresh: bool) -> None:
    if fresh:
        behind = f"{sizes.events:,} events" if events else "no events"
        note(f"building {sizes.contacts:,} contacts with {behind} behind them")
        line.pass_()
        build(line, sizes, events)
    else:
        reset(line, sizes)


@contextmanager
def _on_postgres(sizes: Sizes, events: bool) -> Iterator[Line]:
    from support.postgres import running

    settings = {"shared_buffers": "512MB", "max_wal_size": "8GB", "synchronous_commit": "on", "fsync": "on"}
    with running(settings) as server, server.database() as url:
        line = open_line(url, {"first": CAMPAIGN}, at=NOW)
        try:
            _ready(line, sizes, events, fresh=True)
            yield line
        finally:
            line.database.close()
