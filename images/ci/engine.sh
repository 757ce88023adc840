#!/usr/bin/env bash
# A Docker Engine and a registry of its own on a plain Debian machine, for as long as somebody needs them.
#
#   engine.sh up      start both; print `export NAME=value` lines, to be used as: eval "$(images/ci/engine.sh up)"
#   engine.sh down    end what `up` started and take its network down; what was built stays cached
#   engine.sh purge   `down`, and forget what was built
#
# Needs root. The engine comes from Debian's packages, unpacked beside the system and never installed. It touches no
# rule, bridge or process that is not its own, so that several can run on one machine, each with an ENGINE_DIR of its own.
#
# PXP_CACHE    packages and built layers are kept here (default: picsellia-processing in the user's cache folder)
# ENGINE_DIR   data, sockets and logs of this engine (default: $PXP_CACHE/engine)
set -euo pipefail

CACHE=${PXP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/picsellia-processing}
DIR=${ENGINE_DIR:-$CACHE/engine}
TOOLS=$CACHE/docker-from-trixie
STATE=$DIR/state
FORWARDING=/run/picsellia-processing.ip_forward # what it was before the first engine came
PACKAGES=(docker.io docker-cli containerd docker-buildx)
PROGRAMS=(runc iptables ip docker-registry)
PROGRAM_PACKAGES=(runc iptables iproute2 docker-registry)
STOP_SECONDS=20

fail() { echo "engine.sh: $*" >&2; exit 1; }

up() {
    [ "$(id -u)" = 0 ] || fail "the engine needs root"
    [ ! -e "$STATE" ] || down
    install_programs
    unpack_engine
    mkdir -p "$STATE"
    trap 'down; fail "the engine did not start; its log: $DIR/dockerd.log"' ERR
    connect_bridge
    start_dockerd
    start_registry
    trap - ERR
    print_environment
}

install_programs() {
    local missing=() index
    for index in "${!PROGRAMS[@]}"; do
        command -v "${PROGRAMS[$index]}" >/dev/null || missing+=("${PROGRAM_PACKAGES[$index]}")
    done
    [ ${#missing[@]} = 0 ] && return
    command -v apt-get >/dev/null || fail "these are missing, and there is no apt-get to get them: ${missing[*]}"
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}") >&2
}

# trixie's packages need only the C library of Debian 12 - all but runc, which therefore is the system's own.
unpack_engine() {
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

# A bridge of our own, and three rules that name it: no Docker is left to manage the machine's firewall.
connect_bridge() {
    local number=0
    until ip link add "pxp$number" type bridge 2>/dev/null; do
        number=$((number + 1))
        [ $number -lt 50 ] || fail "no bridge can be made"
    done
    echo "pxp$number" >"$STATE/bridge"
    echo "172.31.$((200 + number))" >"$STATE/network"
    ip addr add "$(<"$STATE/network").1/24" dev "pxp$number"
    ip link set "pxp$number" up
    [ -e $FORWARDING ] || cat /proc/sys/net/ipv4/ip_forward >$FORWARDING
    echo 1 >/proc/sys/net/ipv4/ip_forward
    firewall -I
}

firewall() {
    local action=$1 bridge network
    bridge=$(<"$STATE/bridge") network=$(<"$STATE/network").0/24
    iptables -w -t nat "$action" POSTROUTING -s "$network" ! -o "$bridge" -j MASQUERADE
    iptables -w "$action" FORWARD -i "$bridge" -j ACCEPT
    iptables -w "$action" FORWARD -o "$bridge" -j ACCEPT
}

start_dockerd() {
    mkdir -p "$DIR/config/cli-plugins"
    ln -sf "$TOOLS/usr/libexec/docker/cli-plugins/docker-buildx" "$DIR/config/cli-plugins/docker-buildx"
    cat >"$DIR/daemon.json" <<-JSON
	{"features": {"containerd-snapshotter": true}, "iptables": false, "ip6tables": false,
	 "bridge": "$(<"$STATE/bridge")", "mtu": $(outer_mtu), "log-level": "warn"}
	JSON
    PATH=$TOOLS/usr/bin:$TOOLS/usr/sbin:$PATH setsid dockerd --config-file "$DIR/daemon.json" \
        --host "unix://$DIR/docker.sock" --data-root "$DIR/data" --exec-root "$DIR/exec" --pidfile "$DIR/dockerd.pid" \
        </dev/null >"$DIR/dockerd.log" 2>&1 &
    echo $! >"$STATE/dockerd"
    wait_for "$STATE/dockerd" engine_answers
}

outer_mtu() {
    local device
    device=$(ip route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -1)
    cat "/sys/class/net/${device:-lo}/mtu"
}

engine_answers() { docker_of_ours version >/dev/null 2>&1; }

docker_of_ours() { DOCKER_HOST=unix://$DIR/docker.sock DOCKER_CONFIG=$DIR/config "$TOOLS/usr/bin/docker" "$@"; }

start_registry() {
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
    cat <<-SHELL
	export DOCKER_HOST=unix://$DIR/docker.sock
	export DOCKER_CONFIG=$DIR/config
	export PATH=$TOOLS/usr/bin:\$PATH
	export REGISTRY=127.0.0.1:$(<"$STATE/port")
	SHELL
}

down() {
    [ -e "$STATE" ] || return 0
    stop registry docker-registry
    stop dockerd dockerd
    findmnt --list --noheadings --output TARGET | awk -v dir="$DIR/" 'index($0, dir) == 1' | sort -r | xargs -r umount
    if [ -e "$STATE/network" ]; then firewall -D || true; fi
    if [ -e "$STATE/bridge" ]; then ip link del "$(<"$STATE/bridge")"; fi
    restore_forwarding
    rm -rf "$STATE" "$DIR/exec"
}

# As it was before - unless somebody still routes.
restore_forwarding() {
    [ -e $FORWARDING ] && [ -z "$(ip -brief link show type bridge)" ] || return 0
    cat $FORWARDING >/proc/sys/net/ipv4/ip_forward
    rm $FORWARDING
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

case ${1:-} in
up | down | purge) "$1" ;;
*) fail "expected up, down or purge, found '${1:-}'" ;;
esac
