"""Reading the mailbox that nurture.yaml names, and remembering when that last worked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from nurture.core.errors import ConfigError
from nurture.core.program import Program
from nurture.core.replies import Replies
from nurture.store import letters
from nurture.wiring import Opened

if TYPE_CHECKING:
    from nurture.actions.hear import Heard

logger = logging.getLogger("nurture.mailroom")


def read_mail(
    opened: Opened,
    program: Program,
    replies: Replies,
    *,
    stop: Callable[[], bool] = lambda: False,
    dry_run: bool = False,
) -> Heard:
    """Record what came into the mailbox, and when. Raises ConfigError when it cannot be read; that is remembered too.

    A `dry_run` counts, and changes nothing.
    """
    from nurture.actions.hear import hear

    try:
        with closing(opened.letterbox(replies)) as box:
            heard = hear(opened.database, program, box, opened.now, stop=stop, dry_run=dry_run)
    except ConfigError as error:
        if not dry_run:
            _note(opened, str(error))
        raise
    if not dry_run:
        _note(opened, None)
    return heard


def _note(opened: Opened, trouble: str | None) -> None:
    with opened.database.write() as connection:
        letters.note_read(connection, opened.now(), trouble)


class Mailroom:
    """Reads mail again and again; a mailbox that cannot be read is told of once, and tried again."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._trouble = ""

    def read(self, program: Program, stop: Callable[[], bool] = lambda: False) -> None:
        """Read what has come, if the project has a mailbox."""
        replies = program.project.replies
        if replies is None:
            return
        try:
            heard = read_mail(self._opened, program, replies, stop=stop)
        except ConfigError as error:
            if str(error) != self._trouble:
                logger.warning("action=mail.trouble %s", error)
            self._trouble = str(error)
            return
        self._trouble = ""
        if heard.letters:
            told = " ".join(f"{name.replace(' ', '-')}={count}" for name, count in sorted(heard.new.items()))
            logger.info("action=mail.read letters=%d aside=%d %s", heard.letters, len(heard.aside), told)
