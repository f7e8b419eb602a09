"""The conversation over one SMTP connection: which commands, in how many turns, and what each answer means.

Where the server offers PIPELINING (RFC 2920) the body of one message and the envelope of the next leave in
one write, so a message costs one turn; otherwise every command waits for its answer. DATA is always the
last command of a write, and the next body waits for its 354.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from nurture.core.email import Outgoing
from nurture.core.event import BounceClass
from nurture.providers.base import Accepted, Outcome, Rejected, Unavailable, Unknown
from nurture.providers.bounces import Stage, by_reply
from nurture.providers.config import SmtpSettings
from nurture.providers.smtp_wire import Lost, Reply, Wire

TIME_IS_UP = Unavailable("not begun: the time for this batch is up")

_RSET, _DATA, _DOT = b"RSET\r\n", b"DATA\r\n", b".\r\n"
_STAGES = (Stage.SENDER, Stage.RECIPIENT, Stage.CONTENT)
_WANTS_SIGN_IN = frozenset({530, 534, 535, 538})
_UNSAFE = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029<>]")
_UNSAFE_QUOTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUEUED_AS = re.compile(r"queued as ([\w.-]+)", re.I)


class Run:
    """A batch on its way: outcomes so far, in order; `deadline` in seconds of `time.monotonic()`."""

    def __init__(self, batch: Sequence[Outgoing], deadline: float) -> None:
        self.batch = batch
        self.outcomes: list[Outcome] = []
        self._deadline = deadline

    @property
    def late(self) -> bool:
        """Whether the deadline has passed: no message may be begun."""
        return monotonic() >= self._deadline

    @property
    def open(self) -> bool:
        """Whether a message is left that may still be begun."""
        return len(self.outcomes) < len(self.batch) and not self.late

    def peek(self, ahead: int) -> Outgoing | None:
        """The first message without an outcome, or the one `ahead` places behind it; None past the end."""
        index = len(self.outcomes) + ahead
        return self.batch[index] if index < len(self.batch) else None

    def lost(self, why: str, session: Session) -> None:
        """Settle the message at which a connection broke; one that was not begun is tried on the next.

        A connection that broke before any answer may break at this very message: it stands back, so that
        those behind it get their turn.
        """
        if session.begun:
            self.outcomes.append(Unknown(f"the answer was lost: {why}"))
        elif not session.settled:
            self.outcomes.append(Unavailable(why))

    def rest(self, outcome: Outcome) -> list[Outcome]:
        """All outcomes, with `outcome` for every message that has none yet."""
        return [*self.outcomes, *[outcome] * (len(self.batch) - len(self.outcomes))]


@dataclass(frozen=True, slots=True)
class Item:
    """A message as the wire takes it: MAIL, RCPT and DATA, then the data and the final dot that ends it."""

    commands: tuple[bytes, bytes, bytes]
    data: bytes
    end: bytes


class Session:
    """The conversation over `wire`. `settled` counts messages answered; `begun`: one is in the air."""

    def __init__(self, wire: Wire, settings: SmtpSettings) -> None:
        self.wire = wire
        self.settled = 0
        self.begun = False
        self._settings = settings
        self._stale = False

    @property
    def full(self) -> bool:
        """Whether this connection has carried as many messages as one may."""
        return self.settled >= self._settings.max_per_connection

    def carry(self, run: Run) -> None:
        """Hand over until the batch, the time or the connection's share is used up. Raises Lost."""
        announced: Item | None = None
        while run.open and not self.full:
            item = announced or self._announce(run)
            announced = None
            if item is None:
                continue
            refusal = self._ask(item)
            if refusal is None:
                announced = self._hand_over(run, item)
            else:
                self._settle(run, refusal)
        if announced is not None:
            raise Lost(TIME_IS_UP.detail)

    def _announce(self, run: Run) -> Item | None:
        """The next message, its envelope on the way if pipelined; settled and None if it can have none."""
        item = prepare(run.batch[len(run.outcomes)], self.wire, self._settings)
        if not isinstance(item, Item):
            run.outcomes.append(item)
            return None
        if self.wire.pipelining:
            self._write(self._envelope(item))
        return item

    def _ask(self, item: Item) -> Outcome | None:
        """Read (or, without pipelining, ask for) the answers to the envelope; None means: send the data."""
        if self._stale:
            self._answer(_RSET)
        refusal: Outcome | None = None
        code = 0
        for stage, command in zip(_STAGES, item.commands, strict=True):
            reply = self._answer(command)
            code = reply.code
            refusal = refusal or _refusal(reply, stage)
            if refusal is not None and not self.wire.pipelining:
                break
        if refusal is not None and code == 354:
            # RFC 2920 §3.1: a server may ask for the data although it refused the only recipient.
            self._write(_DOT)
            self._reply()
        self._stale = refusal is not None
        return refusal

    def _hand_over(self, run: Run, item: Item) -> Item | None:
        """Send the data, with the next envelope behind it, and settle. Returns what was announced."""
        if run.late:
            raise Lost(TIME_IS_UP.detail)
        following = self._following(run)
        try:
            envelope = self._envelope(following) if following else b""
            self._write(b"".join((item.data, item.end, envelope)))
        except Lost as lost:
            self.begun = lost.sent > 0
            raise
        self.begun = True
        reply = self.wire.reply(self._settings.dot_timeout)
        self.begun = False
        self._settle(run, _verdict(reply))
        return following

    def _following(self, run: Run) -> Item | None:
        """The message after the present one, if its envelope may travel behind the present one's data."""
        message = run.peek(1)
        if message is None or not self.wire.pipelining:
            return None
        if self.settled + 1 >= self._settings.max_per_connection:
            return None
        item = prepare(message, self.wire, self._settings)
        return item if isinstance(item, Item) else None

    def _envelope(self, item: Item) -> bytes:
        return b"".join((_RSET, *item.commands) if self._stale else item.commands)

    def _answer(self, command: bytes) -> Reply:
        if not self.wire.pipelining:
            self._write(command)
        return self._reply()

    def _reply(self) -> Reply:
        reply = self.wire.reply(self._patience)
        if reply.code == 421:
            raise Lost(str(reply))
        return reply

    def _write(self, data: bytes) -> None:
        self.wire.write(data, self._patience)

    def _settle(self, run: Run, outcome: Outcome) -> None:
        run.outcomes.append(outcome)
        self.settled += 1

    @property
    def _patience(self) -> float:
        return self._settings.timeout


