# SPDX-License-Identifier: Apache-2.0
"""Real HTTPS, as the TLSRoute tutorial measures it: `hey` against nginx, whose TLS passes through or ends at the gateway."""

import os
import re

from . import network

WORKLOAD = "hey"
NAME = "hey.example.com"
TLS_PORT, PLAIN_PORT = network.PORT, 8081  # 443 everywhere: hey makes another port in the URL a part of the SNI
WORKERS = 100


class Server:
    """nginx beside bench_server: a kilobyte over TLS, and the same without for a gateway that has taken TLS off."""

    def __init__(self, directory):
        self._directory, self._process = directory, None
        os.makedirs(directory, exist_ok=True)
        network.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={NAME}", "-keyout", f"{directory}/key", "-out", f"{directory}/certificate")

    def start(self):
        with open(f"{self._directory}/nginx.conf", "w", encoding="ascii") as config:
            config.write(f"""
daemon off;
worker_processes auto;
pid {self._directory}/pid;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    server {{
        listen {TLS_PORT} ssl reuseport;
        listen {PLAIN_PORT} reuseport;
        {certificate(self._directory)}
        return 200 "{'x' * 1024}";
    }}
}}
""")
        self._process = network.spawn("server", "nginx", "-p", self._directory, "-e", f"{self._directory}/log", "-c",
                                      f"{self._directory}/nginx.conf")
        listening = network.in_namespace("server", "ss", "-Hltn", f"sport = :{PLAIN_PORT}")
        network.wait_until_serving("nginx", lambda: network.run(*listening).stdout, self._process, f"{self._directory}/log")

    def stop(self):
        network.stop(self._process)

    def drive(self, address, seconds):
        """hey from the client to an address: {"requests_per_second", "p99_us", "errors"}."""
        hosts = f"{self._directory}/hosts-{address}"
        with open(hosts, "w", encoding="ascii") as text:
            text.write(f"{address} {NAME}\n")
        hey = f"mount --bind {hosts} /etc/hosts && exec hey -z {seconds:.1f}s -c {WORKERS} https://{NAME}/"
        done = network.run(*network.in_namespace("client", "unshare", "--mount", "sh", "-c", hey), check=False)
        rate, slow = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout), re.search(r"99% in ([\d.]+) secs", done.stdout)
        if not rate or not slow:
            raise network.Failed(f"hey: {done.stdout}{done.stderr}")
        answers = {int(code): int(count) for code, count in re.findall(r"\[(\d+)\]\s+(\d+) responses", done.stdout)}
        errors = sum(count for code, count in answers.items() if code != 200)
        failures = done.stdout.partition("Error distribution:")[2]
        errors += sum(int(count) for count in re.findall(r"^\s*\[(\d+)\]\t", failures, re.MULTILINE))
        return {"requests_per_second": float(rate[1]), "p99_us": float(slow[1]) * 1e6, "errors": errors, "stalled": 0}


def certificate(directory):
    return f"ssl_certificate {directory}/certificate; ssl_certificate_key {directory}/key;"


def terminating_nginx(directory, address, servers):
    """The http block of a gateway that ends TLS and asks the servers in the clear."""
    upstream = " ".join(f"server {server}:{PLAIN_PORT};" for server in servers)
    return f"""http {{
    access_log off;
    keepalive_requests 1000000;
    upstream plain {{ {upstream} keepalive 256; }}
    server {{
        listen {address}:{TLS_PORT} ssl reuseport;
        {certificate(directory)}
        location / {{ proxy_pass http://plain; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""
