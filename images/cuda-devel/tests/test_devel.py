from __future__ import annotations


def test_it_compiles_and_links(image):
    script = "echo 'int main() { return 0; }' >/tmp/a.cpp && g++ /tmp/a.cpp -o /tmp/a && /tmp/a && echo compiled"

    assert image.shell(script).strip() == "compiled"
