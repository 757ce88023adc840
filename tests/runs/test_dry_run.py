"""`pxp dry-run` as an author runs it: real processes, the real SDK, a real platform."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from picsellia_processing.job.report import SCHEMA_PATH
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

HELLO = """
import os, pathlib
from picsellia_processing import Image, Parameters, Rectangle, pre_annotation

class Ours(Parameters):
    side: int = 8

@pre_annotation
def hello(image: Image, parameters: Ours) -> list[Rectangle]:
    if "TELL" in os.environ:
        pathlib.Path(os.environ["TELL"]).write_text(os.environ["api_token"])
        print("my token is", os.environ["api_token"])
    if "no-thing" in image.filename:
        return []
    return [Rectangle("THING", 2, 4, parameters.side, 2 * parameters.side, 0.75), Rectangle("thin", 0, 0, 5, 5)]
"""

SLOW = """
import os, pathlib, time
from picsellia_processing import Image, Rectangle, pre_annotation

@pre_annotation(batch_size=1)
def slow(images: list[Image]) -> list[list[Rectangle]]:
    if images[0].filename == "07.jpg":
        pathlib.Path(os.environ["STARTED"]).touch()
        time.sleep(600)
    return [[Rectangle("thing", 0, 0, 5, 5)]]
"""

FIXTURE = """
task = "pre_annotation"
[dataset_version]
type = "OBJECT_DETECTION"
labels = ["other", "thing"]
[parameters]
max_failure_rate = 0.5
"""


@dataclass(frozen=True)
class Done:
    """A dry-run that has ended."""

    code: int
    stdout: str
    stderr: str
    out: Path

    def json(self, name: str) -> Any:
        return json.loads((self.out / name).read_text())


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "picsellia_processing", "dry-run", *map(str, words)]


def dry_run(*words: str | Path, cwd: Path, name: str = "mine", **environ: str) -> Done:
    done = subprocess.run(
        command(*words), cwd=cwd, env=os.environ | environ, capture_output=True, text=True, check=False, timeout=120
    )
    return Done(done.returncode, done.stdout, done.stderr, cwd / "pxp-out" / name)


def write_processing(folder: Path, code: str = HELLO, fixture: str | None = FIXTURE, images: int = 4) -> Path:
    (folder / "fixture" / "images").mkdir(parents=True)
    (folder / "processing.py").write_text(code)
    if fixture is not None:
        (folder / "fixture" / "fixture.toml").write_text(fixture)
    write_images(folder / "fixture" / "images", images)
    return folder


def write_images(folder: Path, count: int) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        Image.new("RGB", (64, 48), (number * 20, 90, 90)).save(folder / f"{number:02}.jpg")


def write_hard_images(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48)).save(folder / "rotated.jpg", exif=exif)
    Image.new("RGB", (64, 48)).save(folder / "no-thing.png")
    whole = io.BytesIO()
    Image.effect_noise((64, 48), 50).save(whole, "JPEG")
    (folder / "truncated.jpg").write_bytes(whole.getvalue()[:400])


def boxes(coco: dict[str, Any]) -> dict[str, list[tuple[list[int], float | None]]]:
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    found: dict[str, list[tuple[list[int], float | None]]] = {name: [] for name in names.values()}
    for annotation in coco["annotations"]:
        found[names[annotation["image_id"]]].append((annotation["bbox"], annotation.get("score")))
    return found


@pytest.fixture(scope="module")
def hard(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_hard_images(write_processing(folder / "mine") / "fixture" / "images")
    return folder


@pytest.fixture(scope="module")
def first(hard):
    elsewhere = {
        "host": "https://example.invalid",
        "organization_name": "somebody's",
        "PICSELLIA_TOKEN": "a-real-one",
    }
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), "http://127.0.0.1:9")
    return dry_run("mine", cwd=hard, TELL=str(hard / "token"), **elsewhere, **proxies)


def test_it_succeeds_and_sums_up(first):
    assert first.code == 0, first.stderr + first.stdout
    summary = first.stdout[first.stdout.rindex("\nhello: succeeded") :]
    assert "6 of 7 processed, 0 skipped, 1 failed" in summary
    assert "  failures    truncated.jpg: decode: " in summary
    assert "  no label    thin (closest: thing)" in summary
    assert f"  report      {first.out / 'report.html'}" in summary


def test_the_report_says_what_was_done(first):
    report = first.json("report.json")
    jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text())).validate(report)
    assert report["status"] == "succeeded"
    assert report["assets"] == {"selected": 7, "processed": 6, "skipped": 0, "failed": 1}
    assert report["shapes"] == 5
    assert [failure["asset"] for failure in report["failures"]] == ["truncated.jpg"]


def test_the_annotations_are_those_of_the_platform_as_stored(first):
    coco = first.json("annotations.json")
    assert [category["name"] for category in coco["categories"]] == ["other", "thing"]
    expected = [([2, 4, 8, 16], 0.75)]
    upright = dict.fromkeys(("00.jpg", "01.jpg", "02.jpg", "03.jpg"), expected)
    # Turned by a quarter: what is at (2, 4) in 48 x 64 upright is at (4, 48 - 2 - 8) in 64 x 48 as stored.
    turned = {"rotated.jpg": [([4, 38, 16, 8], 0.75)]}
    assert boxes(coco) == upright | turned | {"no-thing.png": [], "truncated.jpg": []}


def test_the_page_shows_the_pictures(first):
    page = (first.out / "report.html").read_text()
    assert page.count('src="data:image/jpeg;base64,') == 6
    assert "EXIF orientation 6" in page
    assert "truncated.jpg" in page


def test_the_token_is_nowhere(first, hard):
    token = (hard / "token").read_text()
    assert len(token) > 20
    assert "my token is" in first.stdout
    written = [path.read_bytes() for path in first.out.iterdir() if path.is_file()]
    assert [text for text in (first.stdout.encode(), first.stderr.encode(), *written) if token.encode() in text] == []


def test_another_one_changes_nothing(first, hard):
    before = first.json("annotations.json")
    again = dry_run("mine", "--again", "--json", cwd=hard)
    assert again.code == 0, again.stderr
    printed = json.loads(again.stdout)
    paths = printed.pop("paths")
    assert printed == again.json("report.json")
    assert paths["report"] == str(first.out / "report.json")
    assert printed["assets"] == {"selected": 7, "processed": 0, "skipped": 6, "failed": 1}
    assert again.json("annotations.json") == before


def test_faults_of_the_platform_change_nothing(tmp_path):
    write_processing(tmp_path / "mine")
    done = dry_run("mine", "--fault-rate", "0.2", "--seed-faults", "3", cwd=tmp_path)
    assert done.code == 0, done.stderr + done.stdout
    assert boxes(done.json("annotations.json")) == {f"0{number}.jpg": [([2, 4, 8, 16], 0.75)] for number in range(4)}


def test_parameters_and_a_selection(tmp_path):
    fixture = 'selection = ["01.jpg", "03.jpg"]\n' + FIXTURE + "side = 4\n"
    write_processing(tmp_path / "mine", fixture=fixture)
    out = tmp_path / "elsewhere"
    done = dry_run("mine:hello", "--fixture", "mine/fixture", "--parameter", "side=3", "--out", out, cwd=tmp_path)
    assert done.code == 0, done.stderr + done.stdout
    report = json.loads((out / "report.json").read_text())
    assert (report["assets"]["selected"], report["parameters"]["side"]) == (2, 3)
    chosen = [([2, 4, 3, 6], 0.75)]
    assert boxes(json.loads((out / "annotations.json").read_text())) == {
        "00.jpg": [], "01.jpg": chosen, "02.jpg": [], "03.jpg": chosen,
    }  # fmt: skip


def test_without_a_dataset_version_the_job_is_launched_on_the_model_version(tmp_path):
    fixture = '[model_version]\nname = "net"\nfiles = { weights = "net.pt" }\n'
    write_processing(tmp_path / "mine", fixture=fixture)
    (tmp_path / "mine" / "fixture" / "net.pt").write_bytes(b"weights")
    done = dry_run("mine", cwd=tmp_path)
    assert done.code == 2
    launched_on = done.json(".pxp-dry-run.json")["model_version_id"]
    assert launched_on in done.json("report.json")["reason"]
    assert (done.out / "report.html").is_file()
    assert not (done.out / "annotations.json").exists()


def test_images_alone_are_enough(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "processing.py").write_text(HELLO)
    write_images(tmp_path / "photos", 2)
    done = dry_run("mine", "--images", "photos", "--parameter", "label_matching=add", cwd=tmp_path)
    assert done.code == 0, done.stderr + done.stdout
    coco = done.json("annotations.json")
    assert {category["name"] for category in coco["categories"]} == {"THING", "thin"}
    assert len(coco["annotations"]) == 4


@pytest.mark.parametrize(
    ("code", "expected", "reason"),
    [
        ("raise RuntimeError('a bad day')", 1, "a bad day"),
        ("x = 1", 2, "processing"),
        (HELLO.replace("return [Rec", "return 1 + [Rec"), 1, "unsupported operand"),
    ],
    ids=["raises at import", "declares nothing", "fails on every image"],
)
def test_a_job_that_fails_says_so_everywhere(tmp_path, code, expected, reason):
    write_processing(tmp_path / "mine", code)
    done = dry_run("mine", cwd=tmp_path)
    assert done.code == expected, done.stderr + done.stdout
    report = done.json("report.json")
    assert report["status"] == "failed"
    assert reason in report["reason"] + json.dumps(report["failures"])
    assert ": failed: " in done.stdout
    assert ">failed</span>" in (done.out / "report.html").read_text()


def all_of(terminal: int) -> str:
    """What was written to a pseudo-terminal that nobody has open any more; one read gives a part of it."""
    chunks: list[bytes] = []
    with os.fdopen(terminal, "rb", buffering=0) as leader, contextlib.suppress(OSError):  # EIO is its end
        while chunk := leader.read(65536):
            chunks.append(chunk)
    return b"".join(chunks).decode()


def test_a_breakpoint_stops_at_the_terminal(tmp_path):
    code = HELLO.replace("    return [Rect", "    breakpoint()\n    return [Rect")
    write_processing(tmp_path / "mine", code, images=2)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONBREAKPOINT"}
    terminal, stdin = pty.openpty()
    os.write(terminal, b"print(image.filename * 2)\ncontinue\ncontinue\n")
    done = subprocess.run(
        command("mine"), cwd=tmp_path, env=environ, stdin=stdin, stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    os.close(stdin)
    seen = all_of(terminal)
    assert re.search(r"\(Pdb\) (0[01]\.jpg)\1", seen), seen  # either may come first
    assert seen.count("-> return [Rectangle") == 2
    assert "(Pdb)" not in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "there is no folder 'nowhere' and no module of that name"),
        (["bare"], "expected a fixture in bare/fixture, found none"),
        (["mine", "--fixture", "empty"], "fixture.toml"),
        (["mine", "--images", "missing"], "missing"),
        (["mine", "--out", "full"], "not empty and was not made by a dry-run"),
        (["mine", "--again"], "no platform of an earlier dry-run"),
        (["mine", "--model-file", "weights=missing.pt"], "missing.pt"),
        (["mine", "--fault-rate", "7"], "fault rate: expected 0 to 1"),
    ],
)
def test_wrong_use_is_refused_before_anything_starts(tmp_path, words, message):
    write_processing(tmp_path / "mine")
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "processing.py").write_text(HELLO)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    done = dry_run(*words, cwd=tmp_path)
    assert done.code == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("pxp: error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (done.out / "report.json").exists()


def test_a_parameter_that_does_not_exist(tmp_path):
    write_processing(tmp_path / "mine")
    done = dry_run("mine", "--parameter", "sid=3", cwd=tmp_path)
    assert done.code == 2
    assert "side" in done.json("report.json")["reason"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_it_leaves_no_process_and_a_report_of_what_was_done(tmp_path, number, code):
    write_processing(tmp_path / "mine", SLOW, images=9)
    started = tmp_path / "started"
    process = subprocess.Popen(
        command("mine"),
        cwd=tmp_path,
        env=os.environ | {"STARTED": str(started)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_for(started, process)
    mine = processes_below(process.pid)
    assert len(mine) == 3, "the platform, the supervisor, the worker"
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: everybody in the foreground gets it
    else:
        process.send_signal(number)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == code, output
    assert [pid for pid in mine if is_running(pid)] == []
    report = json.loads((tmp_path / "pxp-out" / "mine" / "report.json").read_text())
    assert report["status"] == "terminated"
    assert report["assets"]["processed"] >= 1
    assert (tmp_path / "pxp-out" / "mine" / "report.html").is_file()
    assert "terminated" in output
    assert "Traceback" not in output


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, process.stdout.read()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def processes_below(pid: int) -> list[int]:
    """The processes that `pid` started, and those that they started."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(map(int, line.split()) for line in listed.splitlines())
    found = [child for child, parent in parents.items() if parent == pid]
    return found + [each for child in found for each in processes_below(child)]


