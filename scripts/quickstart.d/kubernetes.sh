# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The quickstart with --kubernetes: kubernetes.py has everything in a sandbox, which ends with its process. Sourced by
# scripts/quickstart, which sets AGENT, MANIFESTS, STATE, PARTS and TREE.

# Returns when the tutorial was played. Of a session of its own: Ctrl-C is for this script, and with --keep it stays. It prints to
# a file, so that nobody waits for the end of what it inherited.
play_kubernetes() {
    local sandbox shown=0
    step "Programs of Kubernetes (the first time they are built from source, in about 6 minutes on two cores)"
    "$TREE/scripts/kube-binaries" >/dev/null
    : >"$STATE/output"
    setsid /usr/bin/python3 -B "$PARTS/kubernetes.py" "$AGENT" "$MANIFESTS" "$STATE" </dev/null >>"$STATE/output" 2>&1 &
    sandbox=$!
    echo "$sandbox" >"$STATE/sandbox"
    until [[ -s $STATE/played ]]; do
        show_output
        [[ -d /proc/$sandbox ]] || fail "the tutorial could not be played; what went wrong is above"
        sleep 0.2
    done
    show_output
    [[ $(<"$STATE/played") == 0 ]] || FAILED+=("The tutorial")
}

# What it printed since the last time.
show_output() {
    local new
    new=$(tail --bytes="+$((shown + 1))" "$STATE/output" && echo .) # the dot keeps the last newline
    new=${new%.}
    printf %s "$new"
    shown=$((shown + ${#new}))
}

# Writes STATE/shell, with which commands are run as the tutorial's were.
kubernetes_shell() {
    local inside
    inside=$(pgrep --parent "$(<"$STATE/sandbox")")
    cat >"$STATE/shell" <<SHELL
#!/bin/sh
# A shell on the client, with kubectl; or a command there.
[ \$# -gt 0 ] || set -- bash
exec nsenter --target $inside --mount --pid nsenter --net=/run/netns/c1 env PATH=/mnt/tools:\$PATH \\
    GATEWAY=203.0.113.1 sh -c 'cd /mnt/walkthrough && exec "\$@"' shell "\$@"
SHELL
    chmod +x "$STATE/shell"
}

what_next_kubernetes() {
    kubernetes_shell
    cat <<NEXT

== It is still running. Try:
  # what the cluster has; a connection
  $STATE/shell kubectl get gateways,tlsroutes,services,pods --all-namespaces
  $STATE/shell curl --cacert admin.crt --resolve admin.example.com:443:203.0.113.1 https://admin.example.com/

  # a shell there: change things and look again
  $STATE/shell

  # the end
  $TREE/scripts/quickstart${NAME_OPTION} --down
NEXT
}

# The kernel ends all that is in the sandbox with its first process.
kubernetes_down() {
    local sandbox
    [[ -s $STATE/sandbox ]] || return 0
    sandbox=$(<"$STATE/sandbox")
    [[ $(tr '\0' ' ' 2>/dev/null <"/proc/$sandbox/cmdline") == *quickstart.d/kubernetes.py* ]] || return 0
    kill "$sandbox"
    while [[ -d /proc/$sandbox ]]; do sleep 0.1; done
}
