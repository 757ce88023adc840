# What engine.sh does for a Docker Engine, which wants a bridge to the network.

FORWARDING=/run/picsellia-processing.ip_forward # what it was before the first engine came

docker_up() {
    install_programs runc iptables ip:iproute2
    connect_bridge
    start_dockerd
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
    cat >"$DIR/daemon.json" <<-JSON
	{"features": {"containerd-snapshotter": true}, "iptables": false, "ip6tables": false,
	 "bridge": "$(<"$STATE/bridge")", "mtu": $(outer_mtu), "log-level": "warn"}
	JSON
    PATH=$TOOLS/usr/bin:$TOOLS/usr/sbin:$PATH setsid dockerd --config-file "$DIR/daemon.json" \
        --host "unix://$DIR/docker.sock" --data-root "$DIR/data" --exec-root "$DIR/exec" --pidfile "$DIR/dockerd.pid" \
        </dev/null >"$DIR/dockerd.log" 2>&1 &
    echo $! >"$STATE/dockerd"
    wait_for "$STATE/dockerd" engine_answers || fail "dockerd did not start: $(tail -n 1 "$DIR/dockerd.log")"
}

outer_mtu() {
    local device
    device=$(ip route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -1)
    cat "/sys/class/net/${device:-lo}/mtu"
}

engine_answers() { docker_of_ours version >/dev/null 2>&1; }

docker_of_ours() { DOCKER_HOST=unix://$DIR/docker.sock DOCKER_CONFIG=$DIR/config "$TOOLS/usr/bin/docker" "$@"; }

docker_environment() {
    cat <<-SHELL
	export DOCKER=docker
	export DOCKER_HOST=unix://$DIR/docker.sock
	SHELL
}

docker_down() {
    stop dockerd dockerd
    if [ -e "$STATE/network" ]; then firewall -D 2>/dev/null || true; fi
    if [ -e "$STATE/bridge" ]; then ip link del "$(<"$STATE/bridge")"; fi
    restore_forwarding
}

# As it was before - unless somebody still routes.
restore_forwarding() {
    [ -e $FORWARDING ] && [ -z "$(ip -brief link show type bridge)" ] || return 0
    cat $FORWARDING >/proc/sys/net/ipv4/ip_forward
    rm $FORWARDING
}
