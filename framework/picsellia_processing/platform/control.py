"""What the platform tells and takes besides the vendor's API, under `/_platform/`: for tests, reports and benchmarks.

GET    /_platform/ledger[?requests=N]    counts of every request, and the latest N in full
DELETE /_platform/ledger                 start counting again
POST   /_platform/faults                 [{"method", "path", "fault", "times", "skip"}]: replaces the rules
POST   /_platform/expire-urls            every URL signed so far is answered with 403
GET    /_platform/jobs/{id}/lines        what a Job has logged
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from .faults import Rule
from .resources.job import job_lines
from .wire import Reply, not_found, unprocessable

if TYPE_CHECKING:
    from starlette.requests import Request

    from .state import State


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
        case "GET", ["jobs", job_id, "lines"]:
            return Reply.of_json({"items": job_lines(state.store, job_id)})
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
