"""`nurture contacts`: a list, or everything known of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import rich_click as click

from nurture.cli.frame import emit, json_option, plain, project_directory, table
from nurture.core.lifecycle import Stage

COLUMNS = ("address", "name", "country", "stage", "since", "last engaged", "revenue")
TOLD = {
    "stages": ("occurred_at", "old", "new", "cause", "cause_id", "superseded_at"),
    "consents": ("occurred_at", "topic", "given", "source"),
    "suppressions": ("occurred_at", "reason", "source"),
    "enrollments": ("entered_at", "campaign", "arm", "state", "step", "due_at", "why", "reason"),
    "messages": ("planned_at", "campaign", "step", "state", "reason", "accepted_at", "opened_at", "clicked_at"),
    "events": ("occurred_at", "kind", "source", "name", "machine"),
    "purchases": ("occurred_at", "order_id", "amount", "currency", "refunded", "campaign", "touch"),
    "refunds": ("occurred_at", "refund_id", "order_id", "amount"),
    "coupons": ("spent_at", "code", "pool", "campaign", "step", "valid_until", "redeemed_at"),
    "referrals": ("occurred_at", "address", "campaign", "step", "purchases", "revenue"),
    "conversions": ("occurred_at", "order_id", "kind", "old_stage", "reversed_at", "superseded_at"),
}
"""The columns shown of each heading; --json has all."""
MONEY = frozenset({"amount", "refunded"})


@click.group(name="contacts")
def command() -> None:
    """Look at contacts.

    Example:

      nurture contacts show ada@example.com
    """


@command.command("list")
@click.option("--stage", type=click.Choice([stage.value for stage in Stage]), help="Only those of this stage.")
@click.option("--tag", help="Only those with this tag.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@json_option
@click.pass_context
def list_(ctx: click.Context, stage: str | None, tag: str | None, limit: int, as_json: bool) -> None:
    """List contacts, the newest first.

    Example:

      nurture contacts list --stage inactive --tag vip --limit 20
    """
    from nurture.actions.contacts import list_contacts
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    found = list_contacts(opened.database, Stage(stage) if stage else None, tag, limit)
    currency = opened.project.currency
    emit(found, as_json, lambda rows: table([_listed(row, currency) for row in rows], COLUMNS))


def _listed(row: dict[str, Any], currency: str) -> tuple[object, ...]:
    name = " ".join(part for part in (row["first_name"], row["last_name"]) if part)
    times = (_time(row["stage_since"]), _time(row["last_engaged_at"]))
    return row["address"], name, row["country"], row["stage"], *times, _money(row["revenue"], currency)


@command.command()
@click.argument("address")
@json_option
@click.pass_context
def show(ctx: click.Context, address: str, as_json: bool) -> None:
    """Show everything known of a contact. Times are UTC.

    Example:

      nurture contacts show ada@example.com --json
    """
    from nurture.actions.contacts import show_contact
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    known = show_contact(opened.database, address)
    emit(known, as_json, lambda found: _tell(found, opened.project.currency))


@command.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@json_option
@click.pass_context
def erase(ctx: click.Context, address: str, yes: bool, as_json: bool) -> None:
    """Erase a person: address, names, attributes, tags, what events and orders held, and their emails.

    Facts, holdout arms and sums stay under a random id, so that reports still add up. A suppression of the address
    stays as well. Nothing can be brought back.

    Example:

      nurture contacts erase ada@example.com
    """
    from nurture.actions.erase import erase as erase_contact
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    if not yes:
        click.confirm(f"Erase {address} for good?", abort=True, err=True)
    contact_id = erase_contact(opened.database, address, opened.now())
    emit({"contact_id": contact_id}, as_json, lambda _: print(f"erased; what happened stays under {contact_id}"))


def _tell(known: dict[str, Any], currency: str) -> None:
    contact = {**known["contact"], "tags": ", ".join(known["tags"])}
    contact["revenue"] = _money(contact["revenue"], currency)
    contact.update({f"attribute {name}": value for name, value in contact.pop("attributes").items()})
    width = max(map(len, contact))
    for name, value in contact.items():
        if value not in (None, ""):
            print(plain(f"{name.replace('_', ' '):<{width}}  {_time(value)}"))
    for heading, columns in TOLD.items():
        rows = [[_shown(row, name, currency) for name in columns] for row in known[heading]]
        if rows:
            print()
            table(rows, [name.removesuffix("_at").replace("_", " ") for name in columns], title=heading)


def _shown(row: dict[str, Any], name: str, currency: str) -> object:
    if name == "revenue":
        return _money(row[name], currency)
    if name in MONEY and row.get("currency"):
        return _money(row[name], row["currency"])
    return _time(row[name])


def _money(minor: int, currency: str) -> str:
    from nurture.core.money import Money

    return str(Money(minor, currency))


def _time(value: object) -> object:
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else value
