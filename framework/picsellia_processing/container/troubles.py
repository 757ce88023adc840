"""What Docker's own messages mean, and what cures them."""

from __future__ import annotations

import re

from picsellia_processing.errors import ImageError

INSTALL_DOCKER = "https://docs.docker.com/engine/install/"
INSTALL_BUILDX = (
    "install docker-buildx-plugin (docker-buildx on Debian), or see https://github.com/docker/buildx#installing"
)

TROUBLES = (
    (
        r"permission denied while trying to connect|dial unix .*: permission denied",
        "this account may not use Docker",
        "sudo usermod -aG docker $USER, and log in again",
    ),
    (
        r"cannot connect to the docker daemon|error during connect|is the docker daemon running",
        "the Docker daemon does not answer",
        "start Docker (Docker Desktop, or sudo systemctl start docker), or correct DOCKER_HOST",
    ),
    (
        r"no space left on device",
        "the disk is full",
        "docker system df shows what takes it, docker system prune frees some",
    ),
    (
        r"no basic auth credentials|unauthorized|authentication required|authorization failed|\bdenied\b|forbidden",
        "the registry refuses: there is no login to it, or no right to this repository",
        "docker login {registry}",
    ),
    (
        r"server gave HTTP response to HTTPS client",
        "the registry speaks HTTP and not HTTPS",
        "name it in insecure-registries of Docker's daemon.json",
    ),
    (r"x509|certificate", "the certificate is not trusted", "give Docker the certificate of your network's CA"),
    (r"no such host|server misbehaving", "there is no such host", "check the name of the registry, and the network"),
    (
        r"connection refused|i/o timeout|network is unreachable|no route to host|TLS handshake timeout|EOF$",
        "the registry does not answer",
        "check its name and port, and the network",
    ),
)
"""What Docker prints, what that means, and its cure. The first one that is found is taken."""

LAST_WORDS = 12


def image_error(doing: str, printed: str, registry: str = "REGISTRY") -> ImageError:
    """The error for what Docker printed when it failed at `doing`, with cause and cure where they are known."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"error\b", line, re.IGNORECASE)]
    last = (errors or lines)[-LAST_WORDS:] or ["nothing"]
    said = "".join(f"\n  Docker said: {line}" for line in last)
    for pattern, cause, cure in TROUBLES:
        if re.search(pattern, "\n".join(last), re.IGNORECASE | re.MULTILINE):
            return ImageError(f"{doing}: {cause}{said}", cure.format(registry=registry))
    return ImageError(f"{doing}: it failed{said}")
