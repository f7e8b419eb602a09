"""Which commands there are. The table names each without importing it, so that `nurture --help` is quick."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import rich_click as click

from nurture import __version__
from nurture.files.nearest import nearest

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("nurture.cli.init:command", "Make a new project that works at once."),
    "check": ("nurture.cli.check:command", "Find every mistake in the project's files."),
    "test": ("nurture.cli.test:command", "Play the scenarios that stand beside the campaigns."),
    "preview": ("nurture.cli.preview:command", "Show an email as a contact gets it."),
    "plan": ("nurture.cli.plan:command", "Who would get what in the next days, who would not, and why."),
    "send-test": ("nurture.cli.send_test:command", "Send an email of a campaign to yourself."),
    "rehearse": ("nurture.cli.rehearse:command", "Run months of the campaigns in seconds, on a copy."),
    "schema": ("nurture.cli.schema:command", "Write JSON Schemas that let editors complete the files."),
    "fmt": ("nurture.cli.fmt:command", "Lay out campaign files and nurture.yaml in one way."),
    "diagram": ("nurture.cli.diagram:command", "Draw a campaign, with who stands where."),
    "import": ("nurture.cli.imports:command", "Bring in contacts, purchases, events, suppressions, coupons."),
    "replies": ("nurture.cli.replies:command", "Read the mail that arrives: answers, bounces."),
    "coupons": ("nurture.cli.coupons:command", "What became of the codes of each coupon pool."),
    "keys": ("nurture.cli.keys:command", "Keys for programs that send in data."),
    "run": ("nurture.cli.run:command", "Run the campaigns and the web endpoints."),
    "pause": ("nurture.cli.pause:pause", "Stop all sending, or one campaign."),
    "resume": ("nurture.cli.pause:resume", "Go on after a pause."),
    "history": ("nurture.cli.history:history", "Every version that ran, since when and by whom."),
    "rollback": ("nurture.cli.history:rollback", "Let an earlier version run again."),
    "drop": ("nurture.cli.history:drop", "Let those go whose campaign's file is gone."),
    "status": ("nurture.cli.status:command", "What runs, what is due, what waits."),
    "doctor": ("nurture.cli.doctor:command", "Check settings, database and keys; prove the guarantees."),
    "webhooks": ("nurture.cli.webhooks:command", "What other programs are told."),
    "report": ("nurture.cli.report:command", "What campaigns did and earned, beside the held out."),
    "why": ("nurture.cli.why:command", "Why a contact got, or did not get, an email."),
    "contacts": ("nurture.cli.contacts:command", "Look at contacts."),
    "demo": ("nurture.cli.demo:command", "Four months of made-up business in a minute."),
    "completion": ("nurture.cli.completion:command", "Print what makes your shell complete nurture's words."),
}
GROUPS = {
    "Campaign files": ["init", "check", "test", "preview", "plan", "rehearse", "send-test", "schema", "fmt", "diagram"],
    "Data in": ["import", "replies", "coupons", "keys"],
    "Running": ["run", "pause", "resume", "history", "rollback", "drop", "status", "doctor", "webhooks"],
    "Seeing": ["report", "why", "contacts"],
    "More": ["demo", "completion"],
}
HELP_CONFIG = {
    "command_groups": {"nurture": [{"name": name, "commands": names} for name, names in GROUPS.items()]},
    "text_markup": None,
    "max_width": 100,
}
EPILOG = """Exit codes: 0 done, 1 something is wrong and said so, 2 the command was written wrongly,
3 some rows of an import were rejected, 4 status found what needs a person, 70 a mistake in nurture,
130 interrupted."""


class Lazy(click.RichGroup):
    """Commands known by name; each is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """What the help needs of a command: its name and one line."""
        if cmd_name not in COMMANDS:
            return None
        return click.RichCommand(name=cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command itself, imported now."""
        if args[0] not in COMMANDS:
            best = nearest(args[0], COMMANDS)
            hint = f"Did you mean '{best}'?" if best else "'nurture --help' lists them."
            ctx.fail(f"There is no command '{args[0]}'. {hint}")
        return args[0], imported(args[0]), args[1:]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what nurture raises on purpose is told, not traced."""
        from nurture.cli import failures

        with failures.told(ctx):
            result = super().invoke(ctx)
            sys.stdout.flush()
        return result


def imported(name: str) -> click.Command:
    """The command of that name, imported."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command


@click.group(
    cls=Lazy,
    name="nurture",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "rich_help_config": HELP_CONFIG},
)
@click.option(
    "--project",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="The project's folder. Without it: the nearest folder upwards that has a nurture.yaml.",
)
@click.version_option(__version__, prog_name="nurture")
def nurture(project: Path | None) -> None:
    """Lifecycle email as code: campaigns in YAML, sent once each, measured against a holdout.

    Begin with `nurture init shop`, then `nurture check` inside it.
    """
