from __future__ import annotations

import pytest
from picsellia_processing.container.troubles import image_error


@pytest.mark.parametrize(
    ("printed", "cause", "cure"),
    [
        ("denied: requested access to the resource is denied", "refuses", "docker login registry.example"),
        ("no basic auth credentials", "refuses", "docker login registry.example"),
        ("unexpected status from HEAD request: 403 Forbidden", "refuses", "docker login registry.example"),
        ("dial tcp: lookup nowhere.invalid: no such host", "no such host", "check the name"),
        ("dial tcp 127.0.0.1:9: connect: connection refused", "does not answer", "check its name and port"),
        ("http: server gave HTTP response to HTTPS client", "speaks HTTP", "insecure-registries"),
        ("tls: failed to verify certificate: x509: unknown authority", "not trusted", "CA"),
        ("write /blob: no space left on device", "disk is full", "docker system prune"),
        ("permission denied while trying to connect to the Docker daemon socket", "may not use", "usermod"),
        (
            "ERROR: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
            "not answer",
            "start",
        ),
    ],
)
def test_cause_and_cure_of_what_docker_prints(printed, cause, cure):
    error = image_error("pushing a", f"The push refers to [a]\n{printed}\n", "registry.example")
    assert error.found.startswith("pushing a: ")
    assert cause in error.found
    assert f"Docker said: {printed}" in error.found.replace("\n  Docker said: The push refers to [a]", "")
    assert cure in error.cure


def test_what_is_not_known_is_told_as_it_is():
    error = image_error("building a", "#5 step\nERROR: process did not complete: exit code: 7\n")
    assert str(error) == "building a: it failed\n  Docker said: ERROR: process did not complete: exit code: 7"
    assert "nothing" in str(image_error("building a", ""))
