"""`nurture doctor`: is everything set up right, and does every guarantee hold?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import rich_click as click

from nurture.cli.frame import console, emit, json_option, plain, progress, project_directory

if TYPE_CHECKING:
    from nurture.actions.doctor import Checkup, Finding, Recomputed
    from nurture.core.program import Program
    from nurture.wiring import Opened

STYLES = {"ok": "green", "warn": "yellow", "bad": "red"}


@click.command("doctor")
@click.option("--invariants", is_flag=True, help="Prove every guarantee from the rows; each query must find nothing.")
@click.option("--recompute", is_flag=True, help="Reckon all stages, sums and last times again, and mend what differs.")
@json_option
@click.pass_context
def command(ctx: click.Context, invariants: bool, recompute: bool, as_json: bool) -> None:
    """Check settings, keys and the database; with options, prove the guarantees and reckon everything again.

    Sends nothing. --invariants only reads. --recompute writes what differed from the rows; there should be nothing,
    unless nurture.yaml's lifecycle was changed: then it makes the new lengths hold for everybody at once.

    Exit codes: 0 all is well (warnings are said), 1 something is bad, a guarantee is broken, or something differed.

    Example:

      nurture doctor

      nurture doctor --invariants --json
    """
    from nurture.cli.report import running
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    found: dict[str, Any] = {"checks": _checks(opened)}
    reachable = all(one.level == "ok" for one in found["checks"] if one.what == "database")
    if invariants and reachable:
        found["invariants"] = _proved(opened, running(opened))
    if recompute and reachable:
        found["recomputed"] = _recomputed(opened, running(opened))
    emit(found, as_json, _show)
    if _bad(found):
        ctx.exit(1)


def _bad(found: dict[str, Any]) -> bool:
    recomputed: Recomputed | None = found.get("recomputed")
    return (
        any(one.level == "bad" for one in found["checks"])
        or any(one.rows for one in found.get("invariants", ()))
        or (recomputed is not None and recomputed.mended > 0)
    )


def _checks(opened: Opened) -> list[Checkup]:
    from nurture.actions.doctor import check_campaigns, check_database, check_project
    from nurture.actions.doctor_wires import check_mailbox, check_webhooks
    from nurture.actions.pools import check_pools

    project = check_project(opened.project, bool(opened.settings.webhook_keys))
    wires = check_webhooks(opened.project, opened.settings.raw)
    mailbox = check_mailbox(opened.project, opened.letterbox)
    keys = _tried("signing keys", lambda: f"{len(opened.settings.signing_keys())}; the first one signs")
    provider = _tried("provider", lambda: f"{opened.provider().name} can be used")
    # It is opened inside the attempt, not before.
    database = _tried("database", lambda: opened.database.url.render_as_string())  # noqa: PLW0108
    tables: list[Checkup] = []
    if database.level == "ok":
        tables += check_database(opened.database)
        if tables[0].level == "ok":
            tables += check_pools(opened.database, opened.project, opened.now())
            tables += check_campaigns(opened.database)
    return [*project, *wires, *mailbox, keys, provider, database, *tables]


def _tried(what: str, look: Callable[[], str]) -> Checkup:
    from nurture.actions.doctor import Checkup, Level
    from nurture.core.errors import ConfigError

    try:
        return Checkup(Level.OK, what, look())
    except ConfigError as error:
        return Checkup(Level.BAD, what, str(error))


def _proved(opened: Opened, program: Program) -> list[Finding]:
    from nurture.actions.doctor import invariants
    from nurture.actions.status import as_of

    outbox = opened.settings.outbox_dir if program.project.provider == "outbox" else None
    return invariants(opened.database, program, outbox, as_of(opened.database, opened.now()))


def _recomputed(opened: Opened, program: Program) -> Recomputed:
    from nurture.actions.doctor import count_contacts, recompute_all
    from nurture.actions.status import as_of

    now = as_of(opened.database, opened.now())
    with progress(count_contacts(opened.database), "Reckoning again") as done:
        return recompute_all(opened.database, program, now, lambda count: done(to=count))


def _show(found: dict[str, Any]) -> None:
    for one in found["checks"]:
        _line(one.level, f"{one.what}: {one.text}")
    if "invariants" in found:
        print()
        show_invariants(found["invariants"])
    if "recomputed" in found:
        told: Recomputed = found["recomputed"]
        text = f"{told.contacts:,} contacts reckoned again, {told.mended:,} of them differed"
        print()
        _line("bad" if told.mended else "ok", text + (" and are mended:" if told.mended else "."))
        for one in told.differences:
            print(plain(f"     {one.contact_id} {one.what}: stored {one.stored}, reckoned {one.reckoned}"))


def show_invariants(findings: list[Finding]) -> None:
    """Print each guarantee's sentences, what breaks them, and one line that says whether all hold."""
    for one in findings:
        _line("bad" if one.rows else "ok", f"{one.guarantee}  {one.sentence}")
        for row in one.rows:
            print(plain("        " + ", ".join(f"{name} {value}" for name, value in row.items())))
        if one.more:
            print("        and more")
    broken = sum(bool(one.rows) for one in findings)
    if broken:
        _line("bad", f"{broken} of {len(findings)} invariants are broken.")
    else:
        _line("ok", f"All {len(findings)} invariants hold.")


def _line(level: str, text: str) -> None:
    from rich.text import Text

    console().print(Text.assemble((f"{level:<5}", STYLES[level]), plain(text)), soft_wrap=True)
