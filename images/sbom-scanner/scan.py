"""Lists what is in the root file systems BuildKit hands over, with syft: an attestation with an SPDX document for each.

The protocol: https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SYFT = Path(sys.executable).with_name("syft")
# What is installed, as in an image; not what some requirements.txt only asks for.
OPTIONS = ("--output=spdx-json", "--override-default-catalogers=image", "--quiet")
SETTINGS = {"SYFT_FILE_METADATA_SELECTION": "none", "SYFT_CHECK_FOR_APP_UPDATE": "false", "HOME": "/tmp"}


def main() -> None:
    """Scan what the environment names, and write where it says."""
    destination = Path(os.environ["BUILDKIT_SCAN_DESTINATION"])
    extras = Path(os.environ.get("BUILDKIT_SCAN_SOURCE_EXTRAS") or os.devnull)
    roots = [Path(os.environ["BUILDKIT_SCAN_SOURCE"]), *(sorted(extras.iterdir()) if extras.is_dir() else ())]
    for root in roots:
        (destination / f"{root.name}.spdx.json").write_text(json.dumps(statement(root)))


def statement(root: Path) -> dict[str, object]:
    """The in-toto statement of what is below `root`; BuildKit adds what it is about."""
    command = [SYFT, "scan", f"dir:{root}", *OPTIONS]
    found = subprocess.run(command, env={**os.environ, **SETTINGS}, check=True, stdout=subprocess.PIPE).stdout
    return {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://spdx.dev/Document",
        "predicate": without_files(json.loads(found)),
    }


def without_files(document: dict[str, Any]) -> dict[str, Any]:
    """An SPDX document of packages alone: the list of their files would be ten times as large as all else."""
    files = {file["SPDXID"] for file in document.get("files", ())}
    relationships = [each for each in document["relationships"] if files.isdisjoint(each.values())]
    return {**document, "files": [], "relationships": relationships}


if __name__ == "__main__":
    main()
