from __future__ import annotations


def test_torch_computes_on_the_cpu_and_brings_no_cuda(image):
    script = "import torch; print(torch.ones(3, 3).matmul(torch.ones(3, 3)).sum().item(), torch.version.cuda)"
    libraries = "find / -xdev -name 'libcudart*' -o -xdev -name 'libcublas*' -o -xdev -name 'libcudnn*'"

    assert image.run("python", "-c", script).strip() == "27.0 None"
    # torchvision of PyPI, which a processing may add, brings one small library of CUDA.
    assert [path for path in image.as_root(libraries).split() if "torchvision.libs" not in path] == []


def test_it_has_nothing_that_only_a_compiler_reads(image):
    folders = "cd /opt/processing/lib/python3.*/site-packages/torch && ls -d test include 2>/dev/null || true"

    assert image.shell(folders).strip() == ""


def test_its_tag_names_its_torch(image):
    torch = image.run("python", "-c", "import torch; print(torch.__version__)").strip()
    expected = f"torch{'-'.join(torch.split('.')[:2])}"

    assert expected in image.target or image.name != "torch"
