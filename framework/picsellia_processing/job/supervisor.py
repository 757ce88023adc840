"""The parent process of a Job: it alone owns the Job's status, its log and its report.

It holds no code of the author. The worker is spawned first and imports while the Job is opened on the platform; what
it prints and says is read by one thread, and every call to the platform is made in another, so that the main thread
only ever waits for the next thing to happen, and nothing slow keeps it from reporting how the Job ended.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from picsellia_processing.errors import ExitCode, UsageError
from picsellia_processing.job.channel import Chapter, Finished, Progress, Start
from picsellia_processing.job.console import Console
from picsellia_processing.job.happenings import Called, Exited, Happenings, NotOpened, Opened, Signalled, WorkDone
from picsellia_processing.job.logs import LogBook
from picsellia_processing.job.outcome import Account, Ending, Outcome, judge, to_report
from picsellia_processing.job.output import OutputLines
from picsellia_processing.job.process import WORKER, WorkerProcess
from picsellia_processing.job.pump import Pump
from picsellia_processing.job.redaction import redact, secrets_of
from picsellia_processing.job.report import write
from picsellia_processing.sdk.environment import read_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from picsellia_processing.job.channel import Event
    from picsellia_processing.job.logs import Batch
    from picsellia_processing.job.output import Line
    from picsellia_processing.sdk.environment import Environment
    from picsellia_processing.sdk.reporting import RunningJob

LOG_FILE = "log.txt"
REPORT_FILE = "report.json"

# The platform's runner kills a container 10 s after SIGTERM: by then the Job is FAILED and its log is sent.
STOP_SECONDS = 7.0
END_SECONDS = 9.0
UNOPENED_STOP_SECONDS = 2.0
LINGER_SECONDS = 60.0
GRACE_SECONDS = 0.3
DRAIN_SECONDS = 5.0
LAST_CALLS_SECONDS = 240.0


def supervise(target: str, *, out: Path | None, environ: Mapping[str, str], worker: Sequence[str] = WORKER) -> int:
    """Run the Job that `environ` names with the processing `target`, and return the exit code of the container.

    The worker is the command `worker`. In the folder `out`, which is made if need be, are left `report.json`, `log.txt`
    and what the worker writes there. Only for the main thread: SIGTERM and SIGINT end the Job while this runs.

    Raises:
        JobError: `environ` names no Job, there is no such Job, or it cannot be run any more.
        PlatformError: the platform cannot be reached.
        UsageError: `out` cannot be made.
    """
    environment = read_environment(environ)
    happenings = Happenings()
    with happenings.signals(), tempfile.TemporaryDirectory(prefix="pxp-") as scratch:
        folder = _made(out) if out else Path(scratch)
        process = WorkerProcess(worker, environ)
        supervisor = _Supervisor(environment, process, folder, secrets_of(environ), happenings)
        return supervisor.run(Start(target, str(folder) if out else None))


class _Supervisor:
    """One Job, from its opening to its report."""

    def __init__(
        self,
        environment: Environment,
        process: WorkerProcess,
        folder: Path,
        secrets: tuple[str, ...],
        happenings: Happenings,
    ) -> None:
        self._environment = environment
        self._process = process
        self._folder = folder
        self._secrets = secrets
        self._happenings = happenings
        self._console = Console(sys.stdout)
        self._log = LogBook(folder / LOG_FILE, self._console)
        self._account = Account(secrets)
        self._last_line = ""
        self._job: RunningJob | None = None
        self._not_opened: Exception | None = None
        self._status: int | None = None
        self._asked: signal.Signals | None = None
        self._killed: str | None = None
        self._kill: tuple[float, str] | None = None
        self._end_at: float | None = None

    def run(self, start: Start) -> int:
        started = time.monotonic()
        pump = self._pump()
        threading.Thread(target=self._await_exit, name="exit", daemon=True).start()
        threading.Thread(target=self._open, name="open", daemon=True).start()
        self._watch(start)
        self._drain(pump)
        outcome = self._outcome()
        self._write_report(outcome, time.monotonic() - started)
        if self._not_opened is not None:
            self._log.close(patience=0)
            self._console.close()
            raise self._not_opened
        self._log_outcome(outcome)
        code = self._last_calls(self._job, outcome) if self._job else self._without_job(outcome)
        self._console.close()
        return code

    # In the threads

    def _pump(self) -> Pump:
        lines = OutputLines(self._redact, overlap=max(map(len, self._secrets), default=0))
        process = self._process
        pump = Pump(process.output, process.events, lines=lines, on_line=self._take_line, on_event=self._take_event)
        pump.start()
        return pump

    def _take_line(self, line: Line) -> None:
        if not line.settled:
            self._log.update(line.text)
            return
        self._log.line(line.text)
        self._last_line = line.text or self._last_line

    def _take_event(self, event: Event) -> None:
        match event:
            case Chapter():
                self._log.chapter(self._redact(event.name))
            case Progress():
                self._log.progress(event.done, event.total, self._redact(event.text))
            case _:
                self._account.take(event)
        if isinstance(event, Finished):
            self._happenings.put(WorkDone())

    def _await_exit(self) -> None:
        self._happenings.put(Exited(self._process.wait()))

    def _open(self) -> None:
        try:
            from picsellia_processing.sdk.reporting import open_job  # noqa: PLC0415 - the worker starts meanwhile

            self._happenings.put(Opened(open_job(self._environment)))
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self._happenings.put(NotOpened(error))

    def _redact(self, text: str) -> str:
        return redact(text, self._secrets)

    # While the worker runs

    def _watch(self, start: Start) -> None:
        """Until the worker has ended, and the Job is opened or cannot be."""
        while self._status is None or (self._job is None and self._not_opened is None):
            match self._happenings.next(self._kill[0] if self._kill else self._end_at):
                case Opened(job):
                    self._job = job
                    self._log.attach(lambda batch: _send(job, batch))
                    if self._asked is None:
                        self._process.commands.send(start)
                case NotOpened(error):
                    self._not_opened = error
                    self._stop(signal.SIGTERM, UNOPENED_STOP_SECONDS, "the worker was not needed")
                case Exited(status):
                    self._status = status
                    self._kill = None
                case WorkDone():
                    self._kill_in(
                        LINGER_SECONDS, f"the worker had not ended {LINGER_SECONDS:g} s after its work was done"
                    )
                case Signalled(number):
                    self._end(number)
                case None if self._kill:
                    _, self._killed = self._kill
                    self._kill = None
                    self._process.kill()
                case None:
                    return

    def _end(self, number: signal.Signals) -> None:
        if self._asked is None:
            self._asked = number
            self._end_at = time.monotonic() + END_SECONDS
            self._log.line(f"{number.name}: the Job is asked to end")
            self._stop(number, STOP_SECONDS, f"the worker had not ended {STOP_SECONDS:g} s after {number.name}")
        elif number is signal.SIGINT:
            self._kill_in(0.0, "the worker was interrupted twice")

    def _stop(self, number: signal.Signals, seconds: float, otherwise: str) -> None:
        if self._status is None:
            self._process.stop(number)
            self._kill_in(seconds, otherwise)

    def _kill_in(self, seconds: float, reason: str) -> None:
        at = time.monotonic() + seconds
        if self._status is None and (self._kill is None or at < self._kill[0]):
            self._kill = at, reason

    # How it ends

    def _drain(self, pump: Pump) -> None:
        """Read what is left in the pipes, and end the processes that the worker left behind, which may hold them."""
        pump.finish()
        pump.join(GRACE_SECONDS)
        self._process.kill()
        pump.join(DRAIN_SECONDS if self._end_at is None else max(0.0, self._end_at - time.monotonic()) / 2)
        self._process.commands.close()

    def _outcome(self) -> Outcome:
        if self._not_opened is not None:
            return Outcome("failed", ExitCode.FAILED, self._redact(str(self._not_opened)))
        status = -signal.SIGKILL if self._status is None else self._status
        return judge(self._account, Ending(status, self._last_line, self._asked, self._killed))

    def _write_report(self, outcome: Outcome, seconds: float) -> None:
        report = to_report(self._account, outcome, job_id=self._environment.job_id, seconds=seconds)
        try:
            write(report, self._folder / REPORT_FILE)
        except OSError as error:
            self._log.line(f"{REPORT_FILE} cannot be written: {error}")

    def _log_outcome(self, outcome: Outcome) -> None:
        self._log.settle()
        if outcome.status == "succeeded":
            self._log.line("The Job succeeded.")
            return
        verb = "failed" if outcome.status == "failed" else "was terminated"
        for line in f"The Job {verb}: {outcome.reason}\n{outcome.traceback}".rstrip().splitlines():
            self._log.line(line)

    def _without_job(self, outcome: Outcome) -> int:
        self._log.close(patience=0)
        self._console.line(
            f"The Job {self._environment.job_id} was not found in time and could not be marked as FAILED."
        )
        return outcome.exit_code

    def _last_calls(self, job: RunningJob, outcome: Outcome) -> int:
        """Send what is left of the log, then report the status and store the log, whatever the platform does."""
        self._end_at = self._end_at or time.monotonic() + LAST_CALLS_SECONDS
        call = self._happenings.call
        sending = call("sending the log", lambda: self._log.close(patience=LAST_CALLS_SECONDS))
        self._await_calls({sending}, share=1 / 3)
        marking = call("reporting the status", lambda: job.end(succeeded=outcome.status == "succeeded"))
        storing = call("storing the log", lambda: job.store_log(self._folder / LOG_FILE))
        failed = self._await_calls({marking, storing}, share=1)
        return outcome.exit_code or (ExitCode.PLATFORM if marking in failed else ExitCode.OK)

    def _await_calls(self, calls: set[str], *, share: float) -> set[str]:
        """Wait for `calls`, for at most `share` of the time left. Returns those that failed or were given up."""
        began = time.monotonic()
        waiting, failed = set(calls), set()
        while waiting:
            end_at = self._end_at or began
            match self._happenings.next(began + (end_at - began) * share):
                case Called(doing, error):
                    waiting.discard(doing)
                    if error is not None:
                        failed.add(doing)
                        self._console.line(f"{doing}: {self._redact(str(error))}")
                case Signalled():
                    self._end_at = min(end_at, time.monotonic() + END_SECONDS)
                case None:
                    break
        for doing in waiting:
            self._console.line(f"{doing}: given up, the platform did not answer in time")
        return failed | waiting


def _send(job: RunningJob, batch: Batch) -> bool:
    return job.send_log(batch.lines, first=batch.first, part=batch.part, final=batch.final)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder} cannot be made: {error.strerror}") from error
    return folder.resolve()
