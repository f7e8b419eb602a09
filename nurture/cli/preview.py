"""`nurture preview`: an email as a contact gets it."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from nurture.cli.frame import console, emit, json_option, plain, project_directory

if TYPE_CHECKING:
    from nurture.actions.preview import Draft, Gate, Preview
    from nurture.files.loader import Loaded
    from nurture.wiring import Opened


@click.command("preview")
@click.argument("campaign", required=False)
@click.argument("step", required=False)
@click.option("--contact", metavar="ADDRESS", help="Whose email; without it, somebody is made up.")
@click.option("--persona", metavar="NAME", help="For somebody made up in personas.yaml.")
@click.option("--at", metavar="TIME", help="Also say whether it would leave then: '2026-11-27 10:00', project time.")
@click.option("--locale", help="As if this were the contact's locale.")
@click.option("--event", metavar="JSON", help="Fields of the event on which they entered; else their latest.")
@click.option("--variant", metavar="ID", help="This variant; without it, the one that the contact gets.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), metavar="FILE",
              help="Write the HTML to FILE (- for standard output).")  # fmt: skip
@click.option("--text", "only_text", is_flag=True, help="Print the plain text only.")
@click.option("--open", "in_browser", is_flag=True, help="Show the HTML in the browser.")
@click.option("--serve", is_flag=True, help="A page of all emails, which shows every change as soon as it is saved.")
@click.option("--port", type=click.IntRange(0, 65535), help="On which port of this machine; 8026 without it.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    campaign: str | None,
    step: str | None,
    contact: str | None,
    persona: str | None,
    at: str | None,
    locale: str | None,
    event: str | None,
    variant: str | None,
    html: Path | None,
    only_text: bool,
    in_browser: bool,
    serve: bool,
    port: int | None,
    as_json: bool,
) -> None:
    """Show the email that STEP of CAMPAIGN sends, from the files as they stand now. Nothing is sent or recorded.

    --at asks the gate as well: whether the email would leave at that time (consent, window, caps, limits), and if
    not, why. Links in it lead nowhere that counts. Ends with 0, or with 1 when the email cannot be made.

    With --serve and nothing else, all emails stand on a page of this machine: for contacts and personas, at a desk's
    and a phone's width, by day and by night, with what is wrong beside them.

    Example:

      nurture preview --serve

      nurture preview wake-up miss-you --contact ada@example.com

      nurture preview wake-up miss-you --locale tr --open

      nurture preview wake-up miss-you --persona long-name

      nurture preview wake-up miss-you --contact ada@example.com --at "2026-11-27 10:00"

      nurture preview basket forgot --event '{"items": [{"name": "Tea", "price": "4.50"}]}'
    """
    from nurture.actions.preview import preview
    from nurture.actions.sample import parse_fields
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    if serve:
        from nurture.cli import preview_serve

        preview_serve.serve(opened, port)
        return
    if campaign is None or step is None:
        raise click.UsageError("Name a campaign and one of its steps, or serve them all with --serve.")
    when = parsed_time(at, opened) if at else None
    drafted = drafted_project(opened)
    fields = parse_fields(event) if event else None
    found = preview(
        opened.database, drafted, campaign, step, contact, opened.now(), persona=persona, locale=locale, at=when,
        event=fields, variant=variant,
    )
    if html is not None:
        _write(html, found.html)
    if in_browser:
        _browse(found.html)
    if as_json:
        emit(found, True, print)
    elif only_text:
        print(plain(found.text))
    elif html is None and not in_browser:
        _show(found, drafted.checked.loaded)


def drafted_project(opened: Opened) -> Draft:
    """The project's files as they stand, compiled. Raises ProjectError when the project file is wrong."""
    from nurture.actions.check import check
    from nurture.actions.preview import draft

    return draft(opened.database, check(opened.directory), opened.signer, opened.now())


def parsed_time(text: str, opened: Opened) -> datetime:
    """ISO 8601, or a local time of the project, as aware UTC. Raises BadParameter that shows the spelling."""
    from datetime import UTC

    from nurture.core.zone import from_local, zone

    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a time; write it like '2026-11-27 10:00'", param_hint="--at"
        ) from None
    if read.tzinfo:
        return read.astimezone(UTC)
    return from_local(read.date(), read.time(), zone(opened.project.timezone), fold=read.fold)


def _write(path: Path, html: str) -> None:
    if str(path) == "-":
        sys.stdout.write(html)
    else:
        path.write_text(html, encoding="utf-8")
        print(f"The HTML is in {path}.", file=sys.stderr)


def _browse(html: str) -> None:
    import tempfile
    import webbrowser

    with tempfile.NamedTemporaryFile("w", suffix=".html", delete=False, encoding="utf-8") as file:
        file.write(html)
    if not webbrowser.open(Path(file.name).as_uri()):
        print(f"No browser could be started; the HTML is in {file.name}.", file=sys.stderr)


def _show(found: Preview, loaded: Loaded) -> None:
    from rich.text import Text

    from nurture.files.problems import show_all

    for name, value in found.headers:
        console().print(Text.assemble((f"{name}: ", "bold"), plain(value)), soft_wrap=True)
    print(f"\n{plain(found.text).rstrip()}\n")
    notes: list[Any] = [f"{found.template} in {found.locale or 'the default language'}, {found.size:,} bytes"]
    if found.variant:
        notes.insert(0, f"variant {found.variant}")
    if found.persona:
        about = loaded.personas[found.persona].about
        notes.append(f"for {found.persona}" + (f": {about.rstrip('.')}" if about else ""))
    elif found.made_up:
        notes.append("for somebody made up; --contact ADDRESS shows it for a real one")
    print(f"({'; '.join(notes)})")
    if found.problems:
        print("\n" + show_all(found.problems, loaded.files))
    if found.gate:
        print("\n" + plain(_told(found.gate)))


def _told(gate: Gate) -> str:
    at = f"{gate.at:%Y-%m-%d %H:%M} UTC"
    if gate.goes:
        return f"At {at} it would leave."
    until = f"; it would be asked again at {gate.until:%Y-%m-%d %H:%M} UTC" if gate.until else ""
    return f"At {at} it would not leave: {gate.reason}{until}."
