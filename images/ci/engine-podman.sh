# What engine.sh does for buildah and podman: nothing is started. They are programs, which these files tell to keep to a
# folder, and to the network of the machine, as it is.

# What they leave outside of their folder, whatever one tells them.
TRACES=(/var/lib/containers/cache/blob-info-cache-v1.boltdb /var/cache/containers/short-name-aliases.conf.lock)

podman_up() {
    install_programs runc buildah podman
    note_traces
    mkdir -p "$DIR/tmp"
    mktemp --directory /run/pxp-XXXXXX >"$STATE/run" # podman refuses one with a path of more than 50 characters
    rm -rf "$DIR/storage/libpod"                     # its notes of earlier containers, and of their run-time folder
    configure
    choose_storage
}

note_traces() {
    local trace
    for trace in "${TRACES[@]}"; do
        [ -e "$trace" ] || echo "$trace"
    done >"$STATE/traces"
}

# crun, podman's first choice, refuses the mixed control groups of some machines, and podman asks for more files and
# processes than one may have without CAP_SYS_RESOURCE.
configure() {
    cat >"$DIR/containers.conf" <<-TOML
	[containers]
	default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
	log_driver = "k8s-file"
	netns = "host"
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "none"
	lock_type = "file"
	runtime = "runc"
	tmp_dir = "$DIR/run/podman"
	[network]
	network_config_dir = "$DIR/networks"
	TOML
    cat >"$DIR/registries.conf" <<-TOML
	[[registry]]
	location = "127.0.0.1:$(<"$STATE/port")"
	insecure = true
	TOML
    echo '{}' >"$DIR/auth.json" # without it, podman wants Docker's file to be there
}

# overlay where the file system below can have it; vfs, which copies every layer, can be had everywhere.
choose_storage() {
    local driver
    for driver in overlay vfs; do
        cat >"$DIR/storage.conf" <<-TOML
		[storage]
		driver = "$driver"
		graphroot = "$DIR/storage"
		runroot = "$(<"$STATE/run")"
		TOML
        ! with_ours buildah info >/dev/null 2>"$DIR/buildah.log" || return 0
    done
    fail "buildah does not work: $(tail -n 1 "$DIR/buildah.log")"
}

with_ours() { (eval "$(podman_environment)" && "$@"); }

# No Docker is meant that the machine may have besides. Without isolation by a container of their own, steps of a build
# need nothing of the machine.
podman_environment() {
    cat <<-SHELL
	export DOCKER=podman
	export DOCKER_HOST=unix://$DIR/no-docker.sock
	export CONTAINERS_CONF=$DIR/containers.conf
	export CONTAINERS_REGISTRIES_CONF=$DIR/registries.conf
	export CONTAINERS_STORAGE_CONF=$DIR/storage.conf
	export REGISTRY_AUTH_FILE=$DIR/auth.json
	export BUILDAH_ISOLATION=chroot
	export TMPDIR=$DIR/tmp
	SHELL
}

podman_down() {
    [ -e "$STATE/traces" ] || return 0
    [ ! -e "$DIR/storage.conf" ] || with_ours podman rm --all --force --time 1 >/dev/null || true
    if [ -e "$STATE/run" ]; then
        unmount_below "$(<"$STATE/run")"
        rm -rf --one-file-system "$(<"$STATE/run")"
    fi
    remove_traces
}

# Folders and control groups only where nobody else has anything in them.
remove_traces() {
    local trace
    while read -r trace; do
        rm -f "$trace"
        rmdir --parents --ignore-fail-on-non-empty "${trace%/*}" 2>/dev/null || true
    done <"$STATE/traces"
    find /sys/fs/cgroup -depth -type d -path '*/libpod_parent*' -exec rmdir {} + 2>/dev/null || true
}
