"""A Maildir: new mail lies in new/, and what was read moves to cur/ with the flag S (seen).

https://cr.yp.to/proto/maildir.html; a letter that could not be read gets F (flagged) too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from nurture.core.errors import ConfigError
from nurture.providers.letterbox import BATCH, LARGEST, Batch, Letter


class Maildir:
    """The Maildir at `folder`, which nobody else should empty. Raises ConfigError when there is none."""

    def __init__(self, folder: Path) -> None:
        self.place = f"maildir {folder}"
        self._new, self._cur = folder / "new", folder / "cur"
        try:
            whole = self._new.is_dir() and self._cur.is_dir()
        except OSError as error:
            raise ConfigError(f"replies: {folder} cannot be read: {error.strerror}") from None
        if not whole:
            raise ConfigError(f"replies: {folder} is no Maildir; it has no folders new and cur")

    def knock(self) -> None:
        """See Letterbox."""
        self._names()

    def batches(self, mark: str | None) -> Iterator[Batch]:
        """See Letterbox; a Maildir remembers by itself, so there is no mark."""
        names = self._names()
        for start in range(0, len(names), BATCH):
            letters = map(self._letter, names[start : start + BATCH])
            yield Batch(tuple(letter for letter in letters if letter))

    def _names(self) -> list[str]:
        try:
            return sorted(path.name for path in self._new.iterdir() if not path.name.startswith("."))
        except OSError as error:
            raise ConfigError(f"replies: {self._new} cannot be read: {error.strerror}") from None

    def _letter(self, name: str) -> Letter | None:
        """The letter, empty where the file cannot be read; None where it is gone or none."""
        path = self._new / name
        try:
            if not path.is_file():
                return None
            received = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            with path.open("rb") as file:
                return Letter(name, file.read(LARGEST), received)
        except FileNotFoundError:
            return None
        except OSError:
            return Letter(name, b"", received)

    def done(self, batch: Batch, aside: Collection[str]) -> None:
        """See Letterbox. Raises ConfigError when files cannot be moved."""
        for letter in batch.letters:
            flags = "FS" if letter.key in aside else "S"
            # Whoever else reads this box may have been quicker.
            with suppress(FileNotFoundError):
                self._move(letter.key, f"{letter.key.partition(':')[0]}:2,{flags}")

    def _move(self, name: str, seen: str) -> None:
        try:
            (self._new / name).rename(self._cur / seen)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ConfigError(f"replies: {self._new / name} cannot be moved to cur: {error.strerror}") from None

    def close(self) -> None:
        """See Letterbox."""
