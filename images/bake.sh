#!/usr/bin/env bash
# docker buildx bake, with the files of this folder, and with the processings as further targets.
#
#   images/bake.sh push [TARGET...]     build, and push to REGISTRY; only on Python images that are pinned
#   images/bake.sh load [TARGET...]     build, and have the images in the local engine
#   images/bake.sh print [TARGET...]    show what would be built; needs no engine
#
# A TARGET is one of docker-bake.hcl or the folder's name of a processing; without one it is the group `default`. What
# follows a -- is handed to bake. Variables of docker-bake.hcl, such as CA_BUNDLE and WHEELS, are taken from the environment.
#
# BASES      file with the Python images (default: images/bases.lock.json)
# UNPINNED   push even where a Python image has no digest
# SBOM       how a push lists what is in an image: `true`, with the scanner that BuildKit fetches from Docker Hub (the
#            default), `generator=IMAGE`, with another one (the target sbom-scanner is one), or `false`
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "bake.sh: $*" >&2; exit 2; }

ACTION=${1:-} && shift || true
TARGETS=() && while [ $# -gt 0 ] && [ "$1" != -- ]; do TARGETS+=("$1"); shift; done
[ $# = 0 ] || shift
BASES=${BASES:-images/bases.lock.json}
OPTIONS=(--provenance=mode=max)

docker buildx version >/dev/null 2>&1 || fail "docker buildx is missing: install Docker's buildx plugin (docker.com, or your distribution's docker-buildx)"
[ "$ACTION" = print ] || docker info >/dev/null 2>&1 || fail "no Docker Engine answers: start it, or set DOCKER_HOST"

case $ACTION in
push)
    [ -n "${REGISTRY:-}" ] || fail "expected REGISTRY, where to push to, as in REGISTRY=registry.example.com/team; use \`load\` to build for this machine"
    if [ -z "${UNPINNED:-}" ] && grep -q '"digest": ""' "$BASES"; then fail "$BASES has Python images without a digest: run \`make image-pin\` and commit it"; fi
    export SBOM=${SBOM:-true}
    # The builder inside an engine cannot rewrite times; a builder of its own (docker buildx create --use) can.
    if docker buildx inspect 2>/dev/null | grep -q '^Driver: *docker$'; then export OUTPUT=${OUTPUT:-type=image,push=true}; fi
    ;;
load) export OUTPUT=type=docker SBOM=false ;;
print) OPTIONS+=(--print) ;;
*) fail "expected push, load or print, found '$ACTION'" ;;
esac

if [ -z "${CONTEXTS:-}" ]; then
    CONTEXTS=$(mktemp -d)
    trap 'rm -rf "$CONTEXTS"' EXIT
fi
python3 images/ci/processings.py "$CONTEXTS"
VERSION=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
REVISION=$(git rev-parse HEAD 2>/dev/null || true)
export VERSION REVISION BUILDX_NO_DEFAULT_LOAD=1 # what is only a parent is not made an image of its own
docker buildx bake --file images/docker-bake.hcl --file images/compatibility.json --file "$BASES" \
    --file "$CONTEXTS/processings.json" "${OPTIONS[@]}" "$@" "${TARGETS[@]}" ||
    fail "the build or the push failed, for the reason above; a push that is denied wants \`docker login\`"
