from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picsellia_processing.errors import ResultError
from picsellia_processing.tasks.packing import packed

NAMES = st.text(st.characters(categories=["L", "N"], include_characters=" ._-"), min_size=1, max_size=20).filter(
    lambda name: name.strip(". ") != ""
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.dictionaries(st.tuples(st.sampled_from(["one", "two"]), NAMES), st.binary(max_size=2000), min_size=1))
def test_a_folder_comes_back_whole_and_its_bytes_say_nothing_of_when_it_was_made(
    tmp_path_factory: pytest.TempPathFactory, files: dict[tuple[str, str], bytes]
) -> None:
    made = []
    for turn, names in enumerate((list(files), list(reversed(files)))):
        place = tmp_path_factory.mktemp("packing")
        folder = place / "model.mlpackage"
        for directory, name in names:
            path = folder / directory / f"_{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[directory, name])
            os.utime(path, (turn * 1e9, turn * 1e9))
        made.append(packed(folder, place / "staging", "0a1b"))
    assert made[0].name == "model-0a1b.mlpackage.zip"
    assert made[0].read_bytes() == made[1].read_bytes()
    with zipfile.ZipFile(made[0]) as archive:
        for (directory, name), content in files.items():
            assert archive.read(f"model.mlpackage/{directory}/_{name}") == content


def test_a_file_is_linked_not_copied(tmp_path: Path) -> None:
    (tmp_path / "best.onnx").write_bytes(b"model")
    found = packed(tmp_path / "best.onnx", tmp_path / "staging", "0a1b")
    assert found.name == "best-0a1b.onnx"
    assert found.samefile(tmp_path / "best.onnx")


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "passwords").symlink_to("/etc/passwd")
    with pytest.raises(ResultError, match="passwords is neither a file nor a folder"):
        packed(tmp_path / "folder", tmp_path / "staging", "0a1b")
