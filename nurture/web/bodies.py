"""Request bodies, read within limits: on their size before they are kept, on their time while they come."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

FORM_BYTES = 64 * 1024
SECONDS = 20.0
"""How long a body may take to arrive."""
FIELDS = 200


async def read_body(request: Request, most: int) -> bytes:
    """The body. Answers 413 for one of more than `most` bytes, 408 for one that does not come."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > most:
        raise HTTPException(413, "The request is too large.", {"Connection": "close"})
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise HTTPException(413, "The request is too large.", {"Connection": "close"})
    except (TimeoutError, ClientDisconnect):
        raise HTTPException(408, "The request did not arrive in time.", {"Connection": "close"}) from None
    return bytes(body)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form as browsers send one without files. Answers 400 for what is none."""
    body = await read_body(request, FORM_BYTES)
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS))
    except ValueError:
        raise HTTPException(400, "The form cannot be read.") from None
