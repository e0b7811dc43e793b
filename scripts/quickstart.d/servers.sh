# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The backends: one nginx in each backend's namespace, with a certificate of its own. Sourced by scripts/quickstart.

# Hosts a backend answers for. "vault" points at the payments server, which would answer if the gateway let it.
declare -A HOSTS=(
    [api]="api.example.com split.example.com"
    [admin]="admin.example.com mixed.example.com"
    [metrics]="metrics.example.com"
    [apps]="*.apps.example.com one.two.apps.example.com"
    [payments]="payments.example.com vault.example.com"
    [api-canary]="split.example.com"
)
declare -A PORTS=([metrics]=9443) # all others: 8443

# certificate BACKEND: a self-signed one; its common name is the backend's name, so that a client can say whom it met.
certificate() {
    local backend=$1 host names=
    for host in ${HOSTS[$backend]}; do names+="${names:+,}DNS:$host"; done
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$backend" \
        -addext "subjectAltName=$names" -keyout "$STATE/$backend/key.pem" -out "$STATE/$backend/certificate.pem" 2>/dev/null
}

# server BACKEND: nginx answers GET / with the backend's name, and GET /body with the large file of known text. One request
# for each connection, so that a client's requests are routed one by one.
server() {
    local backend=$1 port=${PORTS[$1]:-8443} directory=$STATE/$1
    cat >"$directory/nginx.conf" <<CONF
user root;
worker_processes 1;
pid $directory/nginx.pid;
error_log $directory/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    default_type text/plain;
    keepalive_timeout 0;
    client_body_temp_path $directory/temp;
    proxy_temp_path $directory/temp;
    fastcgi_temp_path $directory/temp;
    uwsgi_temp_path $directory/temp;
    scgi_temp_path $directory/temp;
    server {
        listen $port ssl;
        listen [::]:$port ssl;
        ssl_certificate $directory/certificate.pem;
        ssl_certificate_key $directory/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        location = / { return 200 "$backend\n"; }
        location = /body { alias $BODY; }
    }
}
CONF
    inside "$backend" nginx -e "$directory/error.log" -c "$directory/nginx.conf"
}

servers_up() {
    local backend
    for backend in "${BACKENDS[@]}"; do
        mkdir -p "$STATE/$backend"
        certificate "$backend"
        server "$backend"
    done
    # What the clients trust: exactly these six certificates.
    cat "$STATE"/*/certificate.pem >"$STATE/trusted.pem"
}

# make_body: 1 GiB of one known sentence, kept for the next run.
make_body() {
    [[ -f $BODY && $(stat -c %s "$BODY") == 1073741824 ]] && return
    mkdir -p "${BODY%/*}"
    (yes "$SENTENCE" || true) | head -c 1073741824 >"$BODY.new"
    mv "$BODY.new" "$BODY"
}
