"""The nearest right word to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable


def _folded(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")


def _distance(left: str, right: str) -> int:
    """Letters to add, drop, change or swap with their neighbour (optimal string alignment)."""
    above2: list[int] = []
    above = list(range(len(right) + 1))
    for row, mine in enumerate(left, 1):
        line = [row]
        for column, other in enumerate(right, 1):
            cost = min(above[column] + 1, line[-1] + 1, above[column - 1] + (mine != other))
            if row > 1 and column > 1 and mine == right[column - 2] and left[row - 2] == other:
                cost = min(cost, above2[column - 2] + 1)
            line.append(cost)
        above2, above = above, line
    return above[-1]


def _unlike(wanted: str, right: str) -> float | None:
    """How unlike two words are, 0 for the same; None where nobody would take one for the other."""
    longest = max(len(wanted), len(right))
    shortest = min(len(wanted), len(right))
    if shortest >= 3 and shortest * 2 > longest and (wanted.startswith(right) or right.startswith(wanted)):
        return 0.5 * (longest - shortest) / longest
    most = min(max(1, longest * 2 // 5), longest - 1)
    if wanted != right and longest - shortest > most:
        return None
    distance = _distance(wanted, right)
    return distance / max(1, longest) if distance <= most or distance == 0 else None


def nearest(word: str, right: Iterable[str]) -> str | None:
    """The word of `right` most like `word`, None where none is like it. Case, '-' and '_' make no difference."""
    wanted = _folded(word[:60])
    scored = [(unlike, one) for one in right if (unlike := _unlike(wanted, _folded(one))) is not None]
    return min(scored)[1] if scored else None


def did_you_mean(word: str, right: Iterable[str], listed: str = "write one of") -> str | None:
    """A hint: the nearest word, else all of them, else nothing."""
    words = sorted(right)
    best = nearest(word, words)
    if best is not None:
        return f"did you mean '{best}'?"
    return f"{listed}: {', '.join(words)}" if len(words) > 1 else f"write '{words[0]}'" if words else None
