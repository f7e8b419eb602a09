"""Twilio SendGrid: one request per message over a pooled client, several in flight.

Payloads are plain dicts equal to what the `sendgrid` package's `Mail` builds (a test holds them together);
its own HTTP client opens a connection per call and waits for ever, so httpx carries them. SendGrid knows
no idempotency key: an answer that was lost stays `Unknown` until its webhook names our message id.
Source: SendGrid v3 "Mail Send", "Limitations" and "Rate Limits" pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

import orjson

from nurture.core.email import Mailbox, Outgoing
from nurture.core.event import BounceClass
from nurture.providers.base import Accepted, Outcome, Rejected, Unavailable, Unknown
from nurture.providers.config import SendGridSettings
from nurture.providers.sendgrid_events import BadBody, Forged, parse_webhook

if TYPE_CHECKING:
    import httpx

__all__ = ["BadBody", "Forged", "SendGrid", "parse_webhook", "payload"]

FORBIDDEN_HEADERS = frozenset(
    {
        *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
        *("to", "from", "subject", "reply-to", "cc", "bcc"),
    }
)
"""Headers a request may not set (SendGrid OpenAPI, mail/send)."""

NO_UTF8 = "SendGrid sends to no address with letters outside ASCII (SMTPUTF8, RFC 6531)"
TIME_IS_UP = Unavailable("not begun: the time for this batch is up")

_NAME_BREAKERS = str.maketrans(dict.fromkeys((*";,\x7f", *map(chr, range(32))), " "))
_TRACKING_OFF = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
}


class SendGrid:
    """The account that `settings` name; connections are kept between batches."""

    name = "sendgrid"

    def __init__(self, settings: SendGridSettings) -> None:
        self.max_batch = settings.in_flight
        self._settings = settings
        self._client: httpx.Client | None = None
        self._threads: ThreadPoolExecutor | None = None

    def send(self, batch: Sequence[Outgoing], deadline: float) -> list[Outcome]:
        """See Provider. Only 429 and refusals of the key are tried again; 5xx and lost answers are Unknown.

        Once the account as a whole is refused (429, 401, 403), what is not begun stays so.
        """
        client, threads = self._opened()
        barred: list[Unavailable] = []

        def hand_over(message: Outgoing) -> Outcome:
            if barred:
                return barred[0]
            if not message.email.recipient.address.isascii():
                return Rejected(NO_UTF8, BounceClass.CONTENT)
            if monotonic() >= deadline:
                return TIME_IS_UP
            return self._post(client, message, barred)

        return list(threads.map(hand_over, batch))

    def close(self) -> None:
        """Let go of threads and connections; the next send opens them again."""
        if self._threads is not None:
            self._threads.shutdown()
        if self._client is not None:
            self._client.close()
        self._threads = self._client = None

    def _opened(self) -> tuple[httpx.Client, ThreadPoolExecutor]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._settings.in_flight, "sendgrid")
        if self._client is None:
            self._client = _client(self._settings)
        return self._client, self._threads

    def _post(self, client: httpx.Client, message: Outgoing, barred: list[Unavailable]) -> Outcome:
        import httpx

        body = orjson.dumps(payload(message, self._settings.sandbox))
        try:
            with client.stream("POST", "/v3/mail/send", content=body) as response:
                outcome = _outcome(response, _body(response), self._settings)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            return Unavailable(f"no connection to {self._settings.base_url} ({_why(error)})")
        except httpx.RequestError as error:
            return Unknown(f"SendGrid's answer was lost ({_why(error)})")
        if isinstance(outcome, Unavailable):
            barred.append(outcome)
        return outcome


def payload(message: Outgoing, sandbox: bool = False) -> dict[str, Any]:
    """The request body for one message. Custom arguments hold ids only: SendGrid never erases them."""
    email = message.email
    parts = (("text/plain", email.text), ("text/html", email.html))
    body: dict[str, Any] = {
        "personalizations": [{"to": [_mailbox(email.recipient)], "custom_args": _arguments(message)}],
        "from": _mailbox(email.sender),
        "subject": email.subject,
        "content": [{"type": kind, "value": value} for kind, value in parts if value],
        "headers": {name: value for name, value in email.headers if name.lower() not in FORBIDDEN_HEADERS},
        "tracking_settings": _TRACKING_OFF,
    }
    if email.reply_to:
        body["reply_to"] = {"email": email.reply_to}
    if sandbox:
        body["mail_settings"] = {"sandbox_mode": {"enable": True}}
    return body


def _arguments(message: Outgoing) -> dict[str, str]:
    return {
        "message_id": message.message_id,
        "contact_id": message.contact_id,
        "campaign": message.campaign,
        "step": message.step,
    }


def _mailbox(mailbox: Mailbox) -> dict[str, str]:
    """A name may hold neither ";" nor "," (SendGrid, Limitations)."""
    name = " ".join(mailbox.name.translate(_NAME_BREAKERS).split())
    return {"email": mailbox.address, "name": name} if name else {"email": mailbox.address}


def _client(settings: SendGridSettings) -> httpx.Client:
    import httpx

    return httpx.Client(
        base_url=settings.base_url,
        headers={
            "Authorization": f"Bearer {settings.api_key.get_secret_value()}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
        timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
        limits=httpx.Limits(
            max_connections=settings.in_flight,
            max_keepalive_connections=settings.in_flight,
            keepalive_expiry=5.0,
        ),
    )


def _body(response: httpx.Response) -> bytes:
    """What came of the body: the status has decided already, and holds even if the rest is cut off."""
    import httpx

    try:
        return response.read()
    except httpx.RequestError:
        return b""


def _outcome(response: httpx.Response, body: bytes, settings: SendGridSettings) -> Outcome:
    """What a status means (SendGrid, Mail Send Errors). One not documented as a refusal is Unknown."""
    code = response.status_code
    if code == 202 or (code == 200 and settings.sandbox):
        return Accepted(response.headers.get("X-Message-Id"))
    if code in (400, 413):
        return Rejected(f"SendGrid answered {code}: {_errors(body) or response.reason_phrase}", BounceClass.CONTENT)
    if code == 429:
        return Unavailable("SendGrid answered 429: too many requests", _reset(response))
    if code in (401, 403):
        said = _errors(body) or response.reason_phrase
        return Unavailable(f"SendGrid refused the key or the sender ({code}): {said}")
    if 300 <= code < 500:
        return Unavailable(f"{settings.base_url} answered {code}, as no mail/send does; look at base_url")
    return Unknown(f"SendGrid answered {code}; whether it took the message is not said")


def _errors(body: bytes) -> str:
    """The messages of an error body; empty if it holds none."""
    try:
        errors = orjson.loads(body)["errors"]
        said = [f"{error['message']} ({error.get('field') or 'no field'})" for error in errors]
    except (ValueError, KeyError, TypeError, AttributeError):
        said = []
    return "; ".join(said)[:500]


def _reset(response: httpx.Response) -> datetime | None:
    """When the rate limit ends, from X-RateLimit-Reset (epoch seconds); None if not told."""
    try:
        return datetime.fromtimestamp(int(response.headers["X-RateLimit-Reset"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
