"""The runs of a Job: one from its launch, and one more for each time it is run again.

Beside the vendor's API, this is the side of the platform that a runner sees: it takes a PENDING Job, runs it, and
gives it back when its process has ended. What people do with buttons is here, too: they kill Jobs, and run them again.
Each of these functions returns the status that the Job has then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.store import from_json, new_id, now
from picsellia_processing.platform.table import Table
from picsellia_processing.platform.wire import conflict

if TYPE_CHECKING:
    from picsellia_processing.platform.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS job_run (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, job_id TEXT NOT NULL, status TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS job_run_job ON job_run (job_id, seq);
CREATE TABLE IF NOT EXISTS held_job (job_id TEXT PRIMARY KEY) WITHOUT ROWID;
"""

JOBS = Table("job")
ENDED = frozenset({"SUCCEEDED", "FAILED", "KILLED"})
_LAUNCHED = ("processing", "docker_image", "docker_tag", "docker_flags", "cpu", "gpu")


def begin_run(store: Store, job_id: str) -> str:
    """A new run of the Job: it is PENDING, and so is the Job."""
    time = now()
    store.write(
        "INSERT INTO job_run (id, job_id, status, created_at, updated_at) VALUES (?, ?, 'PENDING', ?, ?)",
        new_id(), job_id, time, time,
    )  # fmt: skip
    return set_status(store, job_id, "PENDING")


def set_status(store: Store, job_id: str, status: str) -> str:
    """Set the status of the Job and of its latest run, and return it."""
    time = now()
    store.write("UPDATE job SET status = ?, updated_at = ? WHERE id = ?", status, time, job_id)
    store.write(
        "UPDATE job_run SET status = ?, updated_at = ? WHERE seq = (SELECT MAX(seq) FROM job_run WHERE job_id = ?)",
        status, time, job_id,
    )  # fmt: skip
    return status


def runs_of(store: Store, job_id: str) -> list[dict[str, Any]]:
    """The runs of a Job, the first one first."""
    rows = store.all("SELECT * FROM job_run WHERE job_id = ? ORDER BY seq", job_id)
    return [{key: row[key] for key in ("id", "status", "created_at", "updated_at")} for row in rows]


def overview(store: Store) -> list[dict[str, Any]]:
    """Every Job, the first one first: what a runner has to know, and what people look at."""
    rows = store.all("SELECT id, status, launch, created_at FROM job ORDER BY seq")
    held = {row["job_id"] for row in store.all("SELECT job_id FROM held_job")}
    return [
        {
            "id": row["id"],
            "status": row["status"],
            "held": row["id"] in held,
            "created_at": row["created_at"],
            **{key: from_json(row["launch"]).get(key) for key in _LAUNCHED},
        }
        for row in rows
    ]


def take(store: Store, job_id: str) -> str:
    """Hand a PENDING Job to a runner; it is QUEUED until its processing says RUNNING. Raises 404, 409."""
    row = JOBS.get(store, id=job_id)
    if row["status"] != "PENDING" or _is_held(store, job_id):
        raise conflict(f"job {job_id!r} is {row['status']}: only a PENDING one can be taken")
    store.write("INSERT INTO held_job (job_id) VALUES (?)", job_id)
    return set_status(store, job_id, "QUEUED")


def give_back(store: Store, job_id: str) -> str:
    """Note that the process of a taken Job has ended: one that has not said how is FAILED. Raises 404."""
    status = str(JOBS.get(store, id=job_id)["status"])
    store.write("DELETE FROM held_job WHERE job_id = ?", job_id)
    return status if status in ENDED else set_status(store, job_id, "FAILED")


def kill(store: Store, job_id: str) -> str:
    """KILLED from now on, whatever its process still says; a runner ends that process. Raises 404, 409."""
    row = JOBS.get(store, id=job_id)
    if row["status"] in ENDED:
        raise conflict(f"job {job_id!r} is {row['status']}: there is nothing to kill")
    return set_status(store, job_id, "KILLED")


def run_again(store: Store, job_id: str) -> str:
    """Begin one more run of a Job that has ended, and whose process has. Raises 404, 409."""
    row = JOBS.get(store, id=job_id)
    if row["status"] not in ENDED or _is_held(store, job_id):
        raise conflict(f"job {job_id!r} has a run that is active: it can be run again when that has ended")
    return begin_run(store, job_id)


def _is_held(store: Store, job_id: str) -> bool:
    return store.one("SELECT 1 FROM held_job WHERE job_id = ?", job_id) is not None
