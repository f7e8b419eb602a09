"""`nurture send-test`: one email of a campaign to yourself."""

from __future__ import annotations

import rich_click as click

from nurture.cli.frame import emit, json_option, project_directory


@click.command("send-test")
@click.argument("campaign")
@click.argument("step")
@click.option("--to", required=True, metavar="ADDRESS", help="Who gets it.")
@click.option("--contact", metavar="ADDRESS", help="Whose values it is filled with; without it, somebody is made up.")
@click.option("--persona", metavar="NAME", help="With the values of somebody made up in personas.yaml.")
@click.option("--locale", help="As if this were the contact's locale.")
@click.option("--variant", metavar="ID", help="This variant; without it, the one that the contact gets.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    campaign: str,
    step: str,
    to: str,
    contact: str | None,
    persona: str | None,
    locale: str | None,
    variant: str | None,
    as_json: bool,
) -> None:
    """Send the email of STEP of CAMPAIGN to ADDRESS through the project's provider, from the files as they stand.

    Its subject begins with [Test], its links are not tracked, and nothing is recorded.
    Ends with 0 when the provider took it, else with 1 and what it said.

    Example:

      nurture send-test wake-up miss-you --to me@example.com

      nurture send-test wake-up miss-you --to me@example.com --contact ada@example.com
    """
    from contextlib import closing

    from nurture.actions.preview import send_test
    from nurture.cli.preview import drafted_project
    from nurture.wiring import open_project

    opened = open_project(project_directory(ctx))
    drafted = drafted_project(opened)
    with closing(opened.provider()) as provider:
        subject = send_test(
            opened.database, drafted, provider, campaign, step, to, contact, opened.now(), persona=persona,
            locale=locale, variant=variant,
        )  # fmt: skip
    told = {"to": to, "subject": subject, "provider": provider.name}
    emit(told, as_json, lambda it: print(f"{it['provider']} took {it['subject']!r} for {it['to']}."))
