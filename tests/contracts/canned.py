"""A server that answers with whatever bytes a test gives it, however slowly."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from threading import Event, Thread


class Canned:
    """Each of `answers` is sent raw when a whole request has come in, the last one again and again; after it `drip`,
    with `pause` seconds before each of its bytes. While `deaf` is set nothing is read.
    """

    def __init__(self, listening: socket.socket, scheme: str) -> None:
        self.answers: list[bytes] = []
        self.drip = b""
        self.pause = 0.1
        self.deaf = Event()
        self.requests: list[bytes] = []
        self.connections = 0
        self._open: socket.socket | None = None
        self._listening = listening
        self.url = f"{scheme}://localhost:{listening.getsockname()[1]}"

    @staticmethod
    def http(status: int, body: bytes, *headers: str) -> bytes:
        """An HTTP answer, written out."""
        lines = [f"HTTP/1.1 {status} Canned", f"Content-Length: {len(body)}", *headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def serve(self) -> None:
        """Answer until the socket is closed."""
        while self._listening.fileno() >= 0:
            # A client that does not trust the certificate, or that hangs up, is part of the tests.
            with suppress(OSError):
                connection, _ = self._listening.accept()
                self.connections, self._open = self.connections + 1, connection
                connection.settimeout(5)
                with connection, connection.makefile("rb") as incoming:
                    self._converse(connection, incoming)

    def hang_up(self) -> None:
        """Take no more connections, and end the one that is open."""
        self.deaf.clear()
        for open_socket in filter(None, (self._listening, self._open)):
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _converse(self, connection: socket.socket, incoming: BufferedReader) -> None:
        while self.deaf.is_set():
            time.sleep(0.01)
        while request := _whole(incoming):
            self.requests.append(request)
            connection.sendall(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
            for byte in self.drip:
                time.sleep(self.pause)
                connection.sendall(bytes((byte,)))


def _whole(incoming: BufferedReader) -> bytes:
    # Up to the empty line, or to the end where the client hangs up.
    head = b""
    while (line := incoming.readline()).strip():
        head += line
    lengths = [line.split(b":")[1] for line in head.splitlines() if line.lower().startswith(b"content-length:")]
    return head + incoming.read(int(lengths[0])) if lengths else head


@contextmanager
def canned_server(context: ssl.SSLContext | None = None) -> Iterator[Canned]:
    """A canned server on a loopback port, with TLS where a context is given."""
    with socket.create_server(("127.0.0.1", 0)) as plain:
        listening = context.wrap_socket(plain, server_side=True) if context else plain
        server = Canned(listening, "https" if context else "http")
        thread = Thread(target=server.serve, daemon=True)
        thread.start()
        yield server
        server.hang_up()
        thread.join(timeout=5)
