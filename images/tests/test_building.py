"""What a build takes in, what it leaves out, and how little a change costs."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from ..conftest import PODMAN, blob, contents, docker, layers, raw_manifest, repository, wait_for

ROOT = Path(__file__).parents[2]
SECRET = "a-secret-that-nobody-may-find-0815"
SECRET_FILES = (".env", ".env.production", ".git/config", "sub/.env", "server.key", "sub/server.pem")


@pytest.fixture(scope="module")
def parent(images):
    """A name for the image cpu that a Dockerfile of these tests can begin with."""
    return images["cpu"].reference


@pytest.mark.parametrize(
    "ignored",
    [ROOT, *(path.parent for path in sorted(ROOT.glob("processings/*/.dockerignore")))],
    ids=lambda path: path.name,
)
def test_no_secret_and_no_history_gets_into_a_build(ignored, tmp_path):
    context, out = tmp_path / "context", tmp_path / "out"
    for folder in (context, context / "framework"):
        for name in SECRET_FILES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(SECRET)
    (context / "framework" / "module.py").write_text("")
    shutil.copy(ignored / ".dockerignore", context)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")

    docker("build", "--file", str(tmp_path / "Dockerfile"), "--output", f"type=local,dest={out}", str(context))

    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} - {".dockerignore"} == {
        "framework/module.py"
    }


@pytest.fixture
def push(images):
    """Builds a folder and pushes it beside the image cpu; returns its name there."""
    names = []

    def push(name, context, *options):
        names.append(f"{images['cpu'].reference.partition('/')[0]}/{name}")
        docker("build", *options, "--tag", names[-1], str(context))
        docker("push", names[-1])
        return names[-1]

    yield push
    docker("rmi", "--force", *names, code=None)


def test_build_secrets_are_used_and_leave_no_trace(parent, push, tmp_path):
    bundle, pip_conf, context = tmp_path / "ca.crt", tmp_path / "pip.conf", tmp_path / "context"
    bundle.write_text(f"# {SECRET}\n" + Path("/etc/ssl/certs/ca-certificates.crt").read_text())
    pip_conf.write_text(f"# {SECRET}\n[global]\nno-index = true\n")
    context.mkdir()
    (context / "requirements.txt").write_text("tqdm\n")
    (context / "missing.txt").write_text("a-package-that-is-nowhere\n")
    (context / "Dockerfile").write_text(
        f"FROM {parent}\nUSER root\nCOPY *.txt ./\n"
        "RUN --mount=type=secret,id=ca --mount=type=secret,id=pip install-requirements requirements.txt && "
        "(install-requirements missing.txt >/processing/pip.log 2>&1 || echo refused >/processing/refused)\n"
    )

    secrets = (f"id=ca,src={bundle}", f"id=pip,src={pip_conf}")
    options = [word for secret in secrets for word in ("--secret", secret)]
    image = push("secrets:latest", context, "--no-cache", *options)

    log = docker("run", "--rm", image, "cat", "pip.log").stdout
    assert "a-package-that-is-nowhere" in log  # the pip.conf was used: nothing was looked for on an index
    assert "a constraints.txt of your own" in log
    assert docker("run", "--rm", image, "cat", "refused").stdout == "refused\n"
    pushed = list(everything(image))
    assert any(b"a-package-that-is-nowhere" in content for content in pushed)  # so what lies in a layer is found
    assert not any(SECRET.encode() in content for content in pushed)


def everything(reference):
    """All that was pushed: manifests, configurations, attestations, and layers; what was built just now is unpacked."""
    name = repository(reference)
    manifest = raw_manifest(reference)
    yield json.dumps(manifest).encode()
    for each in manifest.get("manifests", ()):
        yield from everything(f"{name}@{each['digest']}")
    for each in (manifest["config"], *manifest["layers"]) if "config" in manifest else ():
        content = blob(name, each["digest"])
        yield gzip.decompress(content) if each["mediaType"].endswith("gzip") else content


def test_a_change_of_code_costs_one_small_layer(images, push, tmp_path):
    before = images["image_tiler"]
    context = shutil.copytree(ROOT / "processings" / "image_tiler", tmp_path / "image_tiler")
    with (context / "processing.py").open("a") as file:
        file.write("# changed\n")

    name = push("processing-image-tiler:changed", context, "--build-arg", f"BASE={images['cpu'].reference}")

    assert contents(name)[:-1] == before.contents[:-1]
    assert contents(name)[-1] != before.contents[-1]
    assert layers(name)[-1]["size"] < 1_000_000


def test_the_framework_is_the_last_layer_of_a_base_and_small(images):
    for name in ("cpu", "onnxruntime", "torch", "cuda"):
        if name in images:
            assert images[name].layers[-1]["size"] < 1_000_000, name
    shared = images["cpu"].contents[:-1]
    assert images["onnxruntime"].contents[: len(shared)] == shared


def test_an_old_dockerfile_of_the_vendor_still_stops_cleanly(parent, tmp_path):
    (tmp_path / "main.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    (tmp_path / "Dockerfile").write_text(
        f'FROM {parent}\nWORKDIR /experiment\nCOPY main.py .\nENTRYPOINT ["run", "python3.11", "main.py"]\n'
    )
    docker("build", "--tag", "old-dockerfile", str(tmp_path))
    container = docker("run", "--detach", "old-dockerfile").stdout.strip()
    try:
        wait_for("ready", container)
        docker("stop", "--time", "30", container)
        assert docker("wait", container).stdout.strip() == "143"
    finally:
        docker("rm", "--force", container)
        docker("rmi", "old-dockerfile")


@pytest.mark.skipif(PODMAN, reason="NOT TESTED: only buildx can set the times of what it builds")
def test_two_builds_from_nothing_are_one_image(tmp_path):
    digests = {_built_anew(tmp_path / f"{number}.tar") for number in (1, 2)}

    assert len(digests) == 1


def _built_anew(out):
    output = f"cpu-python3-11.output=type=oci,dest={out},rewrite-timestamp=true"
    command = [
        str(ROOT / "images" / "bake.sh"),
        "load",
        "cpu-python3-11",
        "--",
        "--no-cache",
        "--provenance=false",
        "--set",
        output,
    ]
    # Another time than usual: what is built here must not be taken from the cache by anybody else.
    variables = {**os.environ, "SOURCE_DATE_EPOCH": "315619200"}
    for _ in range(2):  # a download may fail
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr
    with tarfile.open(out) as archive:
        manifests = json.loads(archive.extractfile("index.json").read())["manifests"]
    (digest,) = {manifest["digest"] for manifest in manifests}  # one manifest for each tag
    return digest


@pytest.mark.skipif(PODMAN, reason="NOT TESTED: buildx lists what is in an image, buildah does not")
def test_what_is_in_an_image_is_listed_with_it(images):
    for name, expected in {"cpu": "picsellia-processing", "yolo_preannotation": "ultralytics-opencv-headless"}.items():
        packages = _attested(images[name].reference, "https://spdx.dev/Document")["packages"]

        assert {"tini", "picsellia", expected} <= {package["name"] for package in packages}, name


def _attested(reference, kind):
    """The predicate of this kind that was pushed with an image."""
    image = repository(reference)
    (attestation,) = (
        each["digest"]
        for each in raw_manifest(reference)["manifests"]
        if each.get("annotations", {}).get("vnd.docker.reference.type") == "attestation-manifest"
    )
    (layer,) = (
        layer
        for layer in raw_manifest(f"{image}@{attestation}")["layers"]
        if layer["annotations"]["in-toto.io/predicate-type"] == kind
    )
    return json.loads(blob(image, layer["digest"]))["predicate"]
