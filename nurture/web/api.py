"""What other programs send in: contacts, purchases, events, suppressions, as JSON and under a key."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nurture.actions.intake import KINDS, MOST_ROWS, take_rows
from nurture.actions.keys import Key, read_key
from nurture.core.errors import NotFound
from nurture.files.tabular import read_json
from nurture.web.bodies import read_body
from nurture.web.bucket import Buckets
from nurture.web.openapi import describe
from nurture.web.site import Parts

logger = logging.getLogger("nurture.web")

LARGEST_BODY = 4 * 1024 * 1024
AT_ONCE, EVERY = 60, 0.1
"""Requests of one key at once, and seconds until one more may come."""


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All are routed, so that a wrong one is told so instead of being shown the door of the pages."""


class Refused(Exception):
    """A request that is not taken: the status and what the caller should do."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.detail, self.headers = status, detail, headers or {}
        super().__init__(detail)


class Api:
    """The routes below /api. No cookie is read: only a key in the request opens them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._buckets = Buckets(AT_ONCE, EVERY)

    def routes(self) -> list[Route]:
        """One route for each kind of thing that comes in, and the description of them all."""
        taking = [Route(f"/api/{kind}", partial(self._answer, kind), methods=METHODS) for kind in KINDS]
        return [*taking, Route("/api/openapi.json", self.described, methods=["GET"])]

    async def described(self, _request: Request) -> Response:
        """The API in the words of OpenAPI 3.1."""
        return Response(_description(), media_type="application/json")

    async def _answer(self, kind: str, request: Request) -> Response:
        try:
            return await self._take(kind, request)
        except Refused as refused:
            return problem(refused.status, refused.detail, refused.headers)
        except HTTPException as refused:
            return problem(refused.status_code, refused.detail, refused.headers)

    async def _take(self, kind: str, request: Request) -> Response:
        if request.method != "POST":
            raise Refused(405, "Send rows with POST.", {"Allow": "POST"})
        key = await run_in_threadpool(self._key, request.headers.get("authorization", ""))
        if kind not in key.scopes:
            raise Refused(403, f"This key may bring in {', '.join(sorted(key.scopes))}; {kind} is none of them.")
        if not self._buckets.take(key.id):
            raise Refused(429, "Too many requests at once; send several rows in one.", {"Retry-After": "1"})
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/json":
            raise Refused(415, "Send JSON, with the header Content-Type: application/json.")
        rows = parse_rows(await read_body(request, LARGEST_BODY))
        return await run_in_threadpool(self._record, kind, key, rows)

    def _key(self, header: str) -> Key:
        scheme, _, text = header.partition(" ")
        key = read_key(self._parts.database, text.strip(), self._parts.now()) if scheme.lower() == "bearer" else None
        if key is None:
            detail = "Send a key of this project: Authorization: Bearer nurture_… (`nurture keys add` makes one)."
            raise Refused(401, detail, {"WWW-Authenticate": 'Bearer realm="nurture"'})
        return key

    def _record(self, kind: str, key: Key, rows: list[Any]) -> Response:
        try:
            program = self._parts.releases.current().program
        except NotFound:
            raise Refused(503, "Nothing is published yet; `nurture run` publishes the project's files.") from None
        taken = take_rows(self._parts.database, program, kind, rows, self._parts.now(), self._parts.signer)
        logger.info("action=api.taken kind=%s key=%s rows=%d refused=%d", kind, key.name, len(rows), len(taken.refused))
        results = [_result(place, taken.refused.get(place)) for place in range(len(rows))]
        status = 422 if len(taken.refused) == len(rows) else 200
        return Response(orjson.dumps({**taken.counts, "results": results}), status, media_type="application/json")


def _result(place: int, reason: str | None) -> dict[str, Any]:
    return {"row": place, "ok": True} if reason is None else {"row": place, "ok": False, "reason": reason}


def parse_rows(body: bytes) -> list[Any]:
    """The rows of a body: one object, or a list of at most MOST_ROWS. Raises Refused for anything else."""
    try:
        value = read_json(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON in UTF-8.") from None
    rows = value if isinstance(value, list) else [value]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise Refused(422, "Send one JSON object, or a list of objects.")
    if len(rows) > MOST_ROWS:
        raise Refused(422, f"Send at most {MOST_ROWS} rows at once; these are {len(rows)}.")
    return rows


@lru_cache(maxsize=1)
def _description() -> bytes:
    return orjson.dumps(describe())


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal in the shape of RFC 9457."""
    said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(orjson.dumps(said), status, headers, media_type="application/problem+json")
