from __future__ import annotations

from pathlib import Path

import pytest
from picsellia_processing.container.version import Version, check_registry, read_version
from picsellia_processing.errors import UsageError


def project(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "Yolo_Preannotation"
    folder.mkdir()
    if text:
        (folder / "pyproject.toml").write_text(text)
    return folder


def test_name_and_version_are_those_of_the_project(tmp_path):
    folder = project(tmp_path, '[project]\nname = "Image_Tiler"\nversion = "1.2.0rc1"\n')
    assert read_version(folder) == Version("image-tiler", "1.2.0rc1")
    assert str(read_version(folder, "2.0")) == "image-tiler:2.0"


def test_a_folder_without_a_project_has_its_own_name_and_needs_a_version(tmp_path):
    folder = project(tmp_path, "")
    assert read_version(folder, "1.0") == Version("yolo-preannotation", "1.0")
    with pytest.raises(UsageError, match="has no version"):
        read_version(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[project]\nname = "a"\ndynamic = ["version"]\n', "has no version"),
        ('[project]\nname = "a b"\nversion = "1"\n', "cannot name an image"),
        ('[project]\nname = "a"\nversion = "1.0+local"\n', "cannot be an image's tag"),
        ('[project]\nname = "a"\nversion = "latest"\n', "another image tomorrow"),
        ('[project]\nname = "a"\nversion = 1.0\n', r"project\.version: .*; found 1\.0"),
        ("[project\n", "is not TOML"),
    ],
)
def test_what_cannot_name_an_image_is_refused(tmp_path, text, said):
    with pytest.raises(UsageError, match=said):
        read_version(project(tmp_path, text))


@pytest.mark.parametrize(
    "registry", ["registry.example/acme", "localhost:5000", "127.0.0.1:5000/a/b", "docker.io/acme/"]
)
def test_registries(registry):
    assert check_registry(registry) == registry.rstrip("/")


@pytest.mark.parametrize(
    "registry", ["https://registry.example", "", "registry.example/Acme", "registry.example:port", "a b"]
)
def test_no_registries(registry):
    with pytest.raises(UsageError, match="is no registry"):
        check_registry(registry)


def test_a_password_in_a_registry_is_refused_and_not_repeated():
    with pytest.raises(UsageError) as refused:
        check_registry("ann:geheim@registry.example")
    assert "geheim" not in str(refused.value)
