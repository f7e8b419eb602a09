"""`nurture webhooks`: what other programs are told, and what was given up."""

from __future__ import annotations

import rich_click as click

from nurture.cli.frame import emit, json_option, project_directory, table


@click.group(name="webhooks")
def command() -> None:
    """What webhooks are to be told, what was given up; try that again.

    Example:

      nurture webhooks list
    """


@command.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the webhooks with what waits for each, and what was given up after many tries.

    Example:

      nurture webhooks list
    """
    from nurture.actions.deliver import waiting
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    before = waiting(opened.database)
    found = []
    for name in sorted({*opened.project.webhooks, *before}):
        hook, one = opened.project.webhooks.get(name), before.get(name)
        found.append({
            "webhook": name, "url": hook.url if hook else None, "events": list(hook.events) if hook else [],
            "waiting": one.due if one else 0, "oldest_at": one.oldest_at if one else None,
            "parked": one.parked if one else 0, "answer": one.answer if one else None,
        })  # fmt: skip
    columns = ("webhook", "url", "hears of", "waiting", "given up", "last answer")
    emit(found, as_json, lambda rows: table([
        (row["webhook"], row["url"] or "no longer in nurture.yaml", ", ".join(row["events"]), row["waiting"],
         row["parked"], row["answer"]) for row in rows
    ], columns))  # fmt: skip


@command.command("retry")
@click.argument("name", required=False)
@click.pass_context
def retry(ctx: click.Context, name: str | None) -> None:
    """Tell again what was given up: all of it, or that of one webhook NAME.

    Example:

      nurture webhooks retry crm
    """
    from nurture.actions.deliver import retry as again
    from nurture.actions.deliver import waiting
    from nurture.core.errors import NotFound
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    known = sorted({*opened.project.webhooks, *waiting(opened.database)})
    if name and name not in known:
        raise NotFound(f"there is no webhook {name!r}; there are: {', '.join(known) or 'none'}")
    count = again(opened.database, name, opened.now())
    print(f"{count:,} will be told again." if count else "Nothing was given up.")


@command.command("secret")
def secret() -> None:
    """Print a new secret, for NURTURE_WEBHOOK_NAME_SECRET here and for the program that is told.

    Example:

      nurture webhooks secret
    """
    from nurture.providers.webhook import new_secret

    print(new_secret())
