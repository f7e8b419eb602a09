"""Who may see the pages: whoever sits at this machine, or knows the password.

At this machine means that the connection comes from loopback, that the browser says it asked for this machine
(a page elsewhere whose name was made to point here says its own name), and that no proxy passed the request on.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from nurture.web.bodies import read_form
from nurture.web.bucket import Buckets
from nurture.web.html import Pages
from nurture.web.site import Parts

COOKIE = "nurture_session"
LASTS = timedelta(hours=12)
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
PASSED_ON = ("forwarded", "via", "x-real-ip")
TRIES, EVERY = 5, 20.0
"""Passwords that may be tried at once from one address, and seconds until one more may be."""


def at_this_machine(request: Request) -> bool:
    """Whether the request truly comes from this machine."""
    headers = request.headers
    if any(name in PASSED_ON or name.startswith("x-forwarded") for name in headers):
        return False
    return _loopback(request) and _host(headers.get("host", "")) in LOCAL_NAMES


def _loopback(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _host(header: str) -> str:
    """The name in a Host header, without its port."""
    name, colon, port = header.lower().rpartition(":")
    return name if colon and port.isdecimal() else header.lower()


class Sessions:
    """Signed session cookies; a new password or a new secret key ends all of them."""

    def __init__(self, key: bytes, password: str) -> None:
        self._key = hmac.digest(key, b"nurture session" + hashlib.sha256(password.encode()).digest(), "sha256")
        self._password = hashlib.sha256(password.encode()).digest()

    def fits(self, password: str) -> bool:
        """Whether that is the password; takes the same time whatever it is."""
        return hmac.compare_digest(hashlib.sha256(password.encode()).digest(), self._password)

    def begin(self, now: datetime) -> str:
        """A new session's cookie. `now` is aware UTC."""
        body = int((now + LASTS).timestamp()).to_bytes(6, "big") + secrets.token_bytes(16)
        return urlsafe_b64encode(body + hmac.digest(self._key, body, "sha256")).decode()

    def holds(self, cookie: str | None, now: datetime) -> bool:
        """Whether the cookie is one of ours and not over."""
        try:
            raw = urlsafe_b64decode(cookie or "")
        except ValueError:
            return False
        body, mac = raw[:-32], raw[-32:]
        genuine = hmac.compare_digest(hmac.digest(self._key, body, "sha256"), mac)
        return genuine and len(body) == 22 and int.from_bytes(body[:6], "big") > now.timestamp()


class Door:
    """Stands before every page; answers strangers itself."""

    def __init__(self, inside: ASGIApp, parts: Parts, pages: Pages) -> None:
        self._inside = inside
        self._parts = parts
        self._pages = pages
        self._tries = Buckets(TRIES, EVERY)
        password = parts.settings.password
        self._sessions = Sessions(parts.settings.signing_keys()[0], password.get_secret_value()) if password else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response = await self._answer(request)
        await (response or self._inside)(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        """What a stranger is told; None lets the request in."""
        if at_this_machine(request):
            return None
        if self._sessions is None:
            return self._pages.show("no-password.html", status=403)
        if request.url.path == "/login":
            return await self._login(request, self._sessions)
        if request.url.path == "/logout" and request.method == "POST":
            return self._logout(request)
        if self._sessions.holds(request.cookies.get(COOKIE), self._parts.now()):
            request.state.session = True
            return None
        return RedirectResponse("/login", 303)

    async def _login(self, request: Request, sessions: Sessions) -> Response:
        if request.method not in ("GET", "HEAD", "POST"):
            return Response(status_code=405)
        if request.method != "POST":
            return self._pages.show("login.html", problem=None)
        if not same_site(request):
            return self._pages.show("login.html", status=403, problem="The form came from another site. Try again.")
        if not self._tries.take(request.client.host if request.client else ""):
            return self._pages.show("login.html", status=429, problem="Too many tries. Please wait a minute.")
        form = await read_form(request)
        if not sessions.fits(form.get("password", "")):
            return self._pages.show("login.html", status=403, problem="That is not the password.")
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE, sessions.begin(self._parts.now()), max_age=int(LASTS.total_seconds()), httponly=True,
            samesite="lax", secure=_secure(request),
        )  # fmt: skip
        return response

    def _logout(self, request: Request) -> Response:
        if not same_site(request):
            return Response(status_code=403)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=_secure(request))
        return response


def _secure(request: Request) -> bool:
    # A proxy that ends TLS says so; whoever says so falsely only keeps their own cookie off plain HTTP.
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))


def same_site(request: Request) -> bool:
    """Whether a form was sent from one of our own pages (or by a program, which says nothing)."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
