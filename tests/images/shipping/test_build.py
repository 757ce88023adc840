"""`pxp build`, with a real Docker Engine."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from picsellia_processing.container.context_folder import gather

from tests.images.shipping.author import PROCESSING, Author, docker, names

LISTING = ("run", "--rm", "--entrypoint=find")


def built(author: Author, *words: str) -> dict:
    finished = author.build("--json", *words)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_the_image_holds_the_code_its_description_and_a_bill(author):
    image = built(author)
    assert (image["name"], image["version"]) == (author.name, "1.0.0")
    assert image["id"] == docker("image", "inspect", "--format={{.Id}}", author.image)
    labels = json.loads(docker("image", "inspect", "--format={{json .Config.Labels}}", author.image))
    assert labels["org.opencontainers.image.version"] == "1.0.0"
    described = json.loads(author.pxp("describe", str(author.folder)).stdout)
    assert json.loads(labels["picsellia.processing.description"]) == described == image["description"]
    assert described["parameters"]["properties"]["least"]["default"] == 200
    bill = image["bill"]
    assert bill["bytes"] == sum(layer["bytes"] for layer in bill["layers"]) > 100_000_000
    heaviest = bill["packages"][0]
    assert heaviest["name"].startswith("numpy ")
    assert heaviest["bytes"] > 20_000_000
    tests = next(each for each in bill["needless"] if each["kind"] == "tests")
    assert any("numpy" in place["name"] for place in tests["places"])
    assert f"{author.image}-candidate" not in names()


def test_secrets_fixtures_and_history_stay_out_and_links_become_files(author):
    author.write(
        {
            ".env": "TOKEN=1", "keys/server.pem": "-", "fixture/fixture.toml": "", "tests/test_it.py": "",
            ".git/config": "", "model/labels.txt": "bright", ".dockerignore": "model/*.log\n", "model/train.log": "-",
            "../sibling.py": "VALUE = 1\n",
        }
    )  # fmt: skip
    (author.folder / "shared.py").symlink_to("../sibling.py")
    built(author)
    files = docker(*LISTING, author.image, "/processing", "-mindepth", "1", "-printf", "%P %y %m\n").splitlines()
    assert sorted(files) == [
        "model d 755", "model/labels.txt f 644", "processing.py f 644", "pyproject.toml f 644", "shared.py f 644",
    ]  # fmt: skip
    built(author, "--include", "fixture")
    assert "fixture.toml" in docker(*LISTING, author.image, "/processing", "-name", "fixture.toml")


def test_docker_itself_reads_a_dockerignore_the_same_way(author, tmp_path):
    """Files and rules that are easily read another way, sent as they are to Docker, and gathered by pxp."""
    names = ("a.txt", "b/a.txt", "b/c/a.txt", "b/c/d.log", "x.log", "keep.log", "b/keep.log", "q1", "q22", "e/f", "e/g")
    rules = ["*.log", "!keep.log", "**/c", "!b/c/d.log", "q?", "/a.txt", "e/**", "!e/g", "# comment", "", "b/[a-b].txt"]
    author.write({**dict.fromkeys(names, "-"), ".dockerignore": "\n".join(rules)})
    plain = tmp_path / "plain"
    shutil.copytree(author.folder, plain)
    (plain / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    docker("buildx", "build", f"--output=type=local,dest={tmp_path / 'sent'}", str(plain))
    sent = {path.relative_to(tmp_path / "sent").as_posix() for path in (tmp_path / "sent").rglob("*") if path.is_file()}
    assert sent - {"Dockerfile", ".dockerignore"} == set(gather(author.folder).files)


def test_the_same_files_are_the_same_in_an_image_whoever_has_them(author, tmp_path):
    """To the cache, and built again without it. (Docker gives the folder they lie in the time of the build.)"""
    first, files = built(author), code(author)
    again = Author(tmp_path / "elsewhere", author.base, author.name)
    again.begin()
    (again.folder / "processing.py").chmod(0o600)
    os.utime(again.folder / "processing.py", (1, 1))
    assert built(again)["id"] == first["id"]
    built(again, "--no-cache")
    assert code(again) == files
    assert {line.split()[2] for line in files} == {"315532800.0000000000"}


def code(author: Author) -> list[str]:
    """Each file of the code in the image, with its mode and time."""
    listed = docker(*LISTING, author.image, "/processing", "-type", "f", "-printf", "%P %m %T@\\n")
    return sorted(listed.splitlines())


def test_a_change_of_code_makes_one_small_layer_anew(author):
    built(author)
    before = json.loads(docker("image", "inspect", "--format={{json .RootFS.Layers}}", author.image))
    author.write({"processing.py": PROCESSING + "\nMORE = 1\n"})
    finished = author.build()
    after = json.loads(docker("image", "inspect", "--format={{json .RootFS.Layers}}", author.image))
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]
    assert finished.stdout.splitlines()[0].startswith(f"{author.image}  sha256:")
    assert "numpy" in finished.stdout


def test_what_has_not_changed_is_built_and_looked_into_once(author):
    first = author.build("--json")
    second = author.build("--json", "--tag", f"also-{author.name}:edge")
    assert json.loads(first.stdout) == json.loads(second.stdout)
    assert first.stderr.count("exporting to image") > second.stderr.count("exporting to image") > 0
    assert docker("image", "inspect", "--format={{.Id}}", f"also-{author.name}:edge") == json.loads(first.stdout)["id"]


def test_an_image_above_its_budget_is_refused_and_gets_no_name(author):
    finished = author.build("--budget", "100MB")
    assert finished.returncode == 1
    assert "above its budget of 100 MB" in finished.stderr
    assert "numpy" in finished.stderr
    assert author.image not in names()
    assert author.push("--registry", "127.0.0.1:1/acme").returncode == 2


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"processing.py": "import scipy_of_tomorrow\n"}, "No module named 'scipy_of_tomorrow'"),
        ({"processing.py": PROCESSING.replace("image: Image, ", "")}, "bright"),
        ({".dockerignore": "processing.py\n"}, "expected processing.py"),
    ],
)
def test_an_image_that_cannot_load_its_processing_is_refused(author, files, said):
    author.write(files)
    finished = author.build()
    assert finished.returncode == 1
    assert "the image cannot load its processing" in finished.stderr
    assert said in finished.stderr
    assert "requirements.txt" in finished.stderr
    assert not [image for image in names() if author.name in image]


def test_a_failing_step_is_told_in_dockers_own_words(author):
    author.write({"Dockerfile": f"FROM {author.base}\nRUN echo no such thing >&2 && false\nCOPY . .\n"})
    finished = author.build()
    assert finished.returncode == 1
    assert f"building {author.image}-candidate: it failed" in finished.stderr
    assert "no such thing" in finished.stderr


def test_another_base_is_taken_where_the_dockerfile_asks_for_one(author):
    author.write({"Dockerfile": "ARG BASE=not-there:1\nFROM ${BASE}\nCOPY . .\n"})
    assert built(author, "--base", author.base)["version"] == "1.0.0"
    author.write({"Dockerfile": f"FROM {author.base}\nCOPY . .\n"})
    refused = author.build("--base", author.base)
    assert refused.returncode == 2
    assert "ARG BASE" in refused.stderr


def test_docker_is_asked_for_where_it_is_missing(author, tmp_path):
    author.environment = {"PATH": str(tmp_path)}
    missing = author.build()
    assert missing.returncode == 1
    assert "docker is not installed" in missing.stderr
    author.environment = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    silent = author.build()
    assert silent.returncode == 1
    assert "the Docker daemon does not answer" in silent.stderr
    author.environment = {"DOCKER_CONFIG": str(tmp_path)}
    without_builder = author.build()
    assert without_builder.returncode == 1
    assert "docker has no buildx" in without_builder.stderr
    assert not (author.folder / ".pxp").exists()
