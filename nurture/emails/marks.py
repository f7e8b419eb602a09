"""The characters that stand for things: two planes of private use, in which no one writes.

While an email is compiled, `PIECE + n` stands for the n-th template tag. In a compiled email and in the
stream of a message, `CONSTANT + n` stands for the n-th run of text that never changes. Text from people is
cleaned of these planes where it enters a template, so nothing can pretend to be one of them.
"""

from __future__ import annotations

import re

PIECE = 0xF0000
CONSTANT = 0xF0000
LINK = 0x100000
"""`LINK + n` is the n-th link, where its destination never changes."""
DYNAMIC = 0x108000
"""`DYNAMIC + n` opens the destination of the n-th link where it varies; `END` closes it."""
END, PIXEL, SECTION = "\U0010f000", "\U0010f001", "\U0010f002"
VIEW, PREFERENCES, UNSUBSCRIBE = "\U0010f003", "\U0010f004", "\U0010f005"
REFERRAL, CONFIRM = "\U0010f006", "\U0010f007"
MAX_PIECES = 0x8000
MAX_LINKS = 0x2000

PLANES = "\U000f0000-\U0010ffff"
ANY = re.compile(f"[{PLANES}]")
SPLIT = re.compile(f"([{PLANES}])")
_UNCLEAN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff{PLANES}]")


def clean(text: str) -> str:
    """`text` without control characters (line ends become LF, tabs stay), lone surrogates and our marks."""
    if text.isprintable():
        return text
    return _UNCLEAN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def is_dynamic(mark: str) -> bool:
    """Whether `mark` opens a destination that varies."""
    return DYNAMIC <= ord(mark) < DYNAMIC + MAX_LINKS


def is_link(mark: str) -> bool:
    """Whether `mark` is a link whose destination is constant."""
    return LINK <= ord(mark) < LINK + MAX_LINKS
