"""How gunicorn serves the application: https://gunicorn.org/reference/settings/"""

import logging
import sys
from pathlib import Path
from typing import Any, NoReturn

from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # ships no types

from ehr_sync.core.errors import Misconfigured, Unavailable
from ehr_sync.runtime.logs import SafeHandler
from ehr_sync.settings import Settings, from_environment


def _settings() -> Settings:
    try:
        return from_environment()
    except Misconfigured as error:
        _stop(error.code)


def _stop(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise SystemExit(2)


_given = _settings()

wsgi_app = "wsgi:app"
bind = _given.bind
workers = 2
worker_class = "ehr_sync.api.worker.Worker"
# Eight that submissions never take: citizens' reads and what watches us have them.
threads = _given.submissions_at_once + _given.submissions_waiting + 8
preload_app = False  # connections and locks are not to be shared between processes
timeout = 120
graceful_timeout = 30
keepalive = 75
forwarded_allow_ips = ""  # no header changes scheme, path or peer here: what our proxies say is read in api/peers.py
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
limit_request_line = 4094
limit_request_fields = 50
limit_request_field_size = 8190
control_socket_disable = True
# A heartbeat on a busy disk can stall a healthy worker; memory cannot.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
accesslog = None  # it would hold paths and queries: the application logs its own requests


class logger_class(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's log without what a request said: it quotes addresses when something fails."""

    def setup(self, cfg: Any) -> None:
        """gunicorn's."""
        super().setup(cfg)
        self.error_log.handlers = [SafeHandler()]
        self.error_log.setLevel(logging.INFO)
        # Past gunicorn's own wrappers, so that a line names the place that it comes from.
        for name in ("critical", "error", "warning", "info", "debug", "exception"):
            setattr(self, name, getattr(self.error_log, name))


def on_starting(server: Any) -> None:
    """Say in one sentence what keeps the service from starting, before anything is started."""
    if server.app.app_uri == wsgi_app:
        from ehr_sync.bootstrap import open_service, registry_of
        from ehr_sync.store.spool import own_folder

        try:
            service = open_service(_settings())
            registry_of(service)
            service.close()
            own_folder(_settings().spool_folder)
        except Misconfigured as error:
            _stop(error.code)
        except Unavailable as error:
            _stop(f"Start PostgreSQL, or mend EHR_SYNC_DSN and EHR_SYNC_KEY_DSN ({error.code}).")
