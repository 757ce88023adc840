"""Every request the platform answered: counts for reports, and the latest ones in full. Bounded in memory."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `status` 0 stands for a connection that was cut; sizes are bytes of bodies, times seconds."""

    time: float
    method: str
    path: str
    status: int
    received: int
    sent: int
    duration: float
    fault: str | None = None


class Ledger:
    """Counts of every request, and the latest `KEPT` of them. `path` is a template: no id, no signature is kept."""

    def __init__(self) -> None:
        self._latest: deque[Entry] = deque(maxlen=KEPT)
        self._by_endpoint: Counter[str] = Counter()
        self._by_status: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._not_emulated: Counter[str] = Counter()
        self._faults = 0
        self._received = 0
        self._sent = 0

    def record(self, entry: Entry, *, emulated: bool) -> None:
        """Count `entry`; `emulated` is False when no handler exists for it."""
        endpoint = f"{entry.method} {entry.path}"
        self._latest.append(entry)
        self._by_endpoint[endpoint] += 1
        self._by_status[str(entry.status)] += 1
        self._received += entry.received
        self._sent += entry.sent
        if entry.fault is not None:
            self._faults += 1
        if not emulated:
            self._not_emulated[endpoint] += 1
        if entry.status == 0 or entry.status >= 400:  # noqa: PLR2004 - where the statuses of errors begin
            self._failed[f"{entry.status} {endpoint}"] += 1

    def clear(self) -> None:
        """Forget every request."""
        self.__init__()  # type: ignore[misc]

    def summary(self, latest: int = 0) -> dict[str, Any]:
        """What was asked so far, as JSON; with the `latest` n requests in full, oldest first."""
        summary: dict[str, Any] = {
            "total": self._by_endpoint.total(),
            "by_endpoint": dict(self._by_endpoint.most_common()),
            "by_status": dict(self._by_status.most_common()),
            "failed": dict(self._failed.most_common()),
            "not_emulated": sorted(self._not_emulated),
            "faults": self._faults,
            "bytes_received": self._received,
            "bytes_sent": self._sent,
        }
        if latest > 0:
            summary["requests"] = [asdict(entry) for entry in list(self._latest)[-latest:]]
        return summary
