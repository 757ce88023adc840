from __future__ import annotations

import pytest
from picsellia_processing.container.weight import Needless, Package, Weight, WeightBill, twice
from picsellia_processing.errors import ImageError

BILL = WeightBill(
    bytes=900_000_000,
    layers=[Weight(name="the base image", bytes=200_000_000), Weight(name="pip install torch", bytes=700_000_000)],
    packages=[Weight(name="torch 2.13.0", bytes=650_000_000), Weight(name="numpy 2.3.5", bytes=50_000_000)],
    needless=[Needless(kind="tests", bytes=80_000_000, places=[Weight(name="/torch/test", bytes=80_000_000)])],
    twice=["CUDA: 3 GB from wheels and 2 GB from system"],
)


@pytest.mark.parametrize("budget", [None, 900_000_000, 10**12])
def test_an_image_within_its_budget_passes(budget):
    BILL.check(budget)


def test_an_image_above_its_budget_is_refused_with_what_is_heaviest():
    with pytest.raises(ImageError) as refused:
        BILL.check(899_999_999)
    message = str(refused.value)
    assert message.startswith("the image weighs 900 MB, above its budget of 900 MB")
    for said in ("pip install torch", "650 MB  torch 2.13.0", "80 MB  tests", "CUDA: 3 GB"):
        assert said in message
    assert message.index("pip install torch") < message.index("the base image")


def test_the_bill_names_layers_packages_and_what_no_run_needs():
    lines = "\n".join(BILL.lines())
    assert lines.startswith("900 MB unpacked, in 2 layers")
    assert "80 MB  tests (/torch/test)" in lines
    assert "twice: CUDA" in lines


def test_two_cudas_are_named():
    assert twice([], {"wheels": 3 * 10**9}) == []
    assert twice([], {"wheels": 3 * 10**9, "system": 1000}) == []
    assert "3.00 GB from wheels and 2.00 GB from system" in twice([], {"wheels": 3 * 10**9, "system": 2 * 10**9})[0]


def test_one_nvidia_library_for_two_cudas_is_named():
    names = ["nvidia-cublas-cu12", "nvidia-cublas", "nvidia-cudnn-cu13", "torch"]
    packages = [Package(installer="pip", name=name, version="1", bytes=10**9) for name in names]
    assert twice(packages, {}) == ["nvidia-cublas-cu12 1 (1.00 GB) and nvidia-cublas 1 (1.00 GB)"]
