"""What buildah is asked for, where it builds what bake would. That it does so is tested by `make image-test`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "images" / "ci" / "buildah.py"
PLAN = {
    "tiler": {
        "context": "tiler",
        "dockerfile": "Dockerfile",
        "contexts": {"base": "target:cpu"},
        "args": {"BASE": "base"},
        "tags": ["localhost:5000/tiler:1"],
        "output": ["type=image,push=true"],
        "attest": ["type=provenance,mode=max"],
    },
    "cpu": {
        "context": "images/cpu",
        "dockerfile": "Dockerfile",
        "contexts": {"framework": "target:framework", "wheels": "/wheels"},
        "args": {"PARENT": "python:3.11"},
        "labels": {"title": "the image cpu"},
        "secret": ["id=ca,src=/ca.crt"],
        "tags": ["localhost:5000/cpu:1", "localhost:5000/cpu:2"],
        "target": "image",
        "output": ["type=image,push=true,compression=zstd"],
    },
    "framework": {"context": ".", "dockerfile": "images/framework/Dockerfile", "output": ["type=cacheonly"]},
}
BUILDAH = """#!/bin/sh
echo "$*" >>calls
case "$*" in *$FAIL*) exit 7;; esac
number=$(wc -l <calls)
for word; do
    case $word in
    --iidfile=*) echo "sha256:built-$number" >"${word#*=}" ;;
    --digestfile=*) echo "sha256:pushed-$number" >"${word#*=}" ;;
    esac
done
"""


@pytest.fixture
def run(tmp_path):
    """Run the program on a plan, with a `buildah` that only notes what it was asked for."""
    (tmp_path / "buildah").write_text(BUILDAH)
    (tmp_path / "buildah").chmod(0o755)

    def run(plan, fail="nothing at all"):
        (tmp_path / "plan.json").write_text(json.dumps({"target": plan}))
        variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAIL": fail}
        command = [sys.executable, PROGRAM, "plan.json", "built.json"]
        return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)

    return run


def test_each_target_is_built_of_those_before_it_and_pushed_where_the_plan_says_so(run, tmp_path):
    assert run(PLAN).returncode == 0

    framework, cpu, first, second, tiler, third = (tmp_path / "calls").read_text().splitlines()
    assert framework.endswith("--file=images/framework/Dockerfile .")
    for words in (
        "--target=image --build-arg=PARENT=python:3.11 --label=title=the image cpu",
        "--build-context=framework=container-image://sha256:built-1 --build-context=wheels=/wheels",
        "--secret=id=ca,src=/ca.crt --tag=localhost:5000/cpu:1 --tag=localhost:5000/cpu:2 images/cpu",
    ):
        assert words in cpu
    for push, tag in ((first, "cpu:1"), (second, "cpu:2")):
        assert "--compression-format=zstd" in push
        assert push.endswith(f"sha256:built-2 localhost:5000/{tag}")
    assert "--build-arg=BASE=sha256:built-2" in tiler
    assert "--compression-format=gzip" in third
    assert json.loads((tmp_path / "built.json").read_text()) == {
        "cpu": {
            "containerimage.digest": "sha256:pushed-4",
            "image.name": "localhost:5000/cpu:1,localhost:5000/cpu:2",
        },
        "tiler": {"containerimage.digest": "sha256:pushed-6", "image.name": "localhost:5000/tiler:1"},
    }


def test_the_first_failure_is_the_last_step(run, tmp_path):
    done = run(PLAN, fail="images/cpu")

    assert done.returncode == 7
    assert done.stderr.startswith("buildah.py: buildah build ")
    assert len((tmp_path / "calls").read_text().splitlines()) == 2
    assert not (tmp_path / "built.json").exists()


def test_a_setting_that_buildah_would_pass_over_is_refused_before_anything_is_built(run, tmp_path):
    done = run({"cpu": {**PLAN["cpu"], "platforms": ["linux/arm64"]}})

    assert done.returncode == 1
    assert "cpu: expected no other settings than args, " in done.stderr
    assert "found ['platforms']" in done.stderr
    assert not (tmp_path / "calls").exists()
