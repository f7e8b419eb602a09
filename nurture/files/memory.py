"""What was made of a project's files before, good as long as the files it was made from say the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Made:
    """A result, the names of the files there were, and the texts of those that were read for it."""

    names: frozenset[str]
    texts: Mapping[str, str]
    result: Any


class _Reads(Mapping[str, str]):
    """Files that note which of them are read."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.texts: dict[str, str] = {}

    def __getitem__(self, path: str) -> str:
        self.texts[path] = self.files[path]
        return self.texts[path]

    def __contains__(self, path: object) -> bool:
        return path in self.files

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


class Memory:
    """The latest result for each of at most `size` questions; what raises is asked again."""

    def __init__(self, size: int = 4000) -> None:
        self.size = size
        self._made: OrderedDict[Hashable, _Made] = OrderedDict()

    def recall(self, question: Hashable, files: Mapping[str, str], make: Callable[[Mapping[str, str]], T]) -> T:
        """`make(files)`, or what it said to `question` before, if each file it read then says the same now."""
        names = frozenset(files)
        made = self._made.get(question)
        if made is not None and made.names == names and all(files[path] == made.texts[path] for path in made.texts):
            result: T = made.result
            return result
        reads = _Reads(files)
        result = make(reads)
        self._made[question] = _Made(names, reads.texts, result)
        while len(self._made) > self.size:
            self._made.popitem(last=False)
        return result

    def sources(self, question: Hashable) -> frozenset[str]:
        """The files that were read for the result that is remembered; none where none is."""
        made = self._made.get(question)
        return frozenset(made.texts) if made else frozenset()
