from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from picsellia_processing.cli.image_reference import ImageReference, find_image
from picsellia_processing.container.context_folder import gather
from picsellia_processing.container.records import PushedImage
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("tiler", "1"),
        ("team/tiler", "1.0.0"),
        ("localhost:5000/team/tiler", "v1.0-rc.1"),
        ("r.example/a-b_c", "_x"),
    ],
)
def test_name_tag_and_digest(name: str, tag: str) -> None:
    image = ImageReference.parse(f"{name}:{tag}@{DIGEST}")
    assert image == ImageReference(name, tag, DIGEST)
    assert image.pinned_tag == f"{tag}@{DIGEST}"


@pytest.mark.parametrize(
    "text",
    ["", "tiler", f"tiler@{DIGEST}", f":1@{DIGEST}", f"tiler:@{DIGEST}", "tiler:1@sha256:00", f"a b:1@{DIGEST}",
     f"tiler:1@{DIGEST} ", f"Tiler:1@{DIGEST}", f"tiler:1@{DIGEST.upper()}", f"-tiler:1@{DIGEST}"],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected NAME:TAG@sha256:DIGEST"):
        ImageReference.parse(text)


def test_a_tag_alone_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="a tag alone may mean another image tomorrow"):
        ImageReference.parse("tiler:latest")


def test_the_image_pushed_last_is_found(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"image\.json is not there; run `pxp push` first, or give --image"):
        find_image(tmp_path, None)
    pushed = tmp_path / ".pxp" / "image.json"
    pushed.parent.mkdir()
    pushed.write_text(json.dumps({"image": "registry.example/tiler", "tag": "1.0", "digest": DIGEST}))
    assert find_image(tmp_path, None) == ImageReference("registry.example/tiler", "1.0", DIGEST)
    assert find_image(tmp_path, f"other:2@{DIGEST}") == ImageReference("other", "2", DIGEST)


def test_an_image_of_another_state_of_the_folder_is_refused(tmp_path: Path) -> None:
    for name in ("Dockerfile", "processing.py", "fixture/a.txt", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    include = ["README.md"]
    context = gather(tmp_path, include).digest()
    PushedImage(image="r/tiler", tag="1.0", digest=DIGEST, context=context, include=include).write(tmp_path)
    image = ImageReference("r/tiler", "1.0", DIGEST)
    (tmp_path / "fixture" / "a.txt").write_text("2")  # which is not in the image
    assert find_image(tmp_path, None) == image
    (tmp_path / "README.md").write_text("2")
    with pytest.raises(UsageError, match=r"has changed since r/tiler:1\.0 was made of it"):
        find_image(tmp_path, None)
    assert find_image(tmp_path, f"r/tiler:1.0@{DIGEST}") == image


@pytest.mark.parametrize("content", ["", "[]", '{"image": "x"}', '"text"', "null"])
def test_a_broken_record_is_refused(tmp_path: Path, content: str) -> None:
    pushed = tmp_path / ".pxp" / "image.json"
    pushed.parent.mkdir()
    pushed.write_text(content)
    with pytest.raises(UsageError, match="expected an object with image, tag and digest"):
        find_image(tmp_path, None)
