"""The two sides: how each is installed, and the command that runs its Job."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.rig import CACHE

if TYPE_CHECKING:
    from tests.benchmarks.rig import Rig, Run

HERE = Path(__file__).parent
NULL_MODEL = HERE / "null_model"
YOLO = HERE.parents[1] / "processings" / "yolo_preannotation"

PEER = ("picsellia-cv-engine==0.6.12", "picsellia-pipelines-cli==0.7.6", "picsellia==6.37.0")
PEER_CV2 = "opencv-python-headless==4.11.0.86"  # the last that takes the numpy 1 which the engine asks for
PEER_YOLO = ("torch==2.13.0", "torchvision==0.28.0", "ultralytics-opencv-headless==8.4.190")
_WRITE_TEMPLATE = """
import sys
from picsellia_pipelines_cli.commands.processing.templates.pre_annotation_template import PreAnnotationTemplate
PreAnnotationTemplate("preannotate", sys.argv[1]).write_all_files()
"""


def run_ours(rig: Rig, target: Path, *, select: bool = True, parameters: dict[str, object] | None = None) -> Run:
    """Run `target` as its container does: `pxp run`, the Job in the environment."""
    environment = rig.launch("ours", select=select, parameters=parameters)
    with tempfile.TemporaryDirectory(prefix="ours-", dir=CACHE) as folder:
        command = [sys.executable, "-m", "picsellia_processing", "run", str(target), "--out", f"{folder}/out"]
        return rig.run(command, environment, folder=Path(folder))


def run_peer(rig: Rig, *, yolo: bool = False) -> Run:
    """Run the vendor's template as it is generated, on the vendor's engine.

    Its one author's file imports `YOLO` from ultralytics: with `yolo` the real one, else the null model.
    """
    environment = rig.launch("peer")
    paths = [HERE / "peer_site", YOLO] if yolo else [HERE / "stand_in"]
    environment |= {
        "PYTHONPATH": ":".join(map(str, paths)), "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_VERBOSE": "0",
        "YOLO_CONFIG_DIR": str(CACHE / "ultralytics"),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="peer-", dir=CACHE) as folder:
        subprocess.run([_python(), "-c", _WRITE_TEMPLATE, folder], check=True, cwd=folder)
        return rig.run([_python(), f"{folder}/preannotate/pipeline.py"], environment, folder=Path(folder))


def install_peer(*, yolo: bool) -> None:
    """Make the peer's virtual environment, or complete it; nothing to do when that was done before."""
    wanted = [*PEER, PEER_CV2, *(PEER_YOLO if yolo else ())]
    done = CACHE / "peer" / "installed.json"
    if done.exists() and set(wanted) <= set(json.loads(done.read_text())):
        return
    print(f"installing {', '.join(wanted)} into {CACHE / 'peer'}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", CACHE / "peer"], check=True)
    subprocess.run([_python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted], check=True)
    done.write_text(json.dumps(wanted))


def _python() -> str:
    return str(CACHE / "peer" / "bin" / "python")
