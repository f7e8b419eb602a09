"""`nurture import`: contacts, purchases, events, suppressions and coupon codes from files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from nurture.cli.frame import emit, json_option, plain, progress, project_directory

if TYPE_CHECKING:
    from nurture.actions.importing import Summary
    from nurture.core.project import Project
    from nurture.files.tabular import Table

SOME_REJECTED = 3
STDIN = "-"
MAP = "A column's name and ours; may be repeated. 'notes=' leaves one out."
F = TypeVar("F", bound=Callable[..., Any])

EPILOG = """Exit codes: 0 all rows are in, 3 some were rejected and the others are in, 1 the file cannot be used.
Rejected rows are written to FILE.rejected.csv (or .jsonl) with their line and reason: mend them there and import
that file. The same file twice changes nothing."""


def _options(command: F) -> F:
    """What the imports have in common."""
    options = (
        click.argument("file", type=click.Path(path_type=Path, allow_dash=True)),
        click.option("--map", "mapping", metavar="THEIRS=OURS", multiple=True, help=MAP),
        click.option("--encoding", help="Instead of the one found out, like cp1254."),
        click.option("--delimiter", help="What separates columns: , ; | or tab."),
        click.option("--dry-run", is_flag=True, help="Check and count everything, write nothing."),
        click.option("--rejects", type=click.Path(path_type=Path, dir_okay=False), help="Where rejected rows go."),
        json_option,
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.group(name="import")
def command() -> None:
    """Bring in contacts, purchases, events, suppressions and coupon codes.

    CSV with any separator and encoding, or JSON lines; - is standard input.

    Example:

      nurture import contacts people.csv
    """


@command.command(epilog=EPILOG)
@_options
@click.pass_context
def contacts(ctx: click.Context, /, file: Path, **options: Any) -> int:
    """Import contacts; columns of your own become attributes.

    Columns: email, first_name, last_name, name, locale, timezone, country, source, signed_up_at, stage,
    customer_since, tags (a;b), consent (yes, no or topics), consent_topics, consent_source, consent_at, tracking,
    account, account_owner, account_owner_address, ref (the code or address of whoever brought them, where nurture.yaml
    has `referral`).
    An empty cell says nothing. A cell of your own columns is read as in a campaign file: 5 is a number, true a
    switch, 007 and yes are text. Times without a zone are in the project's.

    Example:

      nurture import contacts people.csv --map Kundenmail=email --dry-run
    """
    from nurture.actions.import_contacts import import_contacts

    return _run(ctx, file, import_contacts, options)


@command.command(epilog=EPILOG)
@_options
@click.pass_context
def purchases(ctx: click.Context, /, file: Path, **options: Any) -> int:
    """Import purchases and refunds.

    Columns: order_id, email or contact_id, amount, currency (else the project's), at, items (JSON), coupon (the code
    it was made with). A row is a refund if type says refund, refund_of names an order, or the amount is negative;
    without an amount all is given back. An address that is nobody's becomes a contact. Other columns are passed over.

    Example:

      nurture import purchases orders.csv
    """
    from nurture.actions.import_purchases import import_purchases

    return _run(ctx, file, import_purchases, options)


@command.command(epilog=EPILOG)
@_options
@click.pass_context
def events(ctx: click.Context, /, file: Path, **options: Any) -> int:
    """Import what other systems saw: opened, clicked, replied, form, bounced, complained, unsubscribed, delivered.

    Columns: kind, email or contact_id or message_id, at, url, user_agent, name (of a form), bounce (hard, soft,
    policy, content), topic (of an unsubscribe); other columns are kept as detail.

    Example:

      nurture import events clicks.jsonl
    """
    from nurture.actions.import_events import import_events

    return _run(ctx, file, import_events, options)


@command.command(epilog=EPILOG)
@_options
@click.pass_context
def suppressions(ctx: click.Context, /, file: Path, **options: Any) -> int:
    """Import addresses that must not be mailed.

    Columns: email, reason (unsubscribed, complained, bounced, manual, imported), at, source. An address need not be
    a contact's: whoever comes with it later is suppressed.

    Example:

      nurture import suppressions do-not-mail.csv
    """
    from nurture.actions.import_suppressions import import_suppressions

    return _run(ctx, file, import_suppressions, options)


@command.command(epilog=EPILOG)
@click.argument("pool")
@_options
@click.pass_context
def coupons(ctx: click.Context, /, pool: str, file: Path, **options: Any) -> int:
    """Import single-use coupon codes into a POOL of nurture.yaml.

    One code on a line, or columns: code, expires (a day is meant to its end). A code counts once in the whole project.
    Emails that wait for a code of this pool are asked again at once.

    Example:

      nurture import coupons spring-10 codes.txt
    """
    from nurture.actions.import_coupons import import_coupons

    return _run(ctx, file, partial(import_coupons, pool), options)


def _run(ctx: click.Context, /, file: Path, action: Callable[..., Summary], options: dict[str, Any]) -> int:
    from nurture.actions.importing import Job
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    mapping = _mapping(options["mapping"])
    with _table(file, options["encoding"], options["delimiter"], opened.project) as table:
        print(plain(table.shape), file=sys.stderr)
        rejects = options["rejects"] or _reject_path(file, table.delimiter is None)
        with progress(table.size, file.name) as done:
            signer = opened.signer if opened.project.referral else None
            job = Job(
                table, mapping, rejects, options["dry_run"], lambda position: done(to=position), signer=signer
            )  # fmt: skip
            summary = action(opened.database, opened.program, job, opened.now())
    emit(summary.as_data(), options["as_json"], lambda _: _tell(summary))
    return SOME_REJECTED if summary.rejected else 0


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise click.BadParameter(f"{pair!r} has no =; write it like --map 'E-Mail=email'", param_hint="--map")
    return {theirs.strip(): ours.strip() for theirs, _, ours in (pair.rpartition("=") for pair in pairs)}


@contextmanager
def _table(file: Path, encoding: str | None, delimiter: str | None, project: Project) -> Iterator[Table]:
    """The table in a file; standard input is copied into one first."""
    from nurture.files.tabular import open_table, spool

    spoken = {project.locale, *(name for topic in project.topics.values() for name in topic.title)}
    languages = {locale.replace("_", "-").partition("-")[0] for locale in spoken}
    if str(file) != STDIN:
        yield open_table(file, None, encoding, delimiter, languages)
        return
    copy = spool(sys.stdin.buffer)
    try:
        yield open_table(copy, "standard input", encoding, delimiter, languages)
    finally:
        copy.unlink()


def _reject_path(file: Path, typed: bool) -> Path:
    ending = ".rejected.jsonl" if typed else ".rejected.csv"
    return Path("stdin" + ending) if str(file) == STDIN else file.with_name(file.stem + ending)


def _tell(summary: Summary) -> None:
    told = {name: count for name, count in summary.counts.items() if name != "rows" and (count or name == "new")}
    counts = [f"{count:,} {name.replace('_', ' ')}" for name, count in told.items()]
    verb = "would be read" if summary.dry_run else "read"
    print(f"{summary.counts['rows'] + summary.rejected:,} rows {verb}: {', '.join(counts)}")
    for one in summary.first_rejects:
        print(plain(f"  line {one.line}: {one.reason}"))
    if summary.rejected > len(summary.first_rejects):
        print(f"  and {summary.rejected - len(summary.first_rejects):,} more")
    if summary.reject_file:
        print(plain(f"The rejected rows are in {summary.reject_file}; mend them there and import that file."))
