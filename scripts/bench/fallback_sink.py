"""Takes mail by SMTP and forgets it, pipelined; for machines without Debian's smtp-sink."""

from __future__ import annotations

import asyncio
import sys

GREETING = b"220 sink\r\n"
CAPABLE = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, from greeting to QUIT."""
    writer.write(GREETING)
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"DATA":
            writer.write(b"354 go on\r\n")
            await writer.drain()
            while await reader.readline() not in (b".\r\n", b""):
                pass
        if verb == b"QUIT":
            break
        writer.write(CAPABLE if verb == b"EHLO" else b"250 ok\r\n")
    writer.write(b"221 bye\r\n")
    writer.close()


async def main() -> None:
    """Listen until killed."""
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), limit=1 << 20)
    await server.serve_forever()


asyncio.run(main())
