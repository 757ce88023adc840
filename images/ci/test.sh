#!/usr/bin/env bash
# Builds images on a plain Debian machine, pushes them to a registry on loopback, and tests what comes back from there.
#
#   test.sh          what every change is tested with: the images for CPUs, a processing of each kind, cuda without torch
#   test.sh cuda     the image cuda as it is, and those like it: 50 GB of disk
#
# The engine is Docker's, or buildah and podman where that cannot be brought up; ENGINE, docker or podman, leaves no
# choice. Where neither can, it says so loudly and ends with 0. PYTHON has pytest and the framework.
set -euo pipefail
cd "$(dirname "$0")/../.."

PYTHON=${PYTHON:-python3}
CACHE=${PXP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/picsellia-processing}
WORK=$(mktemp -d)
ENGINE_UP=
SCANNER=processing-sbom-scanner:syft1.18
CUDA=cu128-torch2-10-python3-11
PYTHONS=(3.11 3.13) # those that Debian has: 3.12 has no stand-in
trap finish EXIT

finish() {
    [ -z "$ENGINE_UP" ] || images/ci/engine.sh "$ENGINE_UP"
    rm -rf "$WORK"
}

skip() {
    printf '\n%s\n' "************ IMAGES ARE NOT TESTED: $*" >&2
    exit 0
}

lap() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

main() {
    local targets settings tests
    if [ "${1:-}" = cuda ]; then
        targets=("cuda-$CUDA" "cuda-devel-$CUDA" onnxruntime-gpu-python3-11)
        settings=()
        tests=(images/cpu images/cuda images/cuda-devel images/onnxruntime-gpu)
        export ENGINE_DIR=$CACHE/engine-for-cuda
    else
        targets=(cpu-python3-11 cpu-python3-13 onnxruntime-python3-11 "cuda-$CUDA" image_tiler yolo_preannotation)
        settings=(--set 'cuda-*.args.REQUIREMENTS=none.txt')
        tests=(images tests/images)
        find_wheels
    fi
    start_engine
    build "${targets[@]}" -- "${settings[@]}"
    "$PYTHON" -m pytest "${tests[@]}" --import-mode=importlib -n 2 --dist worksteal --durations 10 --bake "$WORK/bake.json" --built "$WORK/built.json"
    lap "tested"
    [ "$ENGINE" = podman ] || docker buildx prune --force --keep-storage 20gb >/dev/null
    "$DOCKER" image prune --all --force --filter until=240h >/dev/null
}

# PyTorch for CPUs is not on PyPI: it comes from where this machine's pip finds it.
find_wheels() {
    [ -z "${PIP_CONF:-}" ] || return 0
    export WHEELS=${WHEELS:-$("$PYTHON" -m pip config get global.find-links 2>/dev/null || echo "${PIP_FIND_LINKS:-}")}
    compgen -G "$WHEELS/torch-*+cpu*.whl" >/dev/null ||
        skip "pip knows no folder with PyTorch's wheels for CPUs: set WHEELS, or PIP_CONF to a pip.conf with PyTorch's index"
}

start_engine() {
    local engine
    mkdir -p "$CACHE"
    exec 9>"$CACHE/lock"
    flock 9 || skip "there is no flock, which keeps two runs from sharing one engine"
    for engine in ${ENGINE:-docker podman}; do
        if bring_up "$engine" 2>"$WORK/engine.log" && make_bases 2>"$WORK/engine.log"; then return; fi
        echo "$engine cannot be used here: $(grep -Ev "^$|^See '" "$WORK/engine.log" | tail -n 1)" >&2
    done
    skip "no engine can be brought up, for the reasons above"
}

bring_up() {
    local environment
    export ENGINE=$1
    environment=$(images/ci/engine.sh up 9>&-) || return
    ENGINE_UP=$([ -z "${ENGINE_DIR:-}" ] && echo down || echo purge) # what was built for CUDA is too large to keep
    eval "$environment"
    lap "$ENGINE and a registry are up"
}

# In an engine that is up, and yet may be unable to run a container.
make_bases() {
    local python base entries=()
    for python in "${PYTHONS[@]}"; do
        base=$(images/ci/base.sh "$python") || return
        "$DOCKER" run --rm "$base" true || return
        lap "$base is there"
        entries+=("\"$python\": {\"image\": \"$base\", \"digest\": \"\"}")
    done
    (IFS=,; echo "{\"variable\": {\"PYTHON_IMAGES\": {\"default\": {${entries[*]}}}}}") >"$WORK/bases.json"
}

build() {
    export UNPINNED=yes BASES=$WORK/bases.json CONTEXTS=$WORK/contexts OUTPUT=type=image,push=true,compression=zstd
    export CA_BUNDLE=${CA_BUNDLE:-${SSL_CERT_FILE:-}}
    images/bake.sh print "$@" >"$WORK/bake.json" 2>/dev/null
    if [ "$ENGINE" = podman ]; then
        twice python3 images/ci/buildah.py "$WORK/bake.json" "$WORK/built.json"
    else
        SBOM=false twice images/bake.sh push sbom-scanner -- --progress plain
        SBOM=generator=$REGISTRY/$SCANNER twice images/bake.sh push "$@" --metadata-file "$WORK/built.json" --progress plain
    fi
    lap "built and pushed"
}

# A download may fail; what was built is not built again.
twice() {
    "$@" >"$WORK/bake.log" 2>&1 && return
    "$@" >"$WORK/bake.log" 2>&1 && return
    tail -60 "$WORK/bake.log" >&2
    exit 1
}

main "$@"
