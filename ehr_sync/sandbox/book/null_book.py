"""A health book that does nothing, for benchmarks: it reads no JSON, keeps nothing, and answers what fits.

Entries are counted by their `"method":"PUT"` and `"method":"DELETE"`; the first Basic near the start is taken
for the watermark.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import Final

import click

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_WATERMARK: Final = re.compile(rb'"url":"(Basic/[A-Za-z0-9.\-]{1,64})"')
_TOKEN: Final = b'{"access_token":"null","token_type":"Bearer","expires_in":86400}'
_ENTRY: Final = b'{"response":{"status":"200 OK","etag":"W/\\"1\\""}}'


class NullBook(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._have = self._want = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """asyncio's. Requests come one after the other: this client does not pipeline."""
        self._pieces.append(data)
        self._have += len(data)
        if not self._want:
            self._want = _whole(b"".join(self._pieces))
        if self._want and self._have >= self._want and self._transport:
            request, self._pieces, self._have, self._want = b"".join(self._pieces), [], 0, 0
            self._transport.write(_answered(request))


def _whole(start: bytes) -> int:
    # How long the request is, head and body; 0 while the head is not wholly there.
    end = start.find(b"\r\n\r\n")
    if end < 0:
        return 0
    found = _LENGTH.search(start, 0, end + 2)
    return end + 4 + (int(found[1]) if found else 0)


def _answered(request: bytes) -> bytes:
    if request.startswith(b"POST /oauth2/"):
        return _http(b"200 OK", _TOKEN)
    if request.startswith((b"PUT ", b"DELETE ")):
        return _http(b"200 OK", b'{"meta":{"versionId":"1"}}')
    if not request.startswith(b"POST "):
        return _http(b"200 OK", b"{}") if b" /_" in request[:16] else _http(b"404 Not Found", b"")
    entries = request.count(b'"method":"PUT"') + request.count(b'"method":"DELETE"')
    return _transaction_response(entries, _watermark(request))


def _watermark(request: bytes) -> bytes:
    # The watermark is the first entry: no need to search 5 MB for it.
    found = _WATERMARK.search(request[:4096])
    return found[1] if found else b""


@lru_cache(maxsize=4096)
def _transaction_response(entries: int, watermark: bytes) -> bytes:
    first = b'{"response":{"status":"200 OK","etag":"W/\\"1\\"","location":"%s/_history/1"}}' % watermark
    listed = b",".join([first, *[_ENTRY] * (entries - 1)] if watermark else [_ENTRY] * entries)
    entry = b',"entry":[%s]' % listed if listed else b""
    return _http(b"200 OK", b'{"resourceType":"Bundle","type":"transaction-response"%s}' % entry)


def _http(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def serve(port: int) -> None:
    """Serve until killed. Prints the port as its first line."""
    asyncio.run(_serve(port))


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(NullBook, "127.0.0.1", port)
    click.echo(server.sockets[0].getsockname()[1])
    await server.serve_forever()
