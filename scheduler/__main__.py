"""python -m scheduler: verify claims, deliver changes, keep the timetable, until told to stop. Any number at once."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

from ehr_sync import settings as environment
from ehr_sync.bootstrap import audit_checkpoints, book_watch, delivery, open_service_when_up, tries_watch, verification
from ehr_sync.core import anchor
from ehr_sync.core.errors import Misconfigured, Unavailable, Unfit
from ehr_sync.runtime.logs import Log, fault, quiet_libraries
from ehr_sync.usecases.sweep import Sweep
from scheduler.timetable import Job, timetable

_AFTER_A_FAULT_SECONDS = 1.0
_LOOK_AT_CLOCK_SECONDS = 1.0


def main() -> int:
    """Run until SIGTERM or SIGINT; what is under way is settled first. Returns the exit code."""
    try:
        service = open_service_when_up(environment.from_environment())
    except Misconfigured as error:
        print(error.code, file=sys.stderr)  # the one sentence that says what to do
        return 2
    except Unavailable:
        print("Start PostgreSQL, or mend EHR_SYNC_DSN and EHR_SYNC_KEY_DSN: they lead to no database.", file=sys.stderr)
        return 2
    log, pause = service.log, service.settings.sweep_seconds
    quiet_libraries()
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    try:
        checkpoint, verify = audit_checkpoints(service), verification(service)
    except Misconfigured as error:
        print(error.code, file=sys.stderr)
        service.close()
        return 2
    jobs = timetable(service.stores, service.uris, book_watch(service), checkpoint, tries_watch(service))
    clock = _start_timetable(jobs, log)
    sweeps: tuple[tuple[str, Sweep[Any, Any]], ...] = (
        ("verify", verify),
        ("deliver", delivery(service)),
    )
    loops = [threading.Thread(target=_loop, args=(name, sweep, pause, stop, log), name=name) for name, sweep in sweeps]
    for loop in loops:
        loop.start()
    log.info("scheduler_started")
    _wait(stop, clock, jobs)
    clock.shutdown(wait=False)
    for loop in loops:
        loop.join()
    service.close()
    log.info("scheduler_stopped")
    return 0


def _wait(stop: threading.Event, clock: BackgroundScheduler, jobs: Sequence[Job]) -> None:
    """Until told to stop. APScheduler goes by the host's clock: set back by a day, it would sleep for a day (P12)."""
    before = time.time()
    while not stop.wait(_LOOK_AT_CLOCK_SECONDS):
        now = time.time()
        if now < before:
            for job in jobs:
                clock.reschedule_job(job.name, trigger="interval", seconds=job.every_seconds)
        before = now


def _start_timetable(jobs: Sequence[Job], log: Log) -> BackgroundScheduler:
    clock = BackgroundScheduler(timezone="UTC")
    for job in jobs:
        clock.add_job(_run, "interval", args=(job, log), seconds=job.every_seconds, id=job.name, max_instances=1)
    clock.start()
    return clock


def _run(job: Job, log: Log) -> None:
    try:
        job.run()
        _tell_anchor(job.name, log)
    except Unfit as error:
        log.error("edge_unfit", sweep=job.name, code=error.code, edge=error.edge)
    except Unavailable as error:
        log.warning("job_postponed", sweep=job.name, code=error.code)
    except Exception as error:
        log.error("job_failed", sweep=job.name, **fault(error))


def _loop(name: str, sweep: Sweep[Any, Any], pause: float, stop: threading.Event, log: Log) -> None:
    while not stop.is_set():
        try:
            done = sweep.step(pause)
            _tell_anchor(name, log)
        except Unfit as error:
            # Its own item is put off; nobody else's waits for it.
            log.error("edge_unfit", sweep=name, code=error.code, edge=error.edge)
            continue
        except Unavailable as error:
            log.warning("sweep_postponed", sweep=name, code=error.code)
            stop.wait(_AFTER_A_FAULT_SECONDS)
            continue
        except Exception as error:
            # A fault of ours: said, and the sweep goes on; what it held is asked about when its lease has run out.
            log.error("sweep_failed", sweep=name, **fault(error))
            stop.wait(_AFTER_A_FAULT_SECONDS)
            continue
        if not done:
            stop.wait(pause)
    _drain(name, sweep, log)


def _tell_anchor(name: str, log: Log) -> None:
    """What was written into the audit log is told where whoever owns the database cannot take it back (P10)."""
    audited = anchor.take()
    if audited is not None:
        log.info("audited", sweep=name, audit=str(audited))


def _drain(name: str, sweep: Sweep[Any, Any], log: Log) -> None:
    try:
        sweep.drain()
    except Exception as error:
        log.error("sweep_failed", sweep=name, **fault(error))


if __name__ == "__main__":
    sys.exit(main())
