"""What a Job does to a ModelVersion: files stored whole and once, names respected, the general form."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from picsellia.sdk.model_version import ModelVersion
from picsellia_processing.platform.process import LocalPlatform
from PIL import Image

from tests.runs.kill import kill, requests_made, wait_for_requests
from tests.runs.rig import Rig, Run

FIXTURE = """
[dataset_version]
name = "calibration"
version = "v1"
type = "OBJECT_DETECTION"
labels = ["thing"]
[model_version]
name = "net"
type = "OBJECT_DETECTION"
framework = "PYTORCH"
labels = ["thing"]
files = { "weights" = "weights.bin" }
parameters = { "epochs" = 3 }
"""

CONVERSION = "MODEL_CONVERSION"
CONTENT = b"0123456789" * 100


class ModelRig(Rig):
    """A platform with a ModelVersion, and Jobs on it."""

    @property
    def model(self) -> ModelVersion:
        return self.client.get_model_version_by_id(self.platform.seeded["model_version_id"])

    def launch_on_model(self, parameters: Any = None, *, type: str | None = CONVERSION, inputs: Any = None) -> str:
        processing = self._processing(type, "MODEL_VERSION")
        job = self.model.launch_processing(processing, parameters=parameters or {}, inputs=inputs or {})
        return str(job.id)

    def convert(self, target: str, parameters: Any = None, **options: Any) -> Run:
        return self.run(f"models:{target}", self.launch_on_model(parameters, **options))

    def files(self, version: ModelVersion | None = None) -> dict[str, tuple[str, str, bytes]]:
        """The files of a version by name: id, file name and content."""
        session = self.client.connection.session
        return {
            file.name: (str(file.id), file.filename, session.get(file.url).content)
            for file in (version or self.model).list_files()
        }

    def contents(self) -> dict[str, tuple[str, bytes]]:
        return {name: (filename, content) for name, (_, filename, content) in self.files().items()}


@pytest.fixture
def fixture(tmp_path: Path) -> Path:
    folder = tmp_path / "fixture"
    (folder / "images").mkdir(parents=True)
    for number in range(10):
        Image.new("RGB", (32, 24), (number * 20, 0, 0)).save(folder / "images" / f"{number}.png")
    (folder / "weights.bin").write_bytes(CONTENT)
    (folder / "fixture.toml").write_text(FIXTURE)
    return folder


@contextmanager
def running(fixture: Path, **options: Any) -> Iterator[ModelRig]:
    with LocalPlatform(seed=fixture, **options) as platform:
        rig = ModelRig(platform)
        yield rig
        rig.close()


@pytest.fixture
def on(fixture: Path) -> Iterator[ModelRig]:
    with running(fixture) as rig:
        yield rig


def uploads(rig: Rig) -> int:
    return int(rig.platform.ledger()["by_endpoint"].get("PUT /blob/{}", 0))


def test_a_file_is_made_and_stored_and_a_second_run_stores_nothing(on: ModelRig) -> None:
    first = on.convert("doubles")
    assert first.status == 0, first.output
    before = on.files()
    assert before["doubled"][2] == CONTENT * 2
    assert before["doubled"][1].startswith("doubled-")
    assert before["doubled"][1].endswith(".txt")
    assert first.report["produced"] == {"files": 1, "files stored": 1, "bytes": 2000}
    assert first.report["target"]["type"] == "MODEL_VERSION"
    on.platform.clear_ledger()

    second = on.convert("doubles")

    assert second.status == 0, second.output
    assert on.files() == before
    assert second.report["produced"]["files stored"] == 0
    assert "POST /api/model/version/{}/modelfiles" not in on.platform.ledger()["by_endpoint"]


def test_a_name_that_is_taken_is_refused_before_any_work_unless_it_may_be_replaced(on: ModelRig) -> None:
    assert on.convert("doubles").status == 0
    before = on.files()

    refused = on.convert("doubles", {"times": 3})

    assert refused.status == 2
    assert "has 'doubled' (doubled-" in refused.report["reason"]
    assert "replace = true" in refused.report["reason"]
    assert "converting" not in refused.output
    assert on.files() == before

    replaced = on.convert("doubles", {"times": 3, "replace": True})
    assert replaced.status == 0, replaced.output
    assert on.files()["doubled"][2] == CONTENT * 3
    assert on.files()["weights"] == before["weights"]


def test_files_go_to_a_version_of_their_own_where_it_is_named(on: ModelRig) -> None:
    inputs = {"target_version_name": "exported"}
    for _ in range(2):
        run = on.convert("several", inputs=inputs)
        assert run.status == 0, run.output
    model = on.client.get_model("net")
    assert {version.name for version in model.list_versions()} == {"0", "exported"}
    made = model.get_version("exported")
    assert (made.framework.value, made.type.value, made.labels) == ("ONNX", "OBJECT_DETECTION", {"0": "thing"})
    assert made.sync()["parameters"] == {"several": {"opset": 17, "largest error": 1e-5}}
    assert on.files().keys() == {"weights"}
    assert on.files(made).keys() == {"big", "package", "small"}
    assert on.model.sync()["parameters"] == {"epochs": 3}


def test_big_files_and_folders_arrive_whole_in_pieces(on: ModelRig) -> None:
    on.platform.clear_ledger()
    run = on.convert("several")
    assert run.status == 0, run.output
    assert uploads(on) >= 4, "26 MiB go in two pieces"
    files = on.files()
    assert files["big"][2] == bytes(range(256)) * (26 * 1024 * 4)
    assert files["package"][1].endswith(".package.zip")
    with zipfile.ZipFile(io.BytesIO(files["package"][2])) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "model.package/Manifest.json",
            "model.package/data/",
            "model.package/data/weights.bin",
            "model.package/empty/",
        ]
        assert archive.read("model.package/data/weights.bin") == CONTENT
    assert on.model.sync()["parameters"] == {"epochs": 3, "several": {"opset": 17, "largest error": 1e-5}}
    assert run.report["metadata"] == {"opset": 17, "largest error": 1e-5}


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("missing", "nowhere, where there is no file"),
        ("empty", "'bad' is the empty file"),
        ("empty folder", "'bad' is the empty folder"),
        ("link", "is neither a file nor a folder"),
        ("text", "'bad' is a str; expected a pathlib.Path"),
        ("nameless", "a file called ' '"),
        ("nothing", "no file at all"),
        ("none", "found NoneType"),
        ("path", "a single Path where one name is declared"),
        ("metadata", "metadata that is not JSON"),
    ],
)
def test_nothing_is_stored_unless_everything_can_be(on: ModelRig, what: str, reason: str) -> None:
    before = on.files()
    on.platform.clear_ledger()
    run = on.convert("returns_what_is_asked", {"what": what})
    assert run.status == 1
    assert reason in run.report["reason"]
    assert on.files() == before
    assert on.platform.ledger()["by_endpoint"].get("POST /api/object-storage/{}/generate_presigned_url", 0) <= 1, "log"


def test_undeclared_names_are_kept_apart_too(on: ModelRig) -> None:
    assert on.convert("returns_what_is_asked", {"what": "good"}).status == 0
    file = on.model.get_file("good")
    file.delete()
    on.model.store("good", _somebody_elses(on))
    before = on.files()
    run = on.convert("returns_what_is_asked", {"what": "good"})
    assert run.status == 2
    assert "has 'good' (theirs.txt) already" in run.report["reason"]
    assert on.files() == before


def _somebody_elses(on: ModelRig) -> Path:
    path = Path(on.platform.data) / "theirs.txt"
    path.write_text("theirs")
    return path


def test_other_names_than_declared_are_refused(on: ModelRig) -> None:
    run = on.convert("not_as_declared")
    assert run.status == 1
    assert "'b' declared with produces, but not returned; 'c' returned, but not declared" in run.report["reason"]
    assert on.files().keys() == {"weights"}


def test_parameters_choose_among_the_declared_names(on: ModelRig) -> None:
    on.model.store("b", _somebody_elses(on))
    run = on.convert("makes_what_is_wanted", {"wanted": ["a", "b"]})
    assert run.status == 2
    assert "has 'b' (theirs.txt) already" in run.report["reason"]
    assert on.convert("makes_what_is_wanted").status == 0
    assert on.files().keys() == {"weights", "a", "b"}


def test_an_unknown_framework_makes_no_version(on: ModelRig) -> None:
    run = on.convert("returns_what_is_asked", {"what": "framework"}, inputs={"target_version_name": "new"})
    assert run.status == 2
    assert "there is no framework 'ABACUS'" in run.report["reason"]
    assert len(on.client.get_model("net").list_versions()) == 1


def test_a_class_does_the_same(on: ModelRig) -> None:
    run = on.convert("Copy", {"times": 1})
    assert run.status == 0, run.output
    assert on.files()["copy"][2] == CONTENT


def test_a_job_on_something_else_than_a_model_is_refused(on: ModelRig) -> None:
    run = on.run("models:doubles", on.launch(type="PRE_ANNOTATION"))
    assert run.status == 2
    assert "PRE_ANNOTATION" in run.report["reason"]


def test_a_missing_model_file_is_named(on: ModelRig) -> None:
    on.model.get_file("weights").delete()
    run = on.convert("doubles")
    assert run.status == 2
    assert "it has no file 'weights'" in run.report["reason"]


def test_calibration_images_are_read_from_the_version_given(on: ModelRig) -> None:
    inputs = {"dataset_version_id": str(on.version.id)}
    run = on.convert("calibrates", type="MODEL_COMPRESSION", inputs=inputs)
    assert run.status == 0, run.output
    assert run.report["metadata"] == {"calibrated with": ["v1", 10]}
    assert run.report["images_per_second"] is None
    progress = [line for line in run.output.splitlines() if line.endswith("images looked at")]
    assert progress[-1] == "10/10 images looked at"
    assert len(set(progress)) == len(progress)
    assert run.report["assets"] == {"selected": 10, "processed": 10, "skipped": 0, "failed": 0}


def test_a_calibration_set_without_images_is_refused_before_any_work(on: ModelRig) -> None:
    on.version.list_assets().delete()
    inputs = {"dataset_version_id": str(on.version.id)}
    run = on.convert("calibrates", type="MODEL_COMPRESSION", inputs=inputs)
    assert run.status == 2
    assert "calibration/v1 is empty" in run.report["reason"]


def test_a_calibration_set_that_is_not_given_is_asked_for(on: ModelRig) -> None:
    run = on.convert("calibrates", type="MODEL_COMPRESSION")
    assert run.status == 2
    assert "the Job has no input 'dataset_version_id'" in run.report["reason"]


@pytest.mark.parametrize("type", [None, "AUTO_TAGGING"])
def test_the_general_form_runs_on_a_job_of_any_type(on: ModelRig, type: str | None) -> None:
    run = on.run("models:renames", on.launch(type=type))
    assert run.status == 0, run.output
    assert run.report["assets"]["processed"] == 10
    assert run.report["metadata"] == {"seen": {"version": "v1"}}
    assert on.annotation_count() == 0


def test_the_general_form_reaches_model_versions(on: ModelRig) -> None:
    run = on.convert("documents")
    assert run.status == 0, run.output
    assert on.model.sync()["description"] == CONTENT.decode()


@pytest.mark.parametrize("fault_rate", [0.0, 0.2])
def test_killed_in_the_middle_and_run_again(fixture: Path, tmp_path: Path, fault_rate: float) -> None:
    with running(fixture) as on:
        on.platform.clear_ledger()
        assert on.convert("several").status == 0
        requests = requests_made(on.platform)
        expected, parameters = on.contents(), on.model.sync()["parameters"]
    moments = random.Random(5)
    for number in range(4):
        with running(fixture, fault_rate=fault_rate, seed_faults=number) as on:
            job_id = on.launch_on_model()
            on.platform.clear_ledger()
            process = on.start("models:several", job_id, tmp_path / str(number))
            wait_for_requests(on.platform, process, moments.randrange(requests // 2, requests))
            kill(process, "supervisor")
            process.wait(30)
            again = on.run("models:several", job_id)
            assert again.status == 0, again.output
            assert _without_ids(on.contents()) == _without_ids(expected)
            assert on.model.sync()["parameters"] == parameters


def _without_ids(contents: dict[str, tuple[str, bytes]]) -> dict[str, tuple[str, bytes]]:
    """A digest in a file name is of ids, which differ from one platform to the next."""
    return {name: (filename.split("-")[0], content) for name, (filename, content) in contents.items()}
