"""Writes the digests that the Python images have now into bases.lock.json. Needs docker buildx, and their registry."""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parents[1] / "bases.lock.json"


def main() -> int:
    """Pin them all, or none: returns 1 and leaves the file as it is where one cannot be looked up."""
    lock = json.loads(LOCK.read_text())
    images = lock["variable"]["PYTHON_IMAGES"]["default"].values()
    try:
        for each in images:
            each["digest"] = digest(each["image"])
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or error
        print(f"pin.py: {each['image']} cannot be looked up, nothing was written: {reason}", file=sys.stderr)
        return 1
    LOCK.write_text(written(lock))
    return 0


def digest(image: str) -> str:
    """The digest of an image's index: of all the platforms it is there for."""
    command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", image]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def written(lock: dict[str, object]) -> str:
    """The file's text, with one line for each image."""
    text = json.dumps(lock, indent=2)
    return (
        text.replace('{\n          "image"', '{"image"')
        .replace(',\n          "digest"', ', "digest"')
        .replace("\n        }", "}")
        + "\n"
    )


if __name__ == "__main__":
    sys.exit(main())
