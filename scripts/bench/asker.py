"""Asks a web server the same thing again and again over a few kept connections; prints requests a second."""

from __future__ import annotations

import socket
import sys
from time import perf_counter
from urllib.parse import urlsplit

CONNECTIONS = 8
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def ask(url: str, path: str, count: int) -> float:
    """Ask `count` times over a few connections in turn. Returns requests a second."""
    where = urlsplit(url)
    request = f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nUser-Agent: {AGENT}\r\n\r\n".encode()
    connections = [socket.create_connection((where.hostname or "", where.port or 80)) for _ in range(CONNECTIONS)]
    begin = perf_counter()
    for _ in range(count // CONNECTIONS):
        for connection in connections:
            connection.sendall(request)
        for connection in connections:
            _answer(connection)
    taken = perf_counter() - begin
    for connection in connections:
        connection.close()
    return count / taken


def _answer(connection: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode(errors="replace"))
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += _some(connection)


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise RuntimeError("the server closed the connection")
    return data


if __name__ == "__main__":
    print(ask(sys.argv[1], sys.argv[2], int(sys.argv[3])))
