"""`nurture run`: the service, or one pass of it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import emit, json_option, project_directory

if TYPE_CHECKING:
    from nurture.wiring import Opened

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


@click.command("run")
@click.option("--once", is_flag=True, help="Do what is due, and end; for cron.")
@click.option("--no-web", is_flag=True, help="Without the web endpoints and the page.")
@click.option("--host", help="Where to listen; NURTURE_HOST, else 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="On which port; NURTURE_PORT, else 8025.")
@json_option
@click.pass_context
def command(ctx: click.Context, once: bool, no_web: bool, host: str | None, port: int | None, as_json: bool) -> None:
    """Run the campaigns: let people enter, move them on, send what is due, take in what comes back.

    Publishes the project's files when it starts and whenever they change and are right. SIGTERM or Ctrl-C
    finishes what is in the air and settles it. Running it twice on one database does no harm.

    Example:

      nurture run

      nurture run --once     # from cron, every few minutes
    """
    from nurture.wiring import open_project

    logging.basicConfig(level=logging.INFO, format=FORMAT, stream=sys.stderr)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    opened = open_project(project_directory(ctx))
    opened.settings.signing_keys()
    opened.provider().close()
    if once:
        _once(opened, as_json)
    else:
        _serve(opened, None if no_web else (host or opened.settings.host), port)


def _once(opened: Opened, as_json: bool) -> None:
    from nurture.actions.status import note_pass
    from nurture.actions.tick import run_pass
    from nurture.couriers import Couriers
    from nurture.service import Service

    provider, service = opened.provider(), Service(opened)
    service.read_mail()
    passed = run_pass(opened.database, service.queries, opened.emails, provider, opened.now)
    provider.close()
    couriers = Couriers(opened)
    couriers.carry(service.queries.program.project.webhooks)
    couriers.close()
    note_pass(opened.database, opened.now())
    emit(
        passed,
        as_json,
        lambda done: print(
            f"{done.decided} decided, {done.accepted} of {done.handed} accepted, {done.refused} put off or skipped"
        ),
    )


def _serve(opened: Opened, host: str | None, port: int | None) -> None:
    from nurture.collector import calm
    from nurture.service import Service
    from nurture.web.app import make_app
    from nurture.web.server import ServerThread

    service = Service(opened)
    service.stop_on_signals()
    calm()
    if host is None:
        service.run()
        return
    with ServerThread(make_app(opened), host, opened.settings.port if port is None else port) as server:
        service.run(lambda: print(f"nurture runs {_named(opened.directory)}: {server.url}/", file=sys.stderr))


def _named(directory: Path) -> str:
    return directory.resolve().name
