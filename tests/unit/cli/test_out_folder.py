from __future__ import annotations

import pytest
from picsellia_processing.cli.out_folder import MARKER, OutFolder
from picsellia_processing.errors import UsageError


def test_a_new_folder_is_made_and_marked(tmp_path):
    out = OutFolder(tmp_path / "a" / "b")
    out.recreate()
    assert [path.name for path in out.path.iterdir()] == [MARKER]


def test_what_an_earlier_dry_run_left_is_removed(tmp_path):
    out = OutFolder(tmp_path)
    out.recreate()
    (tmp_path / "platform" / "blobs").mkdir(parents=True)
    (tmp_path / "report.json").touch()
    out.recreate()
    assert [path.name for path in tmp_path.iterdir()] == [MARKER]


def test_a_linked_folder_is_unlinked_and_not_emptied(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "photo.jpg").touch()
    out = OutFolder(tmp_path / "out")
    out.recreate()
    (out.path / "link").symlink_to(precious)
    out.recreate()
    assert (precious / "photo.jpg").exists()
    assert not (out.path / "link").exists()


def test_the_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match="not empty and was not made by a dry-run"):
        OutFolder(tmp_path).recreate()
    assert (tmp_path / "thesis.tex").exists()


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(UsageError, match="is a file"):
        OutFolder(tmp_path / "out").recreate()


def test_again_needs_an_earlier_platform(tmp_path):
    out = OutFolder(tmp_path)
    with pytest.raises(UsageError, match="no platform of an earlier dry-run"):
        out.reopen()
    out.recreate()
    with pytest.raises(UsageError, match="no platform of an earlier dry-run"):
        out.reopen()


def test_again_keeps_the_platform_and_what_the_first_job_predicted(tmp_path):
    out = OutFolder(tmp_path)
    out.recreate()
    out.platform.mkdir()
    out.remember({"dataset_version_id": "1"})
    for number in (1, 2):
        out.predictions.write_text(f"{number}\n")
        out.report.touch()
        assert out.reopen() == {"dataset_version_id": "1"}
        assert not out.report.exists()
        assert not out.predictions.exists()
    assert out.earlier_predictions.read_text() == "1\n2\n"
    assert out.platform.is_dir()
