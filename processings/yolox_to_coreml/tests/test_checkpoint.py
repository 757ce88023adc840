"""Official checkpoints are loaded whole and safely; what is none is refused; the network is the official one."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

SIZES = ("nano", "tiny", "s", "m", "l", "x")


def state_of(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(path, weights_only=True)["model"]
    return state


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[Any], Path]:
    def save(content: Any) -> Path:
        path = tmp_path / "best_ckpt.pth"
        torch.save(content, path)
        return path

    return save


@pytest.mark.parametrize("size", ["nano", "tiny", "s", "m"])
def test_size_and_classes_are_told_from_the_weights(modules: Any, saved: Callable[[Any], Path], size: str) -> None:
    network = modules.network.Yolox(modules.network.SIZES[size], 7)
    found = modules.checkpoint.load_checkpoint(saved({"model": network.state_dict()}))
    assert (found.size, found.classes) == (size, 7)
    assert not found.network.training
    picture = torch.rand(1, 3, 64, 64) * 255
    with torch.inference_mode():
        assert torch.equal(found.network(picture), network.eval()(picture))


def test_what_the_official_trainer_writes_beside_is_left(
    modules: Any, saved: Callable[[Any], Path], checkpoint: Any
) -> None:
    content = {
        "start_epoch": 300,
        "model": checkpoint.network.state_dict(),
        "best_ap": np.float64(0.4),
        "optimizer": {},
    }
    assert modules.checkpoint.load_checkpoint(saved(content)).classes == 3


def test_a_state_dict_alone_is_loaded(modules: Any, saved: Callable[[Any], Path], checkpoint: Any) -> None:
    assert modules.checkpoint.load_checkpoint(saved(checkpoint.network.state_dict())).size == "nano"


@pytest.mark.parametrize(
    "content", [b"", b"no checkpoint", b"\x80\x04}.", b"PK\x03\x04 no archive"], ids=["empty", "text", "pickle", "zip"]
)
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_what_is_no_checkpoint_is_refused(modules: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "best.pth"
    path.write_bytes(content)
    with pytest.raises(
        UsageError, match=rf"'best\.pth' cannot be used: found a file of {len(content)} bytes that is no"
    ):
        modules.checkpoint.load_checkpoint(path)


def test_half_a_checkpoint_is_refused(modules: Any, saved: Callable[[Any], Path], checkpoint: Any) -> None:
    path = saved({"model": checkpoint.network.state_dict()})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UsageError, match="that is no PyTorch checkpoint"):
        modules.checkpoint.load_checkpoint(path)


def test_code_is_refused_and_not_run(
    modules: Any, saved: Callable[[Any], Path], tmp_path: Path, checkpoint: Any
) -> None:
    trace = tmp_path / "executed"

    class Command:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (trace,)

    path = saved({"model": checkpoint.network.state_dict(), "more": Command()})
    with pytest.raises(UsageError, match=r"found a reference to \S+, which is no tensor and might run any code"):
        modules.checkpoint.load_checkpoint(path)
    assert not trace.exists()


def without_a_key(state: dict[str, Any]) -> None:
    del state["head.stems.2.bn.bias"]


def with_another_key(state: dict[str, Any]) -> None:
    state["head.extra.weight"] = torch.zeros(1)


def of_another_shape(state: dict[str, Any]) -> None:
    state["backbone.C3_p4.conv1.conv.weight"] = torch.zeros(1, 2, 3, 3)


def not_a_number(state: dict[str, Any]) -> None:
    state["head.stems.0.conv.weight"][0, 0] = torch.nan


def of_an_unknown_width(state: dict[str, Any]) -> None:
    state["backbone.backbone.stem.conv.conv.weight"] = torch.zeros(20, 12, 3, 3)


def no_tensor(state: dict[str, Any]) -> None:
    state["head.stems.2.bn.bias"] = "text"


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (without_a_key, r"do not fit YOLOX-nano: head\.stems\.2\.bn\.bias is missing"),
        (with_another_key, r"do not fit YOLOX-nano: head\.extra\.weight is unknown"),
        (of_another_shape, r"C3_p4\.conv1\.conv\.weight is \(1, 2, 3, 3\) instead of \(\d+, \d+, 1, 1\)"),
        (not_a_number, r"weights that are not finite numbers, in head\.stems\.0\.conv\.weight"),
        (of_an_unknown_width, r"a first convolution of 20 channels, which none of nano, tiny, s, m, l, x has"),
        (no_tensor, r"head\.stems\.2\.bn\.bias is a str"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    modules: Any, saved: Callable[[Any], Path], checkpoint: Any, damage: Callable[[Any], None], found: str
) -> None:
    state = copy.deepcopy(checkpoint.network.state_dict())
    damage(state)
    with pytest.raises(UsageError, match=found):
        modules.checkpoint.load_checkpoint(saved({"model": state}))


def test_another_architecture_is_refused(modules: Any, saved: Callable[[Any], Path]) -> None:
    for content in ({"model": torch.nn.Linear(2, 2).state_dict()}, {"epoch": 3}, {}):
        with pytest.raises(UsageError, match=r"found another architecture: there is no backbone\.backbone\.stem"):
            modules.checkpoint.load_checkpoint(saved(content))
    with pytest.raises(UsageError, match="found a list where the weights should be"):
        modules.checkpoint.load_checkpoint(saved([torch.zeros(2)]))


@pytest.fixture(scope="session")
def yolox(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """The published package, in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "fixture")
        published = __import__("published")
        try:
            yield published.import_yolox(request.config.cache.mkdir("published") / "yolox-0.4.3")
        except published.CannotInstallError as error:
            pytest.skip(f"the published package cannot be installed: {error}")
        finally:
            sys.modules.pop("published")


@pytest.mark.filterwarnings("ignore")  # of the published package
@pytest.mark.parametrize("size", SIZES)
def test_the_network_is_the_published_one(modules: Any, yolox: ModuleType, size: str) -> None:
    from yolox.config import YoloxConfig  # type: ignore[import-not-found]

    torch.manual_seed(0)
    theirs = YoloxConfig.get_named_config(f"yolox_{size}").get_model().eval()
    for name, values in theirs.state_dict().items():
        if "running" in name:  # as drawn, all layers are much alike
            values.uniform_(0.5, 1)
    ours = modules.network.Yolox(modules.network.SIZES[size], theirs.head.num_classes).eval()
    ours.load_state_dict(theirs.state_dict())
    pictures = torch.rand(2, 3, 64, 96) * 255
    with torch.inference_mode():
        expected, found = theirs(pictures), ours(pictures)
    assert expected.shape == found.shape == (2, 8 * 12 + 4 * 6 + 2 * 3, 85)
    assert (expected - found).abs().max() < 1e-6
