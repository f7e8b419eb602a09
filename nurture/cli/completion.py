"""`nurture completion`: words completed by the shell."""

from __future__ import annotations

import rich_click as click

LINES = {
    "bash": 'eval "$(_NURTURE_COMPLETE=bash_source nurture)"',
    "zsh": 'eval "$(_NURTURE_COMPLETE=zsh_source nurture)"',
    "fish": "_NURTURE_COMPLETE=fish_source nurture | source",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(sorted(LINES)))
def command(shell: str) -> None:
    """Print the line that makes your shell complete nurture's words. Put it into your shell's start file.

    Example:

      nurture completion bash >> ~/.bashrc
    """
    print(LINES[shell])
