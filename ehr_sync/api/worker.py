"""gunicorn's worker with threads, of which no caller holds one by being slow.

gunicorn gives a thread to each connection that is accepted, waits in it for heads and for the rest of bodies that
nobody reads, and closes connections in the loop that accepts them. Here the loop collects heads and small bodies, and
drops what a refused caller still sends; a thread is taken for a request that has come. decisions/030.
"""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any, Final

from gunicorn.http import errors  # type: ignore[import-untyped]  # ships no types
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]  # ships no types

from ehr_sync.api import raw_problems
from ehr_sync.api.arriving import SMALL_BODY_BYTES, Arriving
from ehr_sync.api.connection import PACE, REFUSED, SILENCE_SECONDS, Pace, Slowest
from ehr_sync.api.peers import is_trusted
from ehr_sync.core.addresses import networks
from ehr_sync.core.tally import Counts
from ehr_sync.settings import from_environment

_LINGER_SECONDS: Final = 10.0
_STOPPING_SECONDS: Final = 2.0
_SWEEP_SECONDS: Final = 0.25
_BLOCK_BYTES: Final = 65_536
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

# What gunicorn's parser says → the problem told. What it quotes is told to nobody.
_PROBLEMS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (errors.LimitRequestLine, "request.address_too_long"),
    (errors.LimitRequestHeaders, "request.head_too_large"),
    (errors.UnsupportedTransferCoding, "request.transfer_coding"),
    (errors.ExpectationFailed, "request.expectation"),
    (errors.InvalidResponseHeader, "internal"),
    (errors.InvalidResponseHeaderName, "internal"),
    (errors.ConfigurationProblem, "not_found"),
    (errors.ParseException, "request.bad"),
    (errors.InvalidProxyHeader, "request.bad"),
)


