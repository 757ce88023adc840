"""Writes a bake file for processings, and the folders they are built from.

    python images/ci/processings.py OUT [FOLDER...]

OUT/processings.json gets one target for each FOLDER, named as the folder: built from a copy in which links are files,
on the base image that its Dockerfile names, which is a target of docker-bake.hcl. Without a FOLDER, all of processings/
that have a Dockerfile.
"""

import json
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE = re.compile(r"^ARG BASE=processing-(?P<image>[a-z-]+):(?P<tag>\S+)$", re.MULTILINE)


def main(out: Path, folders: list[Path]) -> None:
    """Write `out`, anew."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    targets = {folder.name: target(folder, out) for folder in folders}
    (out / "processings.json").write_text(json.dumps({"target": targets}, indent=2) + "\n")


def target(folder: Path, out: Path) -> dict[str, object]:
    """The bake target of one processing, with its context copied below `out`."""
    found = BASE.search((folder / "Dockerfile").read_text())
    if found is None:
        sys.exit(f"{folder}/Dockerfile: expected a line ARG BASE=processing-IMAGE:TAG")
    context = shutil.copytree(folder, out / folder.name)
    base = f"{found['image']}-{found['tag']}".replace(".", "-")
    name = f"processing-{folder.name.replace('_', '-')}"
    return {
        "inherits": ["_common", "_image"],
        "context": str(context),
        "args": {"BASE": "base"},
        "contexts": {"base": f"target:{base}"},
        "tags": [f'${{image_name("{name}", VERSION)}}'],
    }


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    chosen = [Path(each) for each in sys.argv[2:]]
    main(Path(sys.argv[1]), chosen or [path.parent for path in sorted(ROOT.glob("processings/*/Dockerfile"))])
