"""`nurture replies`: what arrives by mail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from nurture.cli.frame import emit, json_option, plain, project_directory

if TYPE_CHECKING:
    from nurture.actions.hear import Heard


@click.group(name="replies")
def command() -> None:
    """Read the mailbox in which answers, bounces and complaints arrive; `nurture run` does so every minute.

    Example:

      nurture replies read --dry-run
    """


@command.command("read")
@click.option("--maildir", type=click.Path(path_type=Path, file_okay=False), help="This Maildir, not the project's.")
@click.option("--dry-run", is_flag=True, help="Say what mail tells; record and move nothing.")
@json_option
@click.pass_context
def read(ctx: click.Context, maildir: Path | None, dry_run: bool, as_json: bool) -> None:
    """Read the mail that has come, now, and say what it told.

    Reading a mail twice counts it once.

    Example:

      nurture replies read

      nurture replies read --maildir old-mail --dry-run
    """
    from nurture.cli.report import running
    from nurture.core.errors import InputError
    from nurture.core.replies import Replies
    from nurture.mailroom import read_mail
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    replies = Replies(maildir=str(maildir.absolute())) if maildir else opened.project.replies
    if replies is None:
        raise InputError("nurture.yaml names no mailbox; write `replies:` into it, or name a Maildir with --maildir")
    heard = read_mail(opened, running(opened), replies, dry_run=dry_run)
    emit(heard, as_json, _show)


def _show(heard: Heard) -> None:
    told = ", ".join(f"{count} {name}" for name, count in sorted(heard.new.items()))
    print(f"{heard.letters} letters read" + (f": {told}" if told else ""))
    if heard.known:
        print(f"{heard.known} told what was known already")
    if heard.strange:
        print(f"{heard.strange} are of nobody known here, or tell nothing")
    for key, reason in heard.aside.items():
        print(plain(f"could not be read: {key} ({reason})"))
