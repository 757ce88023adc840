"""`pxp push`, with a real Docker Engine and a real registry."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess

from tests.images.shipping.author import PROCESSING, Registry, docker

ANN = "ann:$2y$05$abcdefghijklmnopqrstuuKcS.CYWVYVaLiiCKrrc0A5s3mGesJ9O\n"
"""The user ann, with the password `sesame`."""


def pushed(author) -> dict | None:
    record = author.folder / ".pxp" / "image.json"
    return json.loads(record.read_text()) if record.is_file() else None


def test_what_is_printed_and_recorded_is_what_the_registry_gives(author, registry):
    assert author.build().returncode == 0
    finished = author.push("--registry", f"{registry.address}/acme/")
    assert finished.returncode == 0, finished.stderr
    reference = finished.stdout.strip()
    image = f"{registry.address}/acme/{author.name}"
    inspect = ["docker", "buildx", "imagetools", "inspect", "--raw", reference]
    raw = subprocess.run(inspect, capture_output=True, check=True).stdout
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert reference == f"{image}:1.0.0@{digest}"
    assert pushed(author).items() >= {"image": image, "tag": "1.0.0", "digest": digest}.items()
    docker("image", "rm", "--force", f"{image}:1.0.0", author.image)
    docker("pull", "--quiet", f"{image}@{digest}")
    assert (
        json.loads(docker("run", "--rm", "--entrypoint=pxp", f"{image}@{digest}", "describe", "."))["name"] == "bright"
    )
    docker("image", "rm", "--force", f"{image}@{digest}")


def test_a_change_of_code_sends_little_and_the_same_image_nothing(author, registry):
    author.build()
    author.push("--registry", registry.address)
    before = registry.bytes()
    again = author.push("--registry", registry.address, "--json")
    assert json.loads(again.stdout)["reference"].startswith(f"{registry.address}/{author.image}@sha256:")
    assert registry.bytes() == before
    author.write({"processing.py": PROCESSING + "\nMORE = 1\n"})
    author.release("1.0.1")
    author.build()
    assert author.push("--registry", registry.address).returncode == 0
    assert 0 < registry.bytes() - before < 100_000


def test_a_version_never_changes_its_content_unnoticed(author, registry):
    author.build()
    author.push("--registry", registry.address)
    first = pushed(author)
    author.write({"processing.py": PROCESSING + "\nMORE = 1\n"})
    stale = author.push("--registry", registry.address)
    assert stale.returncode == 2
    assert "has changed since" in stale.stderr
    author.environment = {"host": "http://127.0.0.1:1", "api_token": "-"}
    stale = author.pxp("deploy", str(author.folder))
    assert stale.returncode == 2
    assert "has changed since" in stale.stderr
    author.build()
    refused = author.push("--registry", registry.address)
    assert refused.returncode == 2
    assert "with other content" in refused.stderr
    assert pushed(author) == first
    replaced = author.push("--registry", registry.address, "--overwrite")
    assert replaced.returncode == 0, replaced.stderr
    assert pushed(author)["digest"] != first["digest"]


def test_without_a_login_the_cause_and_the_cure_are_said_and_nothing_is_recorded(author, tmp_path):
    (tmp_path / "htpasswd").write_text(ANN)
    with Registry(tmp_path, tmp_path / "htpasswd") as guarded:
        author.build()
        refused = author.push("--registry", guarded.address)
        assert refused.returncode == 1
        assert f"docker login {guarded.address}" in refused.stderr
        assert pushed(author) is None
        login = ["docker", "login", guarded.address, "--username=ann", "--password-stdin"]
        subprocess.run(login, input="sesame", text=True, check=True, capture_output=True)
        try:
            repaired = author.push("--registry", guarded.address)
        finally:
            docker("logout", guarded.address)
        assert repaired.returncode == 0, repaired.stderr
        assert "sesame" not in repaired.stdout + repaired.stderr
        assert pushed(author) is not None


def test_without_a_registry_the_cause_is_said(author):
    author.build()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        silent = author.push("--registry", f"127.0.0.1:{nobody.getsockname()[1]}")
    assert silent.returncode == 1
    assert "does not answer" in silent.stderr
    unknown = author.push("--registry", "nowhere.invalid/acme")
    assert unknown.returncode == 1
    assert "there is no such host" in unknown.stderr
    assert pushed(author) is None


def test_what_is_wrong_with_the_command_is_refused_before_anything_is_sent(author):
    nothing_built = author.push("--registry", "registry.example/acme")
    assert nothing_built.returncode == 2
    assert "pxp build" in nothing_built.stderr
    no_registry = author.push()
    assert no_registry.returncode == 2
    assert "--registry" in no_registry.stderr
    password = author.push("--registry", "ann:geheim@registry.example")
    assert password.returncode == 2
    assert "geheim" not in password.stderr
    assert "docker login" in password.stderr
    author.environment = {"DOCKER_CONFIG": str(author.folder)}
    assert "docker has no buildx" in author.push("--registry", "registry.example/acme").stderr