def prepare(message: Outgoing, wire: Wire, settings: SmtpSettings) -> Item | Rejected:
    """The message for this server, or why its address can never go through it."""
    email = message.email
    to = email.recipient.address
    sender = email.sender.address
    if settings.bounce_address is not None:
        sender = settings.bounce_address.replace("{id}", message.message_id)
    for address in (sender, to):
        if (_UNSAFE_QUOTED if address.startswith('"') else _UNSAFE).search(address):
            return Rejected(f"{address!r} holds characters no envelope may carry", BounceClass.CONTENT)
    plain = sender.isascii() and to.isascii()
    if not plain and not wire.utf8:
        detail = "the address has letters outside ASCII, and the relay does not offer SMTPUTF8 (RFC 6531)"
        return Rejected(detail, BounceClass.CONTENT)
    data = email.as_bytes()
    mail = f"MAIL FROM:<{sender}>{_parameters(wire, data, plain, message.message_id)}\r\n"
    commands = (mail.encode(), f"RCPT TO:<{to}>\r\n".encode(), _DATA)
    return Item(commands, _stuffed(data), _DOT if data.endswith(b"\r\n") else b"\r\n" + _DOT)


def _parameters(wire: Wire, data: bytes, plain: bool, message_id: str) -> str:
    """MAIL's parameters: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), and by what name and how much of the
    message a bounce shall give back (RFC 3461), where of use."""
    size = f" SIZE={len(data)}" if wire.size else ""
    body = " BODY=8BITMIME" if wire.eight_bit and not data.isascii() else ""
    report = f" RET=HDRS ENVID={message_id}" if wire.reports else ""
    return size + body + ("" if plain else " SMTPUTF8") + report


def _stuffed(data: bytes) -> bytes:
    """The data, where lines that begin with a dot get a second one (RFC 5321 §4.5.2)."""
    if b"\r\n." in data:
        data = data.replace(b"\r\n.", b"\r\n..")
    return b"." + data if data.startswith(b".") else data


def _refusal(reply: Reply, stage: Stage) -> Outcome | None:
    """What an answer to an envelope command refuses; None if it agrees. Raises Lost for one that fits not."""
    if reply.code == 354 if stage is Stage.CONTENT else 200 <= reply.code < 300:
        return None
    if 400 <= reply.code < 500 or reply.code in _WANTS_SIGN_IN:
        return Unavailable(str(reply))
    if 500 <= reply.code < 600:
        return Rejected(str(reply), by_reply(reply.code, reply.text, stage))
    raise Lost(f"the server answered out of turn: {reply}")


def _verdict(reply: Reply) -> Outcome:
    """What the answer to the final dot means."""
    if 200 <= reply.code < 300:
        queued = _QUEUED_AS.search(reply.text)
        return Accepted(queued[1] if queued else None)
    if 400 <= reply.code < 500:
        return Unavailable(str(reply))
    if 500 <= reply.code < 600:
        return Rejected(str(reply), by_reply(reply.code, reply.text, Stage.CONTENT))
    return Unknown(f"the answer to the final dot makes no sense: {reply}")
