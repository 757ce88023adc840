"""How a Job ended: what the worker said and how its process ended, made into one verdict and one report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from picsellia_processing.errors import ExitCode
from picsellia_processing.job.channel import Failed, Failure, Finished, Snapshot
from picsellia_processing.job.process import describe_exit
from picsellia_processing.job.redaction import redact_all
from picsellia_processing.job.report import Report

if TYPE_CHECKING:
    import signal

    from picsellia_processing.job.channel import Event

MOST_FAILURES = 10_000


@dataclass(slots=True)
class Account:
    """What the worker said about its work, without what is secret. Of its failures, the first `MOST_FAILURES`."""

    secrets: tuple[str, ...]
    snapshot: dict[str, Any] = field(default_factory=dict)
    failures: list[dict[str, str]] = field(default_factory=list)
    failed: Failed | None = None
    finished: bool = False

    def take(self, event: Event) -> None:
        """Write down one event."""
        match event:
            case Snapshot():
                self.snapshot = redact_all(event.report, self.secrets)
            case Failure() if len(self.failures) < MOST_FAILURES:
                said = {"asset": event.asset, "asset_id": event.asset_id, "stage": event.stage, "reason": event.reason}
                self.failures.append(redact_all(said, self.secrets))
            case Failed():
                self.failed = Failed(
                    redact_all(event.reason, self.secrets), redact_all(event.traceback, self.secrets), event.exit_code
                )
            case Finished():
                self.finished = True


@dataclass(frozen=True, slots=True)
class Ending:
    """How the worker's process ended: its exit status (negative: a signal), its last line of output, and why.

    `asked` is the signal that asked the Job to end. `killed` says what the worker had not done in time, when it was
    killed for that.
    """

    status: int
    last_line: str = ""
    asked: signal.Signals | None = None
    killed: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict: the Job SUCCEEDED only for "succeeded"; `reason` is then None."""

    status: Literal["succeeded", "failed", "terminated"]
    exit_code: int
    reason: str | None = None
    traceback: str = ""


def judge(account: Account, ending: Ending) -> Outcome:
    """The outcome of a Job. It succeeded if the worker said that all was done and then ended with exit status 0."""
    if ending.status == 0 and account.finished and account.failed is None:
        return Outcome("succeeded", ExitCode.OK)
    said = account.failed
    traceback = said.traceback if said else ""
    if ending.asked is not None if said is None else said.exit_code == ExitCode.TERMINATED:
        return Outcome("terminated", ExitCode.TERMINATED, _reason(account, ending), traceback)
    return Outcome("failed", _exit_code(said), _reason(account, ending), traceback)


def to_report(account: Account, outcome: Outcome, *, job_id: str, seconds: float) -> Report:
    """The report of a Job that ended. What the worker said and no report can hold is left out."""
    verdict = {"status": outcome.status, "reason": outcome.reason}
    known = {"job_id": job_id, "seconds": seconds} | account.snapshot
    try:
        return Report.model_validate(known | verdict | {"failures": account.failures})
    except ValidationError:
        return Report.model_validate(verdict | {"job_id": job_id, "seconds": seconds, "failures": account.failures})


def _reason(account: Account, ending: Ending) -> str:
    ended = describe_exit(ending.status)
    if account.failed is not None:
        asked = ending.asked if account.failed.exit_code == ExitCode.TERMINATED else None
        return f"{asked.name}: {account.failed.reason}" if asked else account.failed.reason
    if ending.killed is not None:
        return f"{ending.killed} and was killed"
    if ending.asked is not None:
        more = "" if ending.status == -ending.asked else f" (the worker {ended})"
        return f"ended by {ending.asked.name} before all work was done{more}"
    if account.finished:
        return f"all work was done, but then the worker {ended}"
    if ending.status == 0:
        return f"the worker {ended} before its work was done: was os._exit or sys.exit called?"
    last = f'; the last line it printed: "{ending.last_line[:500]}"' if ending.last_line else ""
    return f"the worker {ended}{last}"


def _exit_code(failed: Failed | None) -> int:
    if failed is not None and failed.exit_code in {code.value for code in ExitCode if code}:
        return failed.exit_code
    return ExitCode.FAILED
