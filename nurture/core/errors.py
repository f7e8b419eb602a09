"""Every error nurture raises on purpose.

NurtureError
├── ProjectError     a file the marketer wrote is wrong; carries all problems found
├── ConfigError      the service cannot start as it is configured
├── InputError       a command's argument or an input file cannot be used
├── NotFound         what was named does not exist
├── RenderError      an email cannot be made for this contact
└── Superseded       another release came to run meanwhile
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class NurtureError(Exception):
    """Base of all errors whose text is written for the person who must act."""


class ProjectError(NurtureError):
    """Files of the project hold mistakes; `problems` lists every one of them, in file order."""

    def __init__(self, problems: Sequence[Any]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigError(NurtureError):
    """The service cannot start as configured; the text names the setting and the mend."""


class InputError(NurtureError):
    """A command's argument or an input file cannot be used as it is."""


class NotFound(NurtureError):
    """What was named does not exist; the text says what does."""


class RenderError(NurtureError):
    """An email cannot be made from this template for this contact."""


class Superseded(NurtureError):
    """Another release came to run since this work began; whoever does it looks again with that one."""
