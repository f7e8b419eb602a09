"""`nurture keys`: who may send to the API."""

from __future__ import annotations

from typing import Any

import rich_click as click

from nurture.actions.keys import SCOPES
from nurture.cli.frame import emit, json_option, project_directory, table


@click.group(name="keys")
def command() -> None:
    """Keys with which other programs bring in contacts, purchases, events and suppressions.

    Example:

      nurture keys add shop --scope purchases
    """


@command.command("add")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="What it may bring in; all, if unsaid."
)
@json_option
@click.pass_context
def add(ctx: click.Context, name: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Make a key and show it, this once; it is kept hashed.

    Example:

      nurture keys add shop --scope purchases --scope contacts
    """
    from nurture.actions.keys import make_key
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    key = make_key(opened.database, name, scopes, opened.now())
    emit({"name": name, "key": key}, as_json, lambda made: print(made["key"]))


@command.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the keys.

    Example:

      nurture keys list
    """
    from nurture.actions.keys import list_keys
    from nurture.wiring import open_project

    found = list_keys(open_project(project_directory(ctx)).database)
    emit(
        found,
        as_json,
        lambda rows: table([_row(row) for row in rows], ("name", "may bring in", "made", "last used", "revoked")),
    )


def _row(row: dict[str, Any]) -> tuple[object, ...]:
    times = (f"{at:%Y-%m-%d %H:%M}" if at else None for at in (row["created_at"], row["used_at"], row["revoked_at"]))
    return row["name"], ", ".join(row["scopes"]), *times


@command.command("revoke")
@click.argument("name")
@click.pass_context
def revoke(ctx: click.Context, name: str) -> None:
    """Let a key open nothing any more.

    Example:

      nurture keys revoke shop
    """
    from nurture.actions.keys import revoke_key
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    revoke_key(opened.database, name, opened.now())
    print(f"{name} opens nothing any more.")
