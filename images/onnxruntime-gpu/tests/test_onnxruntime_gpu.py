from __future__ import annotations


def test_its_cuda_libraries_are_found_by_the_linker(image):
    script = (
        "import ctypes, glob, importlib.util, onnxruntime; assert importlib.util.find_spec('torch') is None; "
        "provider, = glob.glob(onnxruntime.__path__[0] + '/capi/libonnxruntime_providers_cuda.so'); "
        "print(onnxruntime.get_available_providers(), provider)"
    )
    said = image.run("python", "-c", script)

    assert "CUDAExecutionProvider" in said
    assert "not found" not in image.shell(
        f"ldd {said.split()[-1]} | grep -v libcuda.so.1 | grep -v libonnxruntime_providers_shared || true"
    )
