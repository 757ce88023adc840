"""Trouble on purpose: each fault as the SDK sees it, and that what was done is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from picsellia.exceptions import (
    BadGatewayError,
    InternalServerError,
    PicselliaError,
    RequestTooLargeError,
    ResourceConflictError,
    TooManyRequestError,
)
from picsellia_processing.errors import UsageError
from picsellia_processing.platform.process import LocalPlatform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.asset import Asset
    from picsellia.sdk.dataset_version import DatasetVersion


@pytest.fixture
def faulty(platform: LocalPlatform) -> Iterator[LocalPlatform]:
    """The platform, whose fault rules are taken back after the test."""
    platform.clear_ledger()
    yield platform
    platform.set_faults([])


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, TooManyRequestError), (500, InternalServerError), (502, BadGatewayError), (503, PicselliaError)],
)
def test_status_is_answered_and_nothing_is_done(
    faulty: LocalPlatform, version: DatasetVersion, status: int, error: type[Exception]
) -> None:
    faulty.set_faults([{"method": "POST", "path": f"/{version.id}/labels$", "fault": status, "times": 1}])
    with pytest.raises(error):
        version.create_label("cat")
    assert version.create_label("cat").name == "cat"
    assert faulty.ledger()["faults"] == 1


def test_too_many_requests_says_when_to_come_back(faulty: LocalPlatform) -> None:
    faulty.set_faults([{"path": "/api/home/ping", "fault": 429}])
    for _ in range(2):
        response = requests.get(f"{faulty.host}/api/home/ping", timeout=10)
        assert response.status_code == 429
        assert "Retry-After" in response.headers


def test_sdk_repeats_after_a_reset(faulty: LocalPlatform, version: DatasetVersion) -> None:
    faulty.set_faults([{"path": f"/{version.id}/labels$", "fault": "reset", "times": 1}])
    assert version.create_label("cat").name == "cat"
    ledger = faulty.ledger(requests=10)
    assert [entry["status"] for entry in ledger["requests"] if entry["path"].endswith("/labels")] == [0, 201]
    assert ledger["failed"] == {"0 POST /api/dataset/version/{}/labels": 1}


def test_lost_reply_leaves_the_work_done(faulty: LocalPlatform, version: DatasetVersion) -> None:
    faulty.set_faults([{"path": f"/{version.id}/labels$", "fault": "lost-reply", "times": 1}])
    with pytest.raises(ResourceConflictError):  # the SDK sends it again, and finds its own work
        version.create_label("cat")
    assert version.get_label("cat").name == "cat"


def test_truncated_blob_is_never_taken_for_whole(
    faulty: LocalPlatform, assets: list[Asset], pictures: list[Path], tmp_path: Path
) -> None:
    faulty.set_faults([{"method": "GET", "path": "^/blob/", "fault": "truncate", "times": 1}])
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _ = requests.get(assets[0].url, timeout=10).content
    faulty.set_faults([{"method": "GET", "path": "^/blob/", "fault": "truncate", "times": 1}])
    assets[0].download(tmp_path)
    assert (tmp_path / "a.jpg").read_bytes() == pictures[0].read_bytes()


def test_truncated_json_is_repeated_by_the_sdk(faulty: LocalPlatform, version: DatasetVersion) -> None:
    faulty.set_faults([{"method": "GET", "path": "/assets$", "fault": "truncate", "times": 1}])
    assert len(version.list_assets()) == 3


def test_rules_can_wait_and_match_by_method(faulty: LocalPlatform, version: DatasetVersion) -> None:
    faulty.set_faults([{"method": "get", "path": f"/{version.id}$", "fault": 500, "skip": 2, "times": 1}])
    version.sync()
    version.update(description="patched")
    version.sync()
    with pytest.raises(InternalServerError):
        version.sync()
    version.sync()


def test_full_disk_is_told_and_survived(faulty: LocalPlatform, version: DatasetVersion) -> None:
    faulty.set_faults([{"path": f"/{version.id}/labels$", "fault": "disk-full", "times": 1}])
    with pytest.raises(PicselliaError, match=r"507.*disk of the local platform is full"):
        version.create_label("cat")
    assert version.list_labels() == []
    assert version.create_label("cat").name == "cat"


@pytest.mark.parametrize(
    "rule",
    [
        "x",
        {"path": "x"},
        {"path": "(", "fault": 500},
        {"path": "x", "fault": "fire"},
        {"path": "x", "fault": 200},
        {"path": "x", "fault": 500, "times": -1},
        {"path": "x", "fault": 500, "colour": 1},
    ],
)
def test_rules_that_are_none_are_refused(faulty: LocalPlatform, rule: object) -> None:
    with pytest.raises(UsageError):
        faulty.set_faults([rule])


def test_rate_repeats_itself_with_its_seed() -> None:
    def outcomes(seed: int) -> list[int | str]:
        with LocalPlatform(fault_rate=0.5, seed_faults=seed) as platform, requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {platform.api_token}"
            found: list[int | str] = []
            for _ in range(60):
                try:
                    found.append(session.get(f"{platform.host}/api/home/ping", timeout=10).status_code)
                except requests.exceptions.RequestException as error:
                    found.append(type(error).__name__)
            assert platform.ledger()["faults"] == 60 - found.count(200)
            return found

    first = outcomes(1)
    assert first == outcomes(1)
    assert first != outcomes(2)
    assert {200, 429, 500, 502, "ConnectionError", "ChunkedEncodingError"} == set(first)


def test_body_that_is_too_large_is_refused_and_the_sdk_divides_it(
    connect: Callable[[LocalPlatform], Client], pictures: list[Path]
) -> None:
    from picsellia.types.enums import ImportAnnotationMode

    with LocalPlatform(images=pictures[0].parent, max_body_mb=0.01) as platform:
        client = connect(platform)
        version = client.get_dataset_version_by_id(platform.seeded["dataset_version_id"])
        label = version.create_label("cat")
        with pytest.raises(RequestTooLargeError):
            client.connection.post(f"/api/dataset/version/{version.id}/labels", data=b"x" * 5_000_000)
        rectangles = [{"x": x, "y": 1, "w": 1, "h": 1, "label_id": label.id} for x in range(60)]
        written = version._bulk_create_annotations(
            ImportAnnotationMode.REPLACE,
            None,
            [{"asset_id": asset.id, "rectangles": rectangles} for asset in version.list_assets()],
        )
        assert sorted(written.values()) == [60, 60, 60]
        assert platform.ledger()["by_status"]["413"] == 2
