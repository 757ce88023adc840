"""Jobs: the runs of processings (version 2), and the platform's own work such as adding data (version 1).

What a processing finds in its Job differs between the vendor's own readers, so every generation is there at once:

    docs        datasetversionprocessingjob                                (dataset versions only)
    per-target  dataset_version_ / datalake_ / model_version_processing_job
    unified     processing_job
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from picsellia_processing.platform.options import ALL_GENERATIONS
from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import from_json, new_id, now, to_json
from picsellia_processing.platform.wire import conflict, kind_of, not_found, unprocessable

from .job_run import ENDED, JOBS, begin_run, runs_of, set_status
from .organization import check_organization

if TYPE_CHECKING:
    from picsellia_processing.platform.state import State
    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call, Handler

SCHEMA = """
CREATE TABLE IF NOT EXISTS job (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL, type TEXT, target TEXT NOT NULL,
    launch TEXT NOT NULL, payload_object_id TEXT, logging_object_name TEXT, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS job_line (
    job_id TEXT NOT NULL, line_nb INTEGER NOT NULL, part TEXT, log TEXT NOT NULL, special TEXT NOT NULL,
    final INTEGER NOT NULL, PRIMARY KEY (job_id, line_nb)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS platform_job (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, polls_left INTEGER NOT NULL);
"""


def create_job(
    store: Store, job_id: str, type_: str | None, target: str, launch: dict[str, Any], payload_object_id: str | None
) -> None:
    """A Job of version 2, PENDING. `launch` is what it was launched with."""
    time = now()
    store.write(
        "INSERT INTO job (id, status, type, target, launch, payload_object_id, created_at, updated_at)"
        " VALUES (?, 'PENDING', ?, ?, ?, ?, ?, ?)",
        job_id, type_, target, to_json(launch), payload_object_id, time, time,
    )  # fmt: skip
    begin_run(store, job_id)


def create_platform_job(state: State) -> dict[str, Any]:
    """A version 1 Job for work that is done already; it says so after `job_polls` polls."""
    identifier = new_id()
    state.store.write("INSERT INTO platform_job (id, polls_left) VALUES (?, ?)", identifier, state.options.job_polls)
    return {"id": identifier, "status": "RUNNING" if state.options.job_polls else "SUCCESS"}


def job_item(state: State, row: Row) -> dict[str, Any]:
    """The Job of a row, with its payload in the generations that the platform is set to."""
    launch = orjson.loads(row["launch"])
    url = None
    if row["payload_object_id"] is not None:
        url = state.blobs.sign("GET", row["payload_object_id"], "payload.json")
    return {
        "id": row["id"],
        "status": row["status"],
        "type": row["type"],
        "logging_object_name": row["logging_object_name"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "runs": runs_of(state.store, row["id"]),
        **_payload(row["target"], launch, url, state.options.job_payload),
    }


def _payload(target: str, launch: dict[str, Any], url: str | None, generation: str) -> dict[str, Any]:
    parameters, inputs = launch["parameters"], launch["inputs"]
    model_version_id = launch["model_version_id"]
    generations: dict[str, dict[str, Any]] = {
        "unified": {
            "processing_job": {
                "target_id": launch["target_id"],
                "parameters": parameters,
                "inputs": inputs,
                "payload_presigned_url": url,
            }
        }
    }
    if target == "DATASET_VERSION":
        fields = {
            "input_dataset_version_id": launch["target_id"],
            "output_dataset_version_id": launch["output_id"],
            "model_version_id": model_version_id,
            "parameters": parameters,
            "experiment_id": None,
        }
        generations["docs"] = {"datasetversionprocessingjob": fields}
        generations["per-target"] = {"dataset_version_processing_job": {**fields, "payload_presigned_url": url}}
    elif target == "DATALAKE":
        generations["per-target"] = {
            "datalake_processing_job": {
                "input_datalake_id": launch["target_id"],
                "output_datalake_id": launch["output_id"],
                "model_version_id": model_version_id,
                "parameters": parameters,
                "payload_presigned_url": url,
            }
        }
    else:
        generations["per-target"] = {
            "model_version_processing_job": {"input_model_version_id": launch["target_id"], "parameters": parameters}
        }
    if generation != ALL_GENERATIONS:
        return generations.get(generation, {})
    return {key: value for keys in generations.values() for key, value in keys.items()}


def _get(call: Call) -> dict[str, Any]:
    return job_item(call.state, JOBS.get(call.state.store, id=call.path[0]))


def _find(call: Call) -> dict[str, Any]:
    check_organization(call)
    return job_item(call.state, JOBS.get(call.state.store, id=call.query.get("id", "")))


def _get_platform_job(call: Call) -> dict[str, Any]:
    store = call.state.store
    row = store.one("SELECT * FROM platform_job WHERE id = ?", call.path[0])
    if row is None:
        raise not_found("job", call.path[0])
    store.write("UPDATE platform_job SET polls_left = MAX(polls_left - 1, 0) WHERE id = ?", row["id"])
    return {"id": row["id"], "status": "RUNNING" if row["polls_left"] > 1 else "SUCCESS"}


def _become(status: str) -> Handler:
    """A Job may start again after its end; an end cannot turn into the other end, and what was killed stays KILLED."""

    def handler(call: Call) -> dict[str, Any]:
        store, row = call.state.store, JOBS.get(call.state.store, id=call.path[0])
        if row["status"] == "KILLED" and status in ENDED:
            return _get(call)
        if row["status"] == "KILLED" or (row["status"] in ENDED and status in ENDED and row["status"] != status):
            raise conflict(f"job {row['id']!r} is {row['status']} and cannot become {status}")
        if row["status"] in ENDED and status not in ENDED:
            begin_run(store, row["id"])
        set_status(store, row["id"], status)
        return _get(call)

    return handler


def _log(call: Call) -> dict[str, Any]:
    """Keep one line, or several with consecutive numbers. A line sent again replaces the one of its number."""
    row = JOBS.get(call.state.store, id=call.path[0])
    fields = call.fields()
    first = fields.optional_integer("line_nb")
    if first is None:
        raise unprocessable("line_nb: expected a whole number, found nothing")
    log, special = fields.values.get("log"), fields.values.get("special", False)
    lines = [log] if isinstance(log, str) else log
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise unprocessable(f"log: expected a text or a list of texts, found {kind_of(log)}")
    part, final = fields.optional_string("part"), fields.boolean("final")
    specials = special if isinstance(special, list) and len(special) == len(lines) else [special] * len(lines)
    call.state.store.write_many(
        "INSERT OR REPLACE INTO job_line (job_id, line_nb, part, log, special, final) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (row["id"], first + position, part, line, orjson.dumps(specials[position]).decode(), final)
            for position, line in enumerate(lines)
        ],
    )
    return {"line_nb": first, "count": len(lines)}


def _save_log(call: Call) -> dict[str, Any]:
    row = JOBS.get(call.state.store, id=call.path[0])
    name = call.fields().string("logging_object_name", limit=4096)
    if call.state.blobs.find_by_name(name) is None:
        raise not_found("object", name)
    call.state.store.write("UPDATE job SET logging_object_name = ? WHERE id = ?", name, row["id"])
    return {"logging_object_name": name}


def job_lines(store: Store, job_id: str) -> list[dict[str, Any]]:
    """The lines a Job has logged, by number."""
    rows = store.all("SELECT * FROM job_line WHERE job_id = ? ORDER BY line_nb", JOBS.get(store, id=job_id)["id"])
    return [
        {
            "line_nb": row["line_nb"],
            "part": row["part"],
            "log": row["log"],
            "special": from_json(row["special"]),
            "final": bool(row["final"]),
        }
        for row in rows
    ]


ROUTES = (
    Route("GET", "/api/organization/{}/jobv2s/find", _find),
    Route("GET", "/api/job/{}", _get_platform_job),
    Route("GET", "/api/v2/job/{}", _get),
    Route("POST", "/api/v2/job/{}/running", _become("RUNNING")),
    Route("POST", "/api/v2/job/{}/succeed", _become("SUCCEEDED")),
    Route("POST", "/api/v2/job/{}/fail", _become("FAILED")),
    Route("POST", "/api/v2/job/{}/logging", _log),
    Route("POST", "/api/v2/job/{}/logging/save", _save_log),
)
