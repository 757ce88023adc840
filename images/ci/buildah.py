"""Builds and pushes what `docker buildx bake` would, where no Docker Engine runs: with buildah.

    python images/ci/buildah.py PLAN METADATA

PLAN is what `docker buildx bake --print` says; that needs no engine. METADATA is written as `bake --metadata-file` does
it, with what was pushed. buildah is used as its environment configures it, and keeps every step it has built.

Attestations are left out: buildah makes none.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

Target = Mapping[str, Any]
KNOWN = {"args", "attest", "context", "contexts", "dockerfile", "labels", "output", "secret", "tags", "target"}


def main(plan: Path, metadata: Path) -> int:
    """Build every target of the plan after those it is made of; returns the exit code of the first step that fails."""
    targets: dict[str, Target] = json.loads(plan.read_text())["target"]
    refuse_unknown(targets)
    built: dict[str, str] = {}
    pushed: dict[str, dict[str, str]] = {}
    order = TopologicalSorter({name: parents(target).values() for name, target in targets.items()}).static_order()
    try:
        for name in order:
            print(f"== {name}", flush=True)
            built[name] = build(targets[name], built)
            if output(targets[name]).get("push") == "true":
                pushed[name] = push(targets[name], built[name])
    except subprocess.CalledProcessError as error:
        print(f"buildah.py: {' '.join(error.cmd)}: exit {error.returncode}", file=sys.stderr)
        return int(error.returncode)
    metadata.write_text(json.dumps(pushed, indent=2) + "\n")
    return 0


def refuse_unknown(targets: Mapping[str, Target]) -> None:
    """Exit where a target has a setting that would be passed over."""
    for name, target in targets.items():
        if unknown := sorted(target.keys() - KNOWN):
            sys.exit(f"buildah.py: {name}: expected no other settings than {', '.join(sorted(KNOWN))}, found {unknown}")


def parents(target: Target) -> dict[str, str]:
    """The targets that a target is made of, by the names that its Dockerfile has for them."""
    contexts = target.get("contexts", {}).items()
    return {name: context.removeprefix("target:") for name, context in contexts if context.startswith("target:")}


def output(target: Target) -> dict[str, str]:
    """Where the image goes: the options of the one output, as in `type=image,push=true`; nowhere without one."""
    (options,) = target.get("output") or [""]
    return dict(option.split("=", 1) for option in options.split(",") if option)


def build(target: Target, built: Mapping[str, str]) -> str:
    """Build one target; returns the image's id. `built` has the ids of those it is made of."""
    with tempfile.NamedTemporaryFile("r") as iid:
        words = ["--layers", "--pull=false", f"--iidfile={iid.name}", *options(target, built)]
        buildah("build", *words, target["context"])
        return iid.read().strip()


def options(target: Target, built: Mapping[str, str]) -> Iterator[str]:
    """What a target says, in buildah's words.

    An argument with the name of a context, as PARENT for `FROM ${PARENT}`, gets the image's id: buildah would look for
    an image of that name.
    """
    images = {name: built[parent] for name, parent in parents(target).items()}
    yield f"--file={Path(target['context'], target['dockerfile'])}"
    if "target" in target:
        yield f"--target={target['target']}"
    for name, value in target.get("args", {}).items():
        yield f"--build-arg={name}={images.get(value, value)}"
    for name, value in target.get("labels", {}).items():
        yield f"--label={name}={value}"
    for name, context in target.get("contexts", {}).items():
        yield f"--build-context={name}={f'container-image://{images[name]}' if name in images else context}"
    yield from (f"--secret={secret}" for secret in target.get("secret", []))
    yield from (f"--tag={tag}" for tag in target.get("tags", []))


def push(target: Target, image: str) -> dict[str, str]:
    """Push an image under all of its tags; returns what the metadata file says of it."""
    compression = output(target).get("compression", "gzip")
    with tempfile.NamedTemporaryFile("r") as digest:
        for tag in target["tags"]:
            buildah("push", "--quiet", f"--compression-format={compression}", f"--digestfile={digest.name}", image, tag)
        return {"containerimage.digest": digest.read().strip(), "image.name": ",".join(target["tags"])}


def buildah(*words: str) -> None:
    """Run buildah, with all it has to say on our own output."""
    subprocess.run(["buildah", *words], check=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:  # noqa: PLR2004 - the program, PLAN and METADATA
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
