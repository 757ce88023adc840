"""What Docker's own messages mean, and what cures them."""

from __future__ import annotations

import re

NO_DOCKER = "docker is not installed (it is not on the PATH): see https://docs.docker.com/engine/install/"
NO_BUILDX = (
    "docker has no buildx, its builder: install the package docker-buildx-plugin (docker-buildx on Debian), "
    "or see https://github.com/docker/buildx#installing"
)

TROUBLES = {
    r"permission denied while trying to connect|dial unix .*: permission denied": (
        "this account may not use Docker: sudo usermod -aG docker $USER, and log in again"
    ),
    r"cannot connect to the docker daemon|error during connect|is the docker daemon running": (
        "the Docker daemon does not answer: start it (Docker Desktop, or `sudo systemctl start docker`), "
        "or correct DOCKER_HOST"
    ),
    r"no space left on device": "the disk is full: see `docker system df`, and free some with `docker system prune`",
    r"no basic auth credentials|unauthorized|authentication required|authorization failed|\bdenied\b|forbidden": (
        "the registry refuses: no login there, or no right to this repository; run `docker login REGISTRY`"
    ),
    r"server gave HTTP response to HTTPS client": (
        "the registry speaks HTTP and not HTTPS: name it in `insecure-registries` of Docker's daemon.json"
    ),
    r"x509|certificate": "the certificate is not trusted: give Docker the certificate of your network's CA",
    r"no such host|server misbehaving": "there is no such host: check its name, and the network",
    r"connection refused|i/o timeout|network is unreachable|no route to host|TLS handshake timeout|EOF$": (
        "the host does not answer: check its name and port, and the network"
    ),
}
"""Cause and cure, by what Docker prints; the first one that is found is taken."""

LAST_WORDS = 12


def explain(printed: str) -> str:
    """What Docker printed last, in a few lines, led by its cause and cure where they are known."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"error\b", line, re.IGNORECASE)]
    last = "\n".join((errors or lines)[-LAST_WORDS:]) or "it printed nothing"
    for pattern, cure in TROUBLES.items():
        if re.search(pattern, last, re.IGNORECASE | re.MULTILINE):
            return f"{cure}\nDocker said: {last}"
    return last
