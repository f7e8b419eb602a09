"""A SendGrid on this machine: documented limits, documented codes, misbehaviour on command, signed webhooks.

Limits after SendGrid's "Mail Send Errors" and "Limitations" pages and its OpenAPI file for mail/send.
"""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LARGEST = 30 * 1024 * 1024
FORBIDDEN_HEADERS = {
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
    *("to", "from", "subject", "reply-to", "cc", "bcc"),
}
KNOWN_KEYS = {
    *("personalizations", "from", "reply_to", "reply_to_list", "subject", "content", "attachments"),
    *("headers", "template_id", "categories", "custom_args", "send_at", "batch_id", "asm", "ip_pool_name"),
    *("mail_settings", "tracking_settings"),
}


@dataclass(frozen=True)
class Answer:
    """What to do with a request: answer `status` with `headers`, or `misbehave`: "close", "reset", "stall".

    "truncate" answers the status and hangs up in the middle of the body.

    `take` says whether the message is taken all the same (a 500 may lie, a lost answer is not a refusal).
    """

    status: int = 202
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = "made to fail"
    misbehave: str | None = None
    take: bool = False


class FakeSendGrid:
    """Listens at `url` while entered; `accepted` holds the payloads it took, `requests` counts all posts.

    `answer` is asked for each valid request, by its payload and its number (from 1); None means the usual.
    """

    def __init__(self, key: str = "SG.test") -> None:
        self.key = key
        self.accepted: list[dict[str, Any]] = []
        self.requests = 0
        self.answer: Callable[[dict[str, Any], int], Answer | None] = lambda payload, number: None
        self.over = threading.Event()
        self.lock = threading.Lock()
        self._signer = ec.generate_private_key(ec.SECP256R1())

    def __enter__(self) -> FakeSendGrid:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def public_key(self) -> str:
        """The key as SendGrid's settings page shows it: base64 of the SPKI."""
        spki = self._signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(spki).decode()

    def sign(self, body: bytes, at: datetime) -> dict[str, str]:
        """The headers of a genuine post of `body` at that time."""
        timestamp = str(int(at.timestamp()))
        signature = self._signer.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128
    fake: FakeSendGrid


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    server: _Server

    def do_POST(self) -> None:
        fake = self.server.fake
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with fake.lock:
            fake.requests += 1
            number = fake.requests
        refusal = self._refused(body)
        if refusal is not None:
            self._reply(*refusal)
            return
        payload = json.loads(body)
        answer = fake.answer(payload, number) or _usual(payload)
        if (answer.status == 202 and answer.misbehave is None) or answer.take:
            with fake.lock:
                fake.accepted.append(payload)
        if answer.misbehave:
            self._misbehave(answer.misbehave, answer.status)
            return
        error = None if answer.status in (200, 202) else [{"message": answer.error, "field": None}]
        self._reply(answer.status, error, {"X-Message-Id": f"sg{number}", **answer.headers})

    def _refused(self, body: bytes) -> tuple[int, list[dict[str, Any]]] | None:
        if self.path != "/v3/mail/send":
            return 404, [{"message": "not found", "field": None}]
        if self.headers["Authorization"] != f"Bearer {self.server.fake.key}":
            return 401, [{"message": "authorization required", "field": None}]
        if self.headers["Content-Type"] != "application/json":
            return 415, [{"message": "content type is not application/json", "field": None}]
        if len(body) >= LARGEST:
            return 413, [{"message": "The size of the payload is too large", "field": None}]
        faults = [{"message": message, "field": name} for name, message in faults_of(json.loads(body))]
        return (400, faults) if faults else None

    def _misbehave(self, how: str, status: int) -> None:
        self.close_connection = True
        if how == "truncate":
            self.send_response(status)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b'{"errors"')
            self.wfile.flush()
        if how == "stall":
            self.server.fake.over.wait(30)
        elif how == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.shutdown(socket.SHUT_RD if how == "reset" else socket.SHUT_RDWR)

    def _reply(
        self, status: int, errors: list[dict[str, Any]] | None, headers: Mapping[str, str] | None = None
    ) -> None:
        body = json.dumps({"errors": errors}).encode() if errors else b""
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _usual(payload: Mapping[str, Any]) -> Answer:
    sandbox = payload.get("mail_settings", {}).get("sandbox_mode", {}).get("enable")
    return Answer(status=200 if sandbox else 202)


def faults_of(payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, message) of every documented limit the payload breaks."""
    for name in payload.keys() - KNOWN_KEYS:
        yield name, "unknown field"
    people = payload.get("personalizations") or []
    if not 1 <= len(people) <= 1000:
        yield "personalizations", "between 1 and 1000 are allowed"
    for person in people:
        yield from _person_faults(person)
    if "@" not in payload.get("from", {}).get("email", ""):
        yield "from.email", "is required"
    if not payload.get("subject"):
        yield "subject", "is required"
    yield from _content_faults(payload.get("content") or [])
    yield from _extra_faults(payload)


def _person_faults(person: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    everyone = [*person.get("to", []), *person.get("cc", []), *person.get("bcc", [])]
    if not person.get("to"):
        yield "personalizations.to", "is required"
    addresses = [mailbox["email"].lower() for mailbox in everyone]
    if len(set(addresses)) != len(addresses):
        yield "personalizations.to", "each address must be unique"
    for mailbox in everyone:
        if set(mailbox.get("name", "")) & set(";,"):
            yield "personalizations.to.name", "may hold neither ; nor ,"
    yield from _argument_faults(person.get("custom_args", {}))


def _argument_faults(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if len(json.dumps(arguments)) >= 10_000:
        yield "custom_args", "10,000 bytes at most"
    if not all(isinstance(value, str) for value in arguments.values()):
        yield "custom_args", "values are strings"


def _content_faults(content: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    kinds = [part["type"] for part in content]
    if not kinds:
        yield "content", "is required"
    if kinds not in ([], ["text/plain"], ["text/html"], ["text/plain", "text/html"]):
        yield "content", "text/plain first, then text/html"
    if not all(part["value"] for part in content):
        yield "content.value", "at least one character"


def _extra_faults(payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in payload.get("headers", {}):
        if name.lower() in FORBIDDEN_HEADERS:
            yield f"headers.{name}", "is reserved"
    categories = payload.get("categories", [])
    if len(categories) > 10 or len(set(categories)) != len(categories):
        yield "categories", "at most 10, each once"
    if not all(len(each) <= 255 and each.isascii() for each in categories):
        yield "categories", "255 ASCII characters at most"
    yield from _argument_faults(payload.get("custom_args", {}))
    if "reply_to" in payload and "reply_to_list" in payload:
        yield "reply_to", "exclusive with reply_to_list"
