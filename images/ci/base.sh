#!/usr/bin/env bash
# Makes a stand-in for the official image python:X.Y-slim where Docker Hub is out of reach: Debian's own Python, on a
# minimal Debian. Prints the image's name in the engine of DOCKER, which is docker or podman.
#
#   base.sh 3.11 | 3.13
#
# Needs root. The root file system is kept in PXP_CACHE: making it takes half a minute.
set -euo pipefail

CACHE=${PXP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/picsellia-processing}
PYTHON=$1
DOCKER=${DOCKER:-docker}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

case $PYTHON in
3.11) SUITE=bookworm ;;
3.13) SUITE=trixie ;;
*) echo "base.sh: Debian has Python 3.11 and 3.13, found '$PYTHON'" >&2; exit 1 ;;
esac
IMAGE=stand-in/python:$PYTHON-slim-$SUITE
MADE_BY=$(sha256sum "$0" | head -c 12) # what another state of this script has made is made anew
ROOT=$CACHE/python-$PYTHON-slim-$SUITE-$MADE_BY.tar

main() {
    if [ "$("$DOCKER" image inspect --format '{{index .Config.Labels "made-by"}}' "$IMAGE" 2>/dev/null)" != "$MADE_BY" ]; then
        [ -e "$ROOT" ] || make_root
        "$DOCKER" import -c "LABEL made-by=$MADE_BY" -c 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' -c 'CMD ["python3"]' "$ROOT" "$IMAGE" >/dev/null
    fi
    echo "$IMAGE"
}

# usrmerge goes again, with the perl it brings: the official image has neither. It has Python's headers.
make_root() {
    command -v mmdebstrap >/dev/null || (apt-get update -qq && apt-get install -y -qq --no-install-recommends mmdebstrap) >&2
    mkdir -p "$CACHE"
    rm -f "${ROOT%-*}"*.tar
    sources | mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv \
        --aptopt='Apt::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --customize-hook='chroot "$1" apt-get -qq purge --yes usr-is-merged+ "?and(?installed,?or(?name(perl),?name(usrmerge)),?not(?essential))" >/dev/null 2>&1' \
        --customize-hook='folder=$(mktemp --directory) && cd "$folder" && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq download libpython'"$PYTHON"'-dev && dpkg --extract ./*.deb . && cp -r usr/include "$1/usr/" && rm -r "$folder"' \
        --customize-hook='ln -s python3 "$1/usr/bin/python"' \
        --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin' \
        --customize-hook='echo "Dir::Cache::pkgcache \"\"; Dir::Cache::srcpkgcache \"\";" >"$1/etc/apt/apt.conf.d/no-cache"' \
        "$SUITE" "$ROOT.part.tar" - >&2
    mv "$ROOT.part.tar" "$ROOT"
}

# The machine's own mirrors, at the release that has this Python.
sources() {
    apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' | sort -u | while read -r site release; do
        case $release in
        *-security) echo "deb [signed-by=$KEYRING] $site $SUITE-security main" ;;
        *-updates) echo "deb [signed-by=$KEYRING] $site $SUITE-updates main" ;;
        *) echo "deb [signed-by=$KEYRING] $site $SUITE main" ;;
        esac
    done
}

main
