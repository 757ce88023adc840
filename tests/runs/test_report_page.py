"""The report page in a real browser: Chromium, driven over its DevTools pipe."""

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from picsellia_processing.cli.end_state import AssetState, StoredShape
from picsellia_processing.cli.pictures import load_pictures
from picsellia_processing.cli.report_page import Page, render
from picsellia_processing.image import AssetReference
from picsellia_processing.job.report import Report
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HINT = "no Chromium here, so the report page is NOT checked in a browser; on Debian: apt-get install chromium"

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}.jpg"
SIZE = (400, 300)
BOX = {"x": 120, "y": 60, "w": 100, "h": 50}
SWAPPED = range(5, 9)


EXEC = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"


def high_pipe() -> tuple[int, int]:
    """A pipe whose ends are not 3 and 4."""
    ends = os.pipe()
    read, write = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return read, write


class Browser:
    """A headless Chromium with one tab. Messages are JSON, ended by NUL, over file descriptors 3 and 4."""

    def __init__(self, chromium: str, profile: Path) -> None:
        from_us, self._to = high_pipe()
        read, to_us = high_pipe()
        flags = [
            "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--remote-debugging-pipe", f"--user-data-dir={profile}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ]  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-c", EXEC, str(from_us), str(to_us), chromium, *flags],
            pass_fds=(from_us, to_us), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(from_us)
        os.close(to_us)
        self._from = os.fdopen(read, "rb")
        self._count = 0
        self._session: str | None = None
        self._buffer = b""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._to)
        self._from.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, path: Path, *, width: int, height: int = 900, dark: bool = False) -> None:
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def evaluate(self, expression: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, clip: dict[str, float]) -> Image.Image:
        data = self.call("Page.captureScreenshot", clip={**clip, "scale": 1}, captureBeyondViewport=True)["data"]
        return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")

    def seen(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event["method"] == method]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = self._from.read1(1 << 16)
            assert piece, "Chromium has ended"
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip(HINT)
    browser = Browser(CHROMIUM, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


def picture_file(orientation: int) -> bytes:
    """A white picture as stored, red where BOX is, with an EXIF orientation."""
    image = Image.new("RGB", SIZE, "white")
    x, y, w, h = BOX.values()
    ImageDraw.Draw(image).rectangle((x, y, x + w - 1, y + h - 1), fill=(255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    files = {f"{orientation}.jpg": picture_file(orientation) for orientation in range(1, 9)}
    files[HOSTILE] = picture_file(1)
    shape = StoredShape("rectangle", HOSTILE, BOX, 0.93)
    states = [
        AssetState(AssetReference(name, name, width=SIZE[0], height=SIZE[1]), annotated=True, shapes=(shape,))
        for name in files
    ]
    pictures = load_pictures(states, lambda reference: files[reference.filename], max_bytes=4_000_000, max_shapes=100)
    assert len(pictures) == len(files)
    report = Report.model_validate(
        {
            "status": "failed",
            "reason": HOSTILE,
            "name": HOSTILE,
            "task": "pre_annotation",
            "target": {"type": "DATASET_VERSION", "id": "1", "name": HOSTILE},
            "failures": [{"asset": HOSTILE * 3, "asset_id": "1", "stage": "decode", "reason": "x" * 3000}],
            "labels": [{"model_class": HOSTILE, "label": HOSTILE, "shapes": 9}, {"model_class": "a" * 300}],
            "stages": {"fetch": {"seconds": 1, "items": 9}, "process": {"seconds": 2, "items": 9}},
            "limiting_stage": "process",
            "skipped": {HOSTILE: 1},
            "dropped_shapes": {"y" * 500: 1},
            "requests": {"total": 1, "by_endpoint": {"GET /api/" + "z" * 300: 1}},
            "parameters": {HOSTILE: ["w" * 900]},
        }
    )
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(Page(report, HOSTILE, (HOSTILE,), pictures, len(pictures))), encoding="utf-8")
    return path


def test_nothing_goes_wrong_and_nothing_is_fetched(browser, page):
    browser.open(page, width=1280)
    assert browser.seen("Runtime.exceptionThrown") == []
    assert browser.seen("Runtime.consoleAPICalled") == []
    assert [entry["entry"]["text"] for entry in browser.seen("Log.entryAdded")] == []
    urls = [request["request"]["url"] for request in browser.seen("Network.requestWillBeSent")]
    assert [url for url in urls if not url.startswith("data:")] == [page.as_uri()]


def test_hostile_names_are_shown_as_they_are_and_do_nothing(browser, page):
    browser.open(page, width=1280)
    assert browser.evaluate("document.scripts.length") == 0
    assert browser.evaluate("document.title") == f"{HOSTILE} · failed"
    assert browser.evaluate("document.querySelector('h1').textContent") == HOSTILE
    assert browser.evaluate("[...document.images].every(image => image.src.startsWith('data:'))")


def test_every_picture_is_loaded_and_described(browser, page):
    browser.open(page, width=1280)
    sizes = browser.evaluate("[...document.images].map(image => [image.naturalWidth, image.naturalHeight])")
    assert sizes == [[300, 400] if orientation in SWAPPED else [400, 300] for orientation in (*range(1, 9), 1)]
    assert browser.evaluate("document.images[0].alt") == f"1.jpg: 1 {HOSTILE[:27]}…"


@pytest.mark.parametrize("index", range(8))
def test_the_box_lies_on_what_it_stands_for(browser, page, index):
    browser.open(page, width=1280, height=3000)
    find = f"document.querySelectorAll('.mark rect')[{index}].getBoundingClientRect()"
    box = browser.evaluate(f"(({{x, y, width, height}}) => ({{x, y, width, height}}))({find})")
    browser.evaluate("document.querySelectorAll('.frame svg').forEach(svg => svg.style.visibility = 'hidden')")
    margin = 6
    around = {"x": box["x"] - margin, "y": box["y"] - margin}
    around |= {"width": box["width"] + 2 * margin, "height": box["height"] + 2 * margin}
    shot = browser.screenshot(around)
    red = shot.point(lambda value: 255 * (value > 128)).split()[1].point(lambda value: 255 - value)
    left, top, right, bottom = red.getbbox()
    expected = (margin, margin, shot.width - margin, shot.height - margin)
    assert (left, top, right, bottom) == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("width", [380, 768, 1600])
def test_no_horizontal_overflow(browser, page, width):
    browser.open(page, width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


CONTRASTS = """
(() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = colour => channels(colour).slice(0, 3).map(value => value / 255)
    .map(value => value <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [.2126, .7152, .0722][index], 0);
  const background = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if ((channels(colour)[3] ?? 1) > 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('body *')].filter(
    element => !element.closest('svg') &&
      [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  return texts.map(element => {
    const both = [luminance(getComputedStyle(element).color), luminance(background(element))];
    const [dark, light] = both.sort((a, b) => a - b);
    return [(light + .05) / (dark + .05), element.className + ' ' + element.textContent.slice(0, 30)];
  });
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_contrast(browser, page, dark):
    browser.open(page, width=1280, dark=dark)
    ratios = browser.evaluate(CONTRASTS)
    assert len(ratios) > 50
    assert [found for found in ratios if found[0] < 4.5] == []


def test_a_picture_is_enlarged_and_put_back_by_its_links(browser, page):
    browser.open(page, width=1000, height=800)
    browser.evaluate("location.hash = document.querySelector('.frame').hash")
    size = "(({width, height}) => [width, height])(document.querySelector('figure').getBoundingClientRect())"
    assert browser.evaluate(size) == [1000, 800]
    browser.evaluate("location.hash = document.querySelector('.close').hash")
    assert browser.evaluate(size)[0] < 500
