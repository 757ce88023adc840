from __future__ import annotations


def test_it_compiles_and_links(image):
    script = "echo 'int main() { return 0; }' >/tmp/a.cpp && g++ /tmp/a.cpp -o /tmp/a && /tmp/a && echo compiled"

    assert image.shell(script).strip() == "compiled"


def test_torch_runs_what_it_has_compiled(image):
    script = "import torch; print(torch.compile(lambda x: torch.sin(x) + 1)(torch.zeros(4)).sum().item())"

    assert image.run("python", "-c", script).strip() == "4.0"


def test_triton_finds_the_headers_of_what_it_compiles(image):
    headers = "import sysconfig, triton.backends.nvidia as t; print(sysconfig.get_path('include'), *t.__path__)"
    script = f'set -- $(python -c "{headers}") && gcc -fsyntax-only -I "$1" -I "$2/include" "$2/driver.c" && echo found'

    assert image.shell(script).strip() == "found"
