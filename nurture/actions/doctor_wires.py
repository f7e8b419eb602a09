"""Whether the wires to other programs and to the mailbox are in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from urllib.parse import urlsplit

from nurture.actions.doctor import Checkup, Level
from nurture.core.errors import ConfigError
from nurture.core.project import Project
from nurture.core.replies import Replies
from nurture.core.telling import secret_name
from nurture.providers.letterbox import Letterbox
from nurture.providers.webhook import read_secrets


def check_webhooks(project: Project, environment: Mapping[str, str]) -> Iterator[Checkup]:
    """Look at what nurture.yaml and the environment say of webhooks."""
    for name, hook in project.webhooks.items():
        variable = secret_name(name)
        try:
            keys = read_secrets(environment.get(variable, ""), variable)
        except ConfigError as error:
            yield Checkup(Level.BAD, f"webhook {name}", str(error))
            continue
        if not keys:
            text = f"{variable} is not set, so nothing is told; `nurture webhooks secret` makes one"
            yield Checkup(Level.BAD, f"webhook {name}", text)
        elif urlsplit(hook.url).scheme != "https" and not hook.allow_private:
            yield Checkup(Level.WARN, f"webhook {name}", f"{hook.url} is not https; whoever is between can read it")
        else:
            yield Checkup(Level.OK, f"webhook {name}", hook.url)


def check_mailbox(project: Project, opened: Callable[[Replies], Letterbox]) -> Iterator[Checkup]:
    """Ask the mailbox that nurture.yaml names, if it does; nothing is read."""
    if project.replies is None:
        return
    try:
        with closing(opened(project.replies)) as box:
            box.knock()
            yield Checkup(Level.OK, "replies", f"{box.place} answers")
    except ConfigError as error:
        yield Checkup(Level.BAD, "replies", str(error).removeprefix("replies: "))
