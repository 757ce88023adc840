from __future__ import annotations


def test_it_runs_on_the_cpu_and_brings_no_torch(image):
    script = (
        "import onnxruntime, importlib.util; assert importlib.util.find_spec('torch') is None; "
        "print(onnxruntime.get_available_providers())"
    )

    assert "CPUExecutionProvider" in image.run("python", "-c", script)
