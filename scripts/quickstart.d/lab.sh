# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The quickstart's machine room: two clients, a gateway and six backends, each in a network namespace of its own, wired to
# the gateway by one veth pair each. Sourced by scripts/quickstart, which sets NAME (prefix of the namespaces) and STATE.
#
#   client1 192.0.2.18 ──┐                                   ┌── api        10.244.1.2  fd00:244:1::2
#           2001:db8:1::2│   gateway, answers on             ├── admin      10.244.2.2
#                        ├── 198.51.100.1  2001:db8:100::1 ──┼── metrics    10.244.3.2
#   client2 192.0.2.34 ──┘   198.51.100.2                    ├── apps       10.244.4.2
#           2001:db8:2::2                                    ├── payments   10.244.5.2
#                                                            └── api-canary 10.244.6.2  fd00:244:6::2

CLIENTS=(client1 client2)
BACKENDS=(api admin metrics apps payments api-canary) # the n-th has the addresses of number n
GATEWAY_ADDRESSES=(198.51.100.1/32 198.51.100.2/32 2001:db8:100::1/128)

# inside NAMESPACE COMMAND...: only the network changes. (`ip netns exec` would also put a fresh /sys over the one with the
# BPF file system.)
inside() {
    local namespace=$1
    shift
    nsenter --net="/run/netns/$NAME-$namespace" "$@"
}

# wire NAMESPACE GATEWAY4 PEER4/LENGTH GATEWAY6 PEER6/LENGTH: makes the namespace and its cable to the gateway.
wire() {
    local namespace=$1 gateway4=$2 peer4=$3 gateway6=$4 peer6=$5
    ip netns add "$NAME-$namespace"
    ip link add "$namespace" netns "$NAME-gateway" type veth peer name eth0 netns "$NAME-$namespace"
    ip -n "$NAME-gateway" address add "$gateway4/${peer4#*/}" dev "$namespace"
    ip -n "$NAME-gateway" address add "$gateway6/${peer6#*/}" dev "$namespace" nodad
    ip -n "$NAME-gateway" link set "$namespace" up
    ip -n "$NAME-$namespace" address add "$peer4" dev eth0
    ip -n "$NAME-$namespace" address add "$peer6" dev eth0 nodad
    ip -n "$NAME-$namespace" link set lo up
    ip -n "$NAME-$namespace" link set eth0 up
    ip -n "$NAME-$namespace" route add default via "$gateway4"
    ip -n "$NAME-$namespace" -6 route add default via "$gateway6"
}

lab_up() {
    local n address
    ip netns add "$NAME-gateway"
    ip -n "$NAME-gateway" link set lo up
    inside gateway sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    # Slipgate needs no interface to own its addresses: it takes packets before the stack sees them. They are on lo so that a
    # port without a listener is refused by the kernel, as on any host.
    for address in "${GATEWAY_ADDRESSES[@]}"; do ip -n "$NAME-gateway" address add "$address" dev lo; done
    for n in 1 2; do
        wire "${CLIENTS[n - 1]}" "192.0.2.$((16 * n + 1))" "192.0.2.$((16 * n + 2))/28" "2001:db8:$n::1" "2001:db8:$n::2/64"
    done
    for n in 1 2 3 4 5 6; do
        wire "${BACKENDS[n - 1]}" "10.244.$n.1" "10.244.$n.2/24" "fd00:244:$n::1" "fd00:244:$n::2/64"
    done
}

# Everything that runs in our namespaces.
lab_processes() {
    local path
    for path in /run/netns/"$NAME"-*; do
        [[ ! -e $path ]] || ip netns pids "${path##*/}"
    done
}

# Ends these processes (asks, insists after three seconds) and takes the namespaces away. Works on what a killed run left, too.
lab_down() {
    local path pids
    kubernetes_down
    mapfile -t pids < <(lab_processes)
    ((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true # some are gone already
    for _ in {1..30}; do
        mapfile -t pids < <(lab_processes)
        ((${#pids[@]})) || break
        sleep 0.1
    done
    ((${#pids[@]} == 0)) || kill -KILL "${pids[@]}" 2>/dev/null || true # some ended meanwhile
    for path in /run/netns/"$NAME"-*; do
        [[ ! -e $path ]] || ip netns delete "${path##*/}"
    done
    ! mountpoint -q "$STATE/bpf" || umount "$STATE/bpf"
    rm -rf "$STATE"
}

lab_exists() {
    compgen -G "/run/netns/$NAME-*" >/dev/null || [[ -d $STATE ]]
}