TAGS = """
from picsellia_processing import DataTags, Image, data_auto_tagging

@data_auto_tagging(batch_size=2)
def tag(images: list[Image]) -> list[DataTags]:
    return [DataTags(["dark <b>"], {"name": image.filename}) for image in images]
"""


def test_a_job_on_a_datalake(tmp_path):
    fixture = 'task = "data_auto_tagging"\nselection = ["01.jpg", "03.jpg"]\n[datalake]\nimages = "images"\n'
    write_processing(tmp_path / "mine", TAGS, fixture=fixture)
    done = dry_run("mine", cwd=tmp_path)
    assert done.code == 0, done.stderr + done.stdout
    report = done.json("report.json")
    assert report["target"]["type"] == "DATALAKE"
    assert report["assets"] == {"selected": 2, "processed": 2, "skipped": 0, "failed": 0}
    assert report["produced"] == {"tags": 2, "metadata": 2, "tag 'dark <b>'": 2}
    told = [json.loads(line) for line in (done.out / "predictions.jsonl").read_text().splitlines()]
    assert {each["filename"]: (each["tags"], each["metadata"]) for each in told} == {
        name: (["dark <b>"], {"name": name}) for name in ("01.jpg", "03.jpg")
    }
    page = (done.out / "report.html").read_text()
    assert page.count('src="data:image/jpeg;base64,') == 4
    assert page.count('<span class="tag">dark &lt;b&gt;</span>') == 2
    assert not (done.out / "annotations.json").exists()
    again = dry_run("mine", "--again", cwd=tmp_path)
    assert again.code == 0, again.stderr + again.stdout
    assert (again.out / "report.html").read_text().count('<span class="tag">dark &lt;b&gt;</span>') == 2
    elsewhere = dry_run("mine", "--images", "mine/fixture/images", cwd=tmp_path)
    assert elsewhere.code == 0, elsewhere.stderr + elsewhere.stdout
    assert elsewhere.json("report.json")["assets"]["processed"] == 4


