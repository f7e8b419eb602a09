"""A mistake in a file a person wrote, told where it stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong at `path`:`line`:`column` (counted from 1), and what to write instead.

    `rule` is a short stable name; `severity` is "error", "warning" or "note".
    """

    path: str
    line: int
    column: int
    rule: str
    message: str
    hint: str | None = None
    severity: str = "error"

    def __str__(self) -> str:
        hint = f" {_sentence(self.hint)}" if self.hint else ""
        return f"{self.path}:{self.line}:{self.column}: {_sentence(self.message)}{hint}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!", "…")) else text + "."
