from __future__ import annotations

import re

import pytest

LIBRARIES = ("libcudart.so", "libcublas.so", "libcublasLt.so", "libcudnn.so", "libnccl.so")


@pytest.fixture
def _with_torch(image):
    if image.arguments.get("REQUIREMENTS") == "none.txt":
        pytest.skip("built without its libraries, to try the Dockerfile alone")


def test_it_asks_for_the_gpus_and_for_what_it_needs_of_the_driver(image):
    assert image.environment["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert image.environment["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    assert "LD_LIBRARY_PATH" not in image.environment


@pytest.mark.usefixtures("_with_torch")
def test_torch_is_the_one_of_its_tag_and_built_for_its_cuda(image):
    torch, cuda = image.run("python", "-c", "import torch; print(torch.__version__, torch.version.cuda)").split()

    expected = f"cu{cuda.replace('.', '')}-torch{'.'.join(torch.split('.')[:2])}".replace(".", "-")
    assert expected in image.target or not image.name.startswith("cuda")


@pytest.mark.usefixtures("_with_torch")
def test_there_is_one_cuda(image):
    found = image.as_root(f"find / -xdev -type f \\( {' -o '.join(f'-name {name}*' for name in LIBRARIES)} \\)").split()

    for name in LIBRARIES:
        assert len([path for path in found if path.rpartition("/")[2].startswith(f"{name}.")]) == 1, name
    major = {match[1] for path in found if (match := re.search(r"libcudart\.so\.(\d+)", path))}
    assert len(major) == 1


@pytest.mark.usefixtures("_with_torch")
def test_torch_loads_without_a_gpu_and_says_that_there_is_none(image):
    assert image.run("python", "-c", "import torch, torchvision; print(torch.cuda.is_available())").strip() == "False"