@pytest.mark.parametrize(
    ("fixture", "found"),
    [
        ('[datalake]\n[dataset_version]\nname = "x"\n', "a [dataset_version] or a [datalake]"),
        ('selection = ["1.jpg"]\n[datalake]\n', "did you mean"),
        ('[datalake]\nlabels = ["x"]\n', "labels"),
        ('[datalake]\nimages = "photos"\n', "no such folder"),
    ],
)
def test_mistakes_of_a_datalake_fixture_are_found_before_anything_starts(tmp_path, fixture, found):
    write_processing(tmp_path / "mine", TAGS, fixture=fixture)
    done = dry_run("mine", cwd=tmp_path)
    assert done.code == 2
    assert found in done.stderr
    assert not done.out.exists()


def test_what_is_drawn_on_the_images_comes_along_when_asked_for(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "processing.py").write_text(HELLO)
    write_images(tmp_path / "photos", 1)
    assert dry_run("mine", "--images", "photos", "--parameter", "label_matching=add", cwd=tmp_path).code == 0
    drawn = tmp_path / "pxp-out" / "mine" / "annotations.json"
    (tmp_path / "photos" / "instances.json").write_bytes(drawn.read_bytes())
    kept = dry_run("mine", "--images", "photos", "--annotated", cwd=tmp_path)
    assert kept.code == 0, kept.stderr + kept.stdout
    assert kept.json("report.json")["assets"]["skipped"] == 1, "it is annotated already"
    without = dry_run("mine", "--annotated", cwd=tmp_path)
    assert without.code == 2
    assert "give the data set as --images DIR" in without.stderr
    write_images(tmp_path / "plain", 1)
    plain = dry_run("mine", "--images", "plain", "--annotated", cwd=tmp_path)
    assert plain.code == 2
    assert "nothing is in plain, which was read as a folder of images: correct the path" in plain.stderr
