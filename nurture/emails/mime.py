"""MIME written by hand, for speed: quoted-printable pieces that can be joined, and headers.

RFC 2045 (quoted-printable, lines of at most 76), RFC 2047 (encoded words of at most 75), RFC 5322 (fields).
Every piece of a body begins at the start of a line and ends with a line break, soft where the text has none,
so pieces do not depend on their neighbours and constant ones are encoded once.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC, datetime

from nurture.core.email import Mailbox

CHUNK = 73
WORD = 75
LINE = 76
SOFT = b"=\r\n"
_SAFE = bytes(byte for byte in range(32, 127) if byte != ord("="))
_BYTES = [bytes((byte,)) if byte in _SAFE else b"=%02X" % byte for byte in range(256)]
_BREAKS = re.compile("[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_ADDRESS = re.compile(
    r"(?:\"(?:[^\"\\<>\x00-\x1f\x7f-\U0010ffff]|\\[ -~])*\"|[^\s\"<>()\[\],;:\\@\x00-\x1f\x7f-\U0010ffff]+)"
    r"@(?:[A-Za-z0-9.-]+|\[[A-Za-z0-9.:]+\])\Z"
)
_INTERNATIONAL = re.compile(
    r"[^\s\"<>()\[\],;:\\@\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff]+"
    r"@[^\s\"<>()\[\],;:\\@\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff]+\Z"
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def quoted_printable(text: str) -> bytes:
    """One piece of a body. It begins at column 0, ends with a line break, and no line begins with a dot."""
    data = text.encode()
    if not data:
        return b""
    if not data.translate(None, _SAFE):
        if len(data) <= CHUNK:
            return _dotless(data) + SOFT
        return SOFT.join([_dotless(data[at : at + CHUNK]) for at in range(0, len(data), CHUNK)]) + SOFT
    lines = data.split(b"\n")
    ending = _line(lines.pop(), last=True)
    return b"".join([_line(line, last=False) + b"\r\n" for line in lines]) + (ending and ending + SOFT)


def _line(line: bytes, last: bool) -> bytes:
    if line.translate(None, _SAFE):
        return SOFT.join(_chunks(b"".join([_BYTES[byte] for byte in line])))
    if not last and line.endswith(b" "):
        return SOFT.join(_chunks(line[:-1] + b"=20"))
    return SOFT.join(_dotless(line[at : at + CHUNK]) for at in range(0, len(line), CHUNK))


def _chunks(encoded: bytes) -> list[bytes]:
    """`encoded` cut so that no escape is split and no chunk ends with a bare space before a hard line end."""
    chunks, at = [], 0
    if encoded.endswith(b" "):
        encoded = encoded[:-1] + b"=20"
    while at < len(encoded):
        end = at + CHUNK
        escape = encoded.rfind(b"=", end - 2, end)
        if end < len(encoded) and escape >= 0:
            end = escape
        chunks.append(_dotless(encoded[at:end]))
        at = end
    return chunks


def _dotless(chunk: bytes) -> bytes:
    return b"=2E" + chunk[1:] if chunk[:1] == b"." else chunk


def header_text(text: str) -> str:
    """`text` as the value of a header: other control characters are taken out. Raises ValueError for a line break."""
    text = text.strip()
    if text.isprintable():
        return text
    if _BREAKS.search(text):
        raise ValueError("a header cannot hold a line break")
    return _CONTROLS.sub("", text.replace("\t", " ")).strip()


def field(name: str, text: str) -> bytes:
    """A field of free text, such as Subject, folded and encoded as needed."""
    if text.isascii() and text.isprintable() and "=?" not in text:
        if len(name) + 2 + len(text) <= LINE:
            return f"{name}: {text}\r\n".encode()
        if folded := _folded(f"{name}: {text}"):
            return folded
    return f"{name}: {words(text, len(name) + 2)}\r\n".encode()


def _folded(line: str) -> bytes | None:
    """`line` folded at its spaces, or None where that is not possible."""
    lines, current = [], ""
    for word in line.split(" "):
        if not word or len(word) > LINE - 2:
            return None
        if current and len(current) + 1 + len(word) > LINE:
            lines.append(current)
            current = ""
        current = f"{current} {word}" if current or lines else word
    return ("\r\n".join([*lines, current]) + "\r\n").encode()


def words(text: str, column: int) -> str:
    """`text` as encoded words in UTF-8, folded; the first begins at `column` of its line."""
    plain = sum(char.isascii() and char.isalnum() for char in text)
    cost, form = (_q_cost, _q) if plain * 2 > len(text) else (_b_cost, _b)
    out, chunk, spent = [], "", 0.0
    room = LINE - column - 12
    for char in text:
        price = cost(char)
        if spent + price > room and chunk:
            out.append(form(chunk))
            chunk, spent, room = "", 0.0, WORD - 12
        chunk += char
        spent += price
    return "\r\n ".join([*out, form(chunk)])


def _q_cost(char: str) -> float:
    return 1 if char == " " or (char.isascii() and char.isalnum()) else 3 * len(char.encode())


def _b_cost(char: str) -> float:
    return 1.4 * len(char.encode())


def _q(text: str) -> str:
    return "=?utf-8?q?" + "".join(map(_q_char, text)) + "?="


def _q_char(char: str) -> str:
    if char.isascii() and char.isalnum():
        return char
    return "_" if char == " " else "".join(f"={byte:02X}" for byte in char.encode())


def _b(text: str) -> str:
    return f"=?utf-8?b?{b64encode(text.encode()).decode()}?="


def address_field(name: str, mailbox: Mailbox, *, international: bool = False) -> bytes:
    """A field holding one address: plain ASCII (RFC 5321; its domain IDNA-encoded), or, where `international`, with
    letters outside it before the @, as they are, in UTF-8 (RFC 6532).

    Raises ValueError for a line break or NUL in its name, or another address.
    """
    address = mailbox.address
    local = address.rpartition("@")[0]
    allowed = _INTERNATIONAL if international and not local.isascii() else _ADDRESS
    if not allowed.match(address) or len(address.encode(errors="replace")) > 320:
        raise ValueError(f"{address!r:.80} cannot stand in a header as an address")
    if "\0" in mailbox.name:
        raise ValueError("a header cannot hold NUL")
    shown = header_text(mailbox.name)
    if not shown:
        return f"{name}: {address}\r\n".encode()
    phrase_text = phrase(shown, len(name) + 2)
    last = len(phrase_text) - phrase_text.rfind("\n")
    room = len(address) + 3 + last + (len(name) + 2 if "\n" not in phrase_text else 0) <= LINE
    return f"{name}: {phrase_text}{' ' if room else chr(13) + chr(10) + ' '}<{address}>\r\n".encode()


def phrase(text: str, column: int) -> str:
    """`text` as the name before an address: as it is, quoted, or in encoded words."""
    if len(text) + column < LINE - 2 and text.isascii() and "=?" not in text:
        if _ATOMS.match(text):
            return text
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        if len(quoted) + column < LINE - 2:
            return f'"{quoted}"'
    return words(text, column)


def date_text(moment: datetime) -> str:
    """`moment` (aware) as RFC 5322 writes it, in UTC."""
    m = moment.astimezone(UTC)
    clock = f"{m.hour:02}:{m.minute:02}:{m.second:02}"
    return f"{_DAYS[m.weekday()]}, {m.day:02} {_MONTHS[m.month - 1]} {m.year:04} {clock} +0000"


def verbatim(name: str, value: str) -> bytes:
    """A field that must stay on one line as it is (RFC 8058, RFC 2919). Raises ValueError if it cannot."""
    if not value.isascii() or not value.isprintable() or len(name) + 2 + len(value) > 998:
        raise ValueError(f"{name} cannot be {value[:80]!r}")
    return f"{name}: {value}\r\n".encode()
