from __future__ import annotations

from pathlib import Path

import pytest
from picsellia_processing.cli.target import check_target, fixture_of, target_name
from picsellia_processing.errors import UsageError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "things" / "mine").mkdir(parents=True)
    (tmp_path / "things" / "mine" / "processing.py").touch()
    (tmp_path / "package").mkdir()
    (tmp_path / "module.py").touch()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("target", "name", "fixture"),
    [
        ("things/mine", "mine", "things/mine/fixture"),
        ("things/mine/", "mine", "things/mine/fixture"),
        ("things/mine:annotate", "mine.annotate", "things/mine/fixture"),
        ("package.module:annotate", "package.module.annotate", "package/fixture"),
        ("module:annotate", "module.annotate", "fixture"),
        ("photos:annotate", "photos.annotate", "fixture"),
    ],
)
def test_a_target_has_a_name_and_a_fixture_beside_it(folder, target, name, fixture):
    check_target(target)
    assert target_name(target) == name
    assert fixture_of(target) == Path(fixture)


def test_the_current_folder_has_its_own_name(folder, monkeypatch):
    monkeypatch.chdir("things/mine")
    check_target(".")
    assert target_name(".") == "mine"
    assert fixture_of(".") == Path("fixture")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("things", "is not a processing folder: expected processing.py in it; found none; there are things/mine"),
        ("package", "package is not a processing folder: expected processing.py in it; found none"),
        ("module.py", "module.py is a file, and TARGET is a processing folder"),
        ("module.py:annotate", "write module:NAME, with the name of the function or class in it"),
        ("things/mine/processing.py", "write things/mine"),
        ("things/yours", "there is no folder 'things/yours'"),
        ("", "there is no folder ''"),
        ("modul:annotate", "there is no folder 'modul' and no module of that name"),
        ("../etc/passwd:x", "there is no folder '../etc/passwd'"),
    ],
)
def test_what_can_be_no_target_is_refused(folder, target, message):
    with pytest.raises(UsageError) as caught:
        check_target(target)
    assert message in str(caught.value)
