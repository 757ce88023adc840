"""What the platform tells and takes besides the vendor's API, under `/_platform/`: for tests, reports and benchmarks.

GET    /_platform/ledger[?requests=N]    counts of every request, and the latest N in full
DELETE /_platform/ledger                 start counting again
POST   /_platform/faults                 [{"method", "path", "fault", "times", "skip"}]: replaces the rules
POST   /_platform/expire-urls            every URL signed so far is answered with 403
GET    /_platform/jobs                   every Job: its status, its processing, whether a runner holds it
GET    /_platform/jobs/{id}/lines        what a Job has logged
POST   /_platform/jobs/{id}/take         a runner takes a PENDING Job
POST   /_platform/jobs/{id}/give-back    its process has ended; answers the Job's status
POST   /_platform/jobs/{id}/kill         as the button of the platform
POST   /_platform/jobs/{id}/run-again    likewise; only when no run is active
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from .faults import Rule
from .resources import job_run
from .resources.job import job_lines
from .wire import Reply, not_found, unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from .state import State
    from .store import Store

_JOB_ACTIONS: dict[str, Callable[[Store, str], str]] = {
    "take": job_run.take,
    "give-back": job_run.give_back,
    "kill": job_run.kill,
    "run-again": job_run.run_again,
}


async def control(state: State, request: Request) -> Reply:
    """Answer one request under `/_platform/`. Raises ApiError, or UsageError for a rule that is none."""
    match request.method, request.url.path.split("/")[2:]:
        case "GET", ["ledger"]:
            latest = request.query_params.get("requests", "0")
            return Reply.of_json(state.ledger.summary(int(latest) if latest.isdecimal() else 0))
        case "DELETE", ["ledger"]:
            state.ledger.clear()
            return Reply.nothing()
        case "POST", ["faults"]:
            state.faults.use(_rules(await request.body()))
            return Reply.nothing()
        case "POST", ["expire-urls"]:
            state.blobs.expire_urls()
            return Reply.nothing()
        case "GET", ["jobs"]:
            return Reply.of_json({"items": job_run.overview(state.store)})
        case "GET", ["jobs", job_id, "lines"]:
            return Reply.of_json({"items": job_lines(state.store, job_id)})
        case "POST", ["jobs", job_id, action] if action in _JOB_ACTIONS:
            with state.store.transaction():
                status = _JOB_ACTIONS[action](state.store, job_id)
            return Reply.of_json({"status": status})
        case method, _:
            raise not_found("endpoint", f"{method} {request.url.path}")


def _rules(body: bytes) -> list[Rule]:
    try:
        rules = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise unprocessable(f"faults: expected a JSON list of rules: {error}") from error
    if not isinstance(rules, list):
        raise unprocessable("faults: expected a list of rules")
    return [Rule.read(rule) for rule in rules]
