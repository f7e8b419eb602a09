"""Accounts: the organisations contacts buy for, and what is asked of all who belong to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, exists, func, literal, null, select
from sqlalchemy.sql.visitors import replacement_traverse

from nurture.store.database import update_rows, upsert
from nurture.store.prepared import IDS, NOW, ask, ask_column
from nurture.store.tables import account, contact, enrollment, purchase
from nurture.store.types import Instant

Sql = ColumnElement[Any]
colleague = contact.alias("colleague")


def of_colleague(sql: Sql) -> Sql:
    """What is said of the contact, said of a colleague: somebody of the same account, the contact among them."""

    def replace(element: Any, **_: Any) -> Any:
        if element is contact:
            return colleague
        return colleague.c[element.name] if getattr(element, "table", None) is contact else None

    return replacement_traverse(sql, {}, replace)


def _same() -> Sql:
    return colleague.c.account_id == contact.c.account_id


def anybody(holds: Sql) -> Sql:
    """Somebody of the contact's account for whom it holds."""
    return exists(colleagues_for_whom(holds, literal(1)).correlate(contact, enrollment))


def colleagues_for_whom(holds: Sql, told: Any) -> Any:
    """Select something of the people of the contact's account for whom it holds."""
    return select(told).select_from(colleague).where(_same(), of_colleague(holds))


def soonest(at: Sql) -> Sql:
    """The first of those instants of the contact's account that is still to come."""
    theirs = of_colleague(at)
    ahead = case((theirs > NOW, theirs), else_=null())
    found: Sql = (
        select(func.min(ahead, type_=Instant())).select_from(colleague).where(_same()).correlate(contact, enrollment)
    ).scalar_subquery()
    return found


_USED = select(1).where(contact.c.account_id.is_not(None)).limit(1)
_ACCOUNTS = select(contact.c.id, contact.c.account_id).where(contact.c.id.in_(IDS), contact.c.account_id.is_not(None))
_COLLEAGUES = select(contact.c.id).where(contact.c.account_id.in_(_ACCOUNTS.with_only_columns(contact.c.account_id)))


def with_colleagues(connection: Connection, contact_ids: Iterable[str], *, lock: bool = False) -> list[str]:
    """These contacts and all who share an account with one of them, in the order of their ids; locked on demand."""
    ids = sorted(set(contact_ids))
    if not ids or not ask(connection, _USED, {}):
        return ids
    found = sorted({*ids, *ask_column(connection, _COLLEAGUES, {"ids": ids})})
    if lock and len(found) > len(ids):
        connection.execute(
            select(contact.c.id).where(contact.c.id.in_(found)).order_by(contact.c.id).with_for_update()
        ).all()
    return found


def accounts_of(connection: Connection, contact_ids: Iterable[str]) -> dict[str, str]:
    """The account of each of these contacts that has one."""
    rows = ask(connection, _ACCOUNTS, {"ids": sorted(set(contact_ids))})
    return {row[0]: row[1] for row in rows}


def name_buyers(connection: Connection, orders: Iterable[tuple[str, str]]) -> None:
    """Note with new orders (contact id, order id) which account they were made for."""
    made = list(orders)
    theirs = accounts_of(connection, (contact_id for contact_id, _ in made))
    rows = [{"contact_id": cid, "order_id": order, "account_id": theirs[cid]} for cid, order in made if cid in theirs]
    update_rows(connection, purchase, rows)


def save_accounts(connection: Connection, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep accounts, by id, as rows; a column that a row does not name stays as it is."""
    known = {row["id"]: dict(row) for row in _load(connection, rows)}
    whole = [{**NOTHING, **known.get(id_, {}), **row, "id": id_} for id_, row in sorted(rows.items())]
    upsert(connection, account, [row for row in whole if row != known.get(row["id"])])


NOTHING = {"owner_name": None, "owner_address": None}


def _load(connection: Connection, ids: Iterable[str]) -> Iterable[Any]:
    wanted = sorted(ids)
    return connection.execute(select(account).where(account.c.id.in_(wanted))).mappings().all() if wanted else ()


def lock_accounts(connection: Connection, ids: Sequence[str]) -> None:
    """Lock accounts until the transaction ends, so that claims for two of their contacts see each other."""
    if ids:
        wanted = select(account.c.id).where(account.c.id.in_(sorted(set(ids)))).order_by(account.c.id)
        connection.execute(wanted.with_for_update()).all()


def load_accounts(connection: Connection, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Accounts by id."""
    return {row["id"]: dict(row) for row in _load(connection, set(ids))}
