from __future__ import annotations


def test_torch_computes_on_the_cpu_and_brings_no_cuda(image):
    script = (
        "import torch; from importlib.metadata import distributions; "
        "assert torch.ones(3, 3).matmul(torch.ones(3, 3)).sum() == 27; assert torch.version.cuda is None; "
        "print(*(each.name for each in distributions() if each.name.startswith(('nvidia', 'triton'))))"
    )

    assert image.run("python", "-c", script).strip() == ""


def test_its_tag_names_its_torch(image):
    (torch, _) = image.run("python", "-c", "import torch; print(*torch.__version__.split('+'))").split()
    expected = f"torch{'.'.join(torch.split('.')[:2])}"

    assert image.name != "torch" or expected.replace(".", "-") in image.target
