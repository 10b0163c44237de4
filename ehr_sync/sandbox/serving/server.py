"""The HTTP side of a sandbox server: real sockets, keep-alive, answers that drip or never come.

The standard library's server, because a WSGI server hides the socket that a fault must close in mid-answer.
"""

from __future__ import annotations

import os
import sys
import time
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from threading import Thread
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import click
import orjson

from ehr_sync.sandbox.serving.exchange import Answer, Application, Request, json_answer
from ehr_sync.sandbox.serving.faults import Faults, with_faults
from ehr_sync.sandbox.serving.storage import Storage

_LARGEST_BODY: Final = 200_000_000


class SandboxServer(ThreadingHTTPServer):
    """A thread per connection; connections are kept alive."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, port: int, application: Application) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.application = application

    def server_bind(self) -> None:
        """As the base class, without its look-up of the host's name, which can take seconds."""
        TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away in mid-answer are no error here: tests make them do so."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # the stub wants a socket


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SandboxServer

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY or "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.close_connection = True
            self._send(Answer(413))
            return
        self._send(self.server.application(self._request(self.rfile.read(length))))

    do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """The journal tells what happened."""

    def _request(self, body: bytes) -> Request:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, url.path, dict(parse_qsl(url.query)), headers, body)

    def _send(self, answer: Answer) -> None:
        if answer.wait:
            time.sleep(answer.wait)
        if answer.dropped:
            self.close_connection = True
            return
        raw = _head(answer) + answer.body
        if not answer.drip:
            self.wfile.write(raw)
            return
        for byte in raw:
            self.wfile.write(bytes((byte,)))
            time.sleep(answer.drip)


def _head(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", f"Content-Length: {len(answer.body)}"]
    lines.append(f"Date: {formatdate(usegmt=True)}")
    if answer.body:
        lines.append(f"Content-Type: {answer.content_type}")
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Status"


def with_control(application: Application, faults: Faults, storage: Storage) -> Application:
    """The application behind its faults, beside the calls that steer and watch the sandbox (`/_…`)."""
    faulty = with_faults(application, faults, storage)

    def handle(request: Request) -> Answer:
        match (request.method, request.path):
            case ("GET", "/_ready"):
                return json_answer({"ready": True})
            case ("GET", "/_journal"):
                after, bodies = int(request.query.get("after", 0)), request.query.get("bodies") == "1"
                return Answer(body=storage.journal(after, bodies=bodies), content_type="application/x-ndjson")
            case ("POST", "/_faults"):
                return _order(request, faults)
            case ("DELETE", "/_faults"):
                faults.clear()
                return Answer(204)
        return faulty(request)

    return handle


def _order(request: Request, faults: Faults) -> Answer:
    try:
        faults.order(orjson.loads(request.body))
    except (ValueError, KeyError, TypeError):
        return json_answer({"error": "no such fault"}, 400)
    return Answer(204)


def serve(application: Application, *, port: int, storage: Storage) -> None:
    """Serve until killed. Prints the port as its first line, then nothing."""
    try:
        server = SandboxServer(port, with_control(application, Faults(), storage))
    except OSError:
        raise click.UsageError(f"Choose another --port: {port} is taken.") from None
    click.echo(server.server_address[1])
    server.serve_forever(poll_interval=60)


def end_with_parent(wanted: bool) -> None:
    """End this process when its standard input closes: a killed owner leaves nothing behind."""
    if wanted:
        Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


def arguments(command: click.decorators.FC) -> click.decorators.FC:
    """The options that every sandbox server has."""
    for option in (
        click.option("--end-with-parent", "tied", is_flag=True, help="End when standard input closes."),
        click.option("--folder", type=click.Path(path_type=Path), required=True, help="Where it keeps its files."),
        click.option("--port", type=int, default=0, help="Port on 127.0.0.1; 0 takes a free one."),
    ):
        command = option(command)
    return command