class Connection(TConn):  # type: ignore[misc]  # gunicorn ships no types
    """A connection, what has come on it, and until when it may stay as it is."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any, pace: Pace) -> None:
        super().__init__(cfg, sock, client, server)
        self.pace = pace
        self.data_ready = True  # nothing is handed to a thread before it has come
        self.arriving = Arriving(bytearray())
        self.until = 0.0
        self.lingers = False
        self.told_to_continue = False

    @property
    def peer(self) -> str:
        """The address at the other end; empty for a socket of this machine's files."""
        return str(self.client[0]) if isinstance(self.client, tuple) else ""

    def hand_over(self) -> None:
        """What has come is the parser's. Called in the request's thread."""
        self.init()
        self.parser.unreader = self.pace
        self.pace.unread(bytes(self.arriving.got))
        self.arriving = Arriving(bytearray())


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """The worker. Its limits are settings: gunicorn.conf.py names the class alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings = from_environment()
        self._public_url = self._settings.public_url.rstrip("/")
        self._slowest = Slowest(self._settings.body_bytes_per_second, self._settings.body_seconds)
        self._trusted = networks(self._settings.trusted_proxies)
        self._held: dict[str, dict[Connection, None]] = {}  # by peer, longest held first: no thread has them
        self._order: dict[Connection, None] = {}
        self._serving = threading.local()
        self._swept_at = 0.0
        self.refused = Counts()

    # In the loop that accepts: nothing here may wait.

    def accept(self, listener: socket.socket) -> None:
        """Take a connection, and wait in the loop for its head. Where too many wait, whoever did so longest goes."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                self._make_room(self._order)
            elif error.errno not in {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED}:
                raise
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, sock, client, listener.getsockname(), Pace(sock, self._slowest))
        own = self._held.get(conn.peer, {})
        if len(own) >= self._settings.peer_connections and not is_trusted(conn.peer, self._trusted):
            self._make_room(own)
        elif self.nr_conns >= self.worker_connections:
            self._make_room(self._order)
        self._hold(conn, self._settings.head_seconds)

    def finish_request(self, conn: Connection, future: Future[object]) -> None:
        """After a request: wait for the next one, or drop what still comes for a while (RFC 9112 section 9.6).

        A caller that sends all before it reads would otherwise see a reset connection instead of a 401 or 413.
        """
        try:
            self._go_on(conn, keep=not future.cancelled() and future.exception() is None and bool(future.result()))
        except (OSError, ValueError):  # it was closed already
            self.nr_conns -= 1
            conn.close()

    def _go_on(self, conn: Connection, *, keep: bool) -> None:
        if not keep:
            self._linger(conn)
            return
        conn.pace.begin()
        conn.arriving = Arriving(bytearray(conn.pace.take_buffered()))
        if conn.arriving.got:  # the next request was sent already
            self._hold(conn, self._settings.head_seconds)
            self._look(conn)
        else:
            self._hold(conn, float(self.cfg.keepalive) if self.alive else _STOPPING_SECONDS)

    def _hold(self, conn: Connection, seconds: float) -> None:
        conn.sock.setblocking(False)
        conn.until = time.monotonic() + seconds
        self._order[conn] = None
        self._held.setdefault(conn.peer, {})[conn] = None
        self.poller.register(conn.sock, EVENT_READ, partial(self._read, conn))

    def _let_go(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        del self._order[conn]
        own = self._held[conn.peer]
        del own[conn]
        if not own:
            del self._held[conn.peer]

    def _read(self, conn: Connection, _sock: object) -> None:
        if conn not in self._order:  # closed in this round of the loop, to make room for another
            return
        try:
            block = conn.sock.recv(_BLOCK_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            block = b""
        if conn.lingers:
            if not block:
                self._close(conn)
            return
        if not conn.arriving.got:  # a head has a total time, from its first byte on
            conn.until = min(conn.until, time.monotonic() + self._settings.head_seconds)
        conn.arriving.got += block
        if block:
            self._look(conn)
        elif conn.arriving.body_at:
            self._serve(conn)  # whoever waits for it hears that it was cut off
        else:
            self._close(conn)

    def _look(self, conn: Connection) -> None:
        body_was_at = conn.arriving.body_at
        match conn.arriving.stage():
            case "whole":
                self._serve(conn)
            case "too_large":
                self._refuse(conn, "request.head_too_large")
            case "body" if not body_was_at:
                conn.until = time.monotonic() + self._slowest.allowed(conn.arriving.expected)
                if conn.arriving.expects_continue:
                    conn.told_to_continue = True
                    self._say(conn, _CONTINUE)

    def _serve(self, conn: Connection) -> None:
        self._let_go(conn)
        self.enqueue_req(conn)

    def _refuse(self, conn: Connection, code: str) -> None:
        self.refused.add(code)
        self._say(conn, raw_problems.problem(code, self._public_url))
        self._let_go(conn)
        self._linger(conn)

    def _linger(self, conn: Connection) -> None:
        conn.lingers = True
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        self._hold(conn, _LINGER_SECONDS if self.alive else _STOPPING_SECONDS)

    def _close(self, conn: Connection) -> None:
        self._let_go(conn)
        self.nr_conns -= 1
        conn.close()

    def _make_room(self, among: dict[Connection, None]) -> None:
        if among:
            self.refused.add("connection.too_many")
            self._close(next(iter(among)))

    @staticmethod
    def _say(conn: Connection, said: bytes) -> None:
        with suppress(OSError):  # a few hundred bytes on a connection on which nothing was said before
            conn.sock.send(said)

    def murder_keepalived(self, force: bool = False) -> None:
        """End what has waited for too long; all that waits if `force`."""
        now = time.monotonic()
        if not force and now - self._swept_at < _SWEEP_SECONDS:
            return
        self._swept_at = now
        for conn in [conn for conn in self._order if force or conn.until < now]:
            if force or conn.lingers or not conn.arriving.got:
                self._close(conn)
            elif conn.arriving.body_at:
                conn.pace.too_slow = True
                self._serve(conn)
            else:
                self._refuse(conn, "request.too_slow")

    def murder_pending(self) -> None:
        """Nothing: connections that wait are all held alike."""

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in self._order:
            conn.until = min(conn.until, deadline)

    # In the thread of a request.

    def handle(self, conn: Connection) -> object:
        """gunicorn's, on what has come already."""
        conn.hand_over()
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Connection) -> object:
        """gunicorn's, for `load_wsgi` to know the request and its connection."""
        self._serving.now = req, conn
        if conn.told_to_continue:
            req._expected_100_continue = conn.told_to_continue = False  # told once already
        conn.sock.settimeout(SILENCE_SECONDS)
        return super().handle_request(req, conn)

    def load_wsgi(self) -> None:
        """The application, told how its bodies come, and asked to close where it left a body unread."""
        super().load_wsgi()
        application: Callable[..., Iterable[bytes]] = self.app.wsgi()

        def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            req, conn = self._serving.now
            environ[PACE], environ[REFUSED] = conn.pace, self.refused

            def start(*told: Any) -> Any:
                if not _is_read(req, conn.pace):
                    req.force_close()  # where the next request begins is not known, and nobody waits to learn it
                return start_response(*told)

            return application(environ, start)

        self.wsgi = serve

    def _keepalive_after(self, _conn: Connection, keepalive: object) -> bool:
        return bool(keepalive)  # a body that was left unread has closed it already

    def handle_error(self, _req: object, client: socket.socket, _addr: object, exc: Exception) -> None:
        """A small problem that quotes nothing, instead of gunicorn's page."""
        code = next((code for kind, code in _PROBLEMS if isinstance(exc, kind)), "internal")
        if code == "internal":
            self.log.exception("Error handling request")
        self.refused.add(code)
        with suppress(OSError):
            client.send(raw_problems.problem(code, self._public_url))


def _is_read(req: Any, pace: Pace) -> bool:
    """Whether the body was read, or its rest is here already."""
    if req.body.failed:
        return False
    try:
        with pace.only_what_is_here():
            return not req.body.read(SMALL_BODY_BYTES) or not req.body.read(1)
    except Exception:  # not here yet, or malformed: either way the connection ends
        return False
