#!/usr/bin/env bash
# Builds images on a plain Debian machine, pushes them to a registry on loopback, and tests what comes back from there.
#
#   test.sh          what every change is tested with: the images for CPUs, a processing of each kind, cuda without torch
#   test.sh cuda     the image cuda as it is, and those like it: 20 GB of disk
#
# Uses the Docker Engine that engine.sh brings up, or the machine's own where that cannot be; where there is none, says
# so loudly and ends with 0. PYTHON has pytest and the framework.
set -euo pipefail
cd "$(dirname "$0")/../.."

PYTHON=${PYTHON:-python3}
WORK=$(mktemp -d)
ENGINE_UP=
trap finish EXIT

finish() {
    [ -z "$ENGINE_UP" ] || images/ci/engine.sh down
    rm -rf "$WORK"
}

skip() {
    printf '\n%s\n' "************ IMAGES ARE NOT TESTED: $*" >&2
    exit 0
}

lap() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

main() {
    local targets=(cpu-python3-11 onnxruntime-python3-11 image_tiler yolo_preannotation)
    [ "${1:-}" != cuda ] || targets=(cuda-cu128-torch2-10-python3-11 cuda-devel-cu128-torch2-10-python3-11 onnxruntime-gpu-python3-11)
    start_engine
    build "${targets[@]}"
    "$PYTHON" -m pytest images --import-mode=importlib --bake "$WORK/bake.json" --built "$WORK/built.json" -q
    lap "tested"
}

start_engine() {
    local environment base
    if environment=$(images/ci/engine.sh up); then
        ENGINE_UP=yes
        eval "$environment"
    else
        skip "no Docker Engine can be started here (it needs root, Debian, and what a container may not do)"
    fi
    lap "engine and registry are up"
    base=$(images/ci/base.sh 3.11)
    lap "$base is there"
    echo "{\"variable\": {\"PYTHON_IMAGES\": {\"default\": {\"3.11\": {\"image\": \"$base\", \"digest\": \"\"}}}}}" >"$WORK/bases.json"
}

build() {
    export UNPINNED=yes BASES=$WORK/bases.json CONTEXTS=$WORK/contexts
    export OUTPUT=type=image,push=true CA_BUNDLE=${CA_BUNDLE:-${SSL_CERT_FILE:-}} WHEELS=${WHEELS:-${PIP_FIND_LINKS:-}}
    images/bake.sh print "$@" >"$WORK/bake.json"
    images/bake.sh push "$@" -- --metadata-file "$WORK/built.json" --progress plain >"$WORK/bake.log" 2>&1 || { tail -40 "$WORK/bake.log"; exit 1; }
    lap "built and pushed: $*"
}

main "$@"
