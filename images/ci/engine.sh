#!/usr/bin/env bash
# A container engine and a registry of its own on a plain Debian machine, for as long as somebody needs them.
#
#   engine.sh up      start both; print `export NAME=value` lines, to be used as: eval "$(images/ci/engine.sh up)"
#   engine.sh down    end what `up` started and take its network down; what was built stays cached
#   engine.sh purge   `down`, and forget what was built
#
# Needs root. Docker comes from Debian's packages, unpacked beside the system and never installed; podman is installed.
# Neither touches a rule, bridge or process that is not its own, so that several can run on one machine, each with an
# ENGINE_DIR of its own.
#
# ENGINE       docker (the default), or podman, which comes with buildah: they ask less of a machine
# PXP_CACHE    packages and built layers are kept here (default: picsellia-processing in the user's cache folder)
# ENGINE_DIR   data, sockets and logs of this engine (default: $PXP_CACHE/engine)
set -euo pipefail

ENGINE=${ENGINE:-docker}
CACHE=${PXP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/picsellia-processing}
DIR=${ENGINE_DIR:-$CACHE/engine}
TOOLS=$CACHE/docker-from-trixie
STATE=$DIR/state
PACKAGES=(docker.io docker-cli containerd docker-buildx)
STOP_SECONDS=20

. "$(dirname "$0")/engine-docker.sh"
. "$(dirname "$0")/engine-podman.sh"

fail() { echo "engine.sh: $*" >&2; exit 1; }

up() {
    [ "$(id -u)" = 0 ] || fail "the engine needs root"
    [ ! -e "$STATE" ] || down
    mkdir -p "$STATE"
    trap down EXIT # whatever fails, nothing is left half up
    install_programs docker-registry
    unpack_tools
    start_registry
    "${ENGINE}_up"
    trap - EXIT
    print_environment
}

# Each as PROGRAM, or as PROGRAM:PACKAGE where Debian's package has another name.
install_programs() {
    local program missing=()
    for program; do
        command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
    done
    [ ${#missing[@]} = 0 ] && return
    command -v apt-get >/dev/null || fail "these are missing, and there is no apt-get to get them: ${missing[*]}"
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}") >&2
}

# Podman wants them, too: it is buildx that says what is to be built. trixie's packages need only the C library of
# Debian 12 - all but runc, which therefore is the system's own.
unpack_tools() {
    [ ! -e "$TOOLS/.complete" ] || return 0
    local apt=$CACHE/apt options package
    rm -rf "$TOOLS" "$apt"
    mkdir -p "$TOOLS" "$apt/lists/partial" "$apt/archives/partial" "$apt/debs"
    trixie_sources >"$apt/sources.list"
    : >"$apt/status"
    options=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State=$apt"
        -o "Dir::State::Lists=$apt/lists" -o "Dir::State::Status=$apt/status" -o "Dir::Cache=$apt" -o APT::Sandbox::User=root)
    apt-get -qq "${options[@]}" update >&2
    for package in "${PACKAGES[@]}"; do
        (cd "$apt/debs" && apt-get -qq "${options[@]}" download "$package" >&2)
    done
    for package in "$apt"/debs/*.deb; do dpkg -x "$package" "$TOOLS"; done
    rm -rf "$apt"
    touch "$TOOLS/.complete"
}

# The machine's own mirror, at the release the engine comes from.
trixie_sources() {
    local mirror
    mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' | awk '$2 !~ /security|updates/ {print $1; exit}')
    [ -n "$mirror" ] || fail "apt knows no Debian mirror: run apt-get update"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main"
}

# On a free port. Somebody may take that before the registry does, which then ends at once: another one is as good.
start_registry() {
    for _ in 1 2 3; do
        ! serve_registry || return 0
    done
    fail "the registry did not start: $(tail -n 1 "$DIR/registry.log")"
}

serve_registry() {
    local port
    port=$(free_port)
    cat >"$DIR/registry.yml" <<-YAML
	version: 0.1
	log: {level: warn}
	storage: {filesystem: {rootdirectory: $DIR/registry}, delete: {enabled: true}}
	http: {addr: "127.0.0.1:$port"}
	YAML
    setsid docker-registry serve "$DIR/registry.yml" </dev/null >"$DIR/registry.log" 2>&1 &
    echo $! >"$STATE/registry"
    echo "$port" >"$STATE/port"
    wait_for "$STATE/registry" registry_answers
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

registry_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$(<"$STATE/port")") 2>/dev/null; }

wait_for() {
    local pid
    pid=$(<"$1")
    for _ in $(seq 300); do
        "$2" && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

print_environment() {
    mkdir -p "$DIR/config/cli-plugins"
    ln -sf "$TOOLS/usr/libexec/docker/cli-plugins/docker-buildx" "$DIR/config/cli-plugins/docker-buildx"
    "${ENGINE}_environment"
    cat <<-SHELL
	export DOCKER_CONFIG=$DIR/config
	export PATH=$TOOLS/usr/bin:\$PATH
	export REGISTRY=127.0.0.1:$(<"$STATE/port")
	SHELL
}

down() {
    [ -e "$STATE" ] || return 0
    stop registry docker-registry
    docker_down
    podman_down
    unmount_below "$DIR"
    rm -rf --one-file-system "$STATE" "$DIR/exec" "$DIR/run"
}

unmount_below() {
    findmnt --list --noheadings --output TARGET | awk -v dir="$1/" 'index($0, dir) == 1' | sort -r | xargs -r umount
}

# Ends the process noted under NAME if it still is PROGRAM: its id may have gone to another one since.
stop() {
    local name=$1 program=$2 pid
    [ -e "$STATE/$name" ] || return 0
    pid=$(<"$STATE/$name")
    [ "$(ps -o comm= -p "$pid")" = "$program" ] || return 0
    kill "$pid"
    for _ in $(seq $((STOP_SECONDS * 10))); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$pid"
}

purge() {
    down
    rm -rf "$DIR"
}

case $ENGINE in
docker | podman) ;;
*) fail "expected docker or podman in ENGINE, found '$ENGINE'" ;;
esac
case ${1:-} in
up | down | purge) "$1" ;;
*) fail "expected up, down or purge, found '${1:-}'" ;;
esac
