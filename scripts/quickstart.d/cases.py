# SPDX-License-Identifier: Apache-2.0
"""Plays every case of the quickstart with curl and openssl s_client and prints who answered, or why nobody did."""

import re
import sys
from dataclasses import dataclass

from lab import (CLIENT_ADDRESSES, GATEWAY4, GATEWAY6, MIXED, TRUSTED, Table, bracketed, run, wait_for_record)

FIRST_PORT = 22000  # the n-th row's client uses port 22000 + n: so its line in the access log is found


@dataclass
class Case:
    title: str
    client: str
    tool: str           # curl or openssl
    host: str           # what the user asks for
    expect: str         # backend that must answer, or "refused: REASON"
    address: str = GATEWAY4
    port: int = 443
    sni: str = "host"   # "host": the host asked; "": none
    scheme: str = "https"

    @property
    def server_name(self):
        if self.scheme == "http":
            return "(no TLS)"
        return "(none)" if self.sni == "" else self.host


@dataclass
class Answer:
    got: str
    certificate: str = "-"


CASES = [
    Case("one host", "client1", "curl", "api.example.com", "api"),
    Case("one host", "client2", "openssl", "api.example.com", "api"),
    Case("one host, IPv6", "client1", "curl", "api.example.com", "api", GATEWAY6),
    Case("one host, IPv6", "client2", "openssl", "api.example.com", "api", GATEWAY6),
    Case("several hosts", "client1", "curl", "admin.example.com", "admin"),
    Case("several hosts, port 9443", "client1", "curl", "metrics.example.com", "metrics"),
    Case("several hosts, port 9443", "client2", "openssl", "metrics.example.com", "metrics"),
    Case("wildcard, one label", "client1", "curl", "one.apps.example.com", "apps"),
    Case("wildcard, two labels", "client1", "curl", "one.two.apps.example.com", "apps"),
    Case("wildcard, two labels", "client2", "openssl", "one.two.apps.example.com", "apps"),
    Case("wildcard, no label", "client1", "curl", "apps.example.com", "refused: no_route"),
    Case("namespace with grant", "client1", "curl", "payments.example.com", "payments"),
    Case("namespace without grant", "client1", "curl", "vault.example.com", "refused: no_backend"),
    Case("passthrough and HTTPS", "client1", "curl", "mixed.example.com", "admin", MIXED, 8443),
    Case("HTTPS listener", "client1", "curl", "mixed.example.com", "closed port", MIXED, 443),
    Case("unknown SNI", "client1", "curl", "unknown.example.com", "refused: no_route"),
    Case("unknown SNI", "client2", "openssl", "unknown.example.com", "refused: no_route"),
    Case("unknown SNI, IPv6", "client2", "openssl", "unknown.example.com", "refused: no_route", GATEWAY6),
    Case("no SNI", "client1", "curl", GATEWAY4, "refused: no_sni", sni=""),
    Case("no SNI", "client2", "openssl", "(none)", "refused: no_sni", sni=""),
    Case("plain HTTP on the port", "client1", "curl", "api.example.com", "refused: not_tls", scheme="http"),
]


def ask_with_curl(case, local_port):
    """curl verifies the certificate against the host: an answer is an answer of a backend that holds a key for it."""
    target = bracketed(case.address)
    url = f"{case.scheme}://{case.host}:{case.port}/"
    command = ["curl", "-sS", "--noproxy", "*", "--max-time", "10", "--local-port", str(local_port), "--cacert", TRUSTED,
               "--resolve", f"{case.host}:{case.port}:{target}", "-w", "%{certs}", url]
    result = run(case.client, command)
    if result.returncode == 0:
        subject = re.search(r"Subject:\s*(CN\s*=\s*\S+)", result.stdout)
        return Answer(result.stdout.partition("\n")[0], subject.group(1).replace(" ", "") if subject else "-")
    if result.returncode == 7:
        return Answer("closed port")
    return Answer(cut_off(case, local_port, f"curl error {result.returncode}", result.returncode in (35, 52, 56)))


def ask_with_openssl(case, local_port):
    source = bracketed(CLIENT_ADDRESSES[case.client, 6 if ":" in case.address else 4])
    command = ["openssl", "s_client", "-ign_eof", "-bind", f"{source}:{local_port}", "-CAfile", TRUSTED,
               "-connect", f"{bracketed(case.address)}:{case.port}", "-verify_return_error"]
    command += ["-servername", case.host, "-verify_hostname", case.host] if case.sni else ["-noservername"]
    result = run(case.client, command, stdin="GET / HTTP/1.0\r\n\r\n")
    subject = re.search(r"^subject=\s*(CN\s*=\s*\S+)", result.stdout, re.MULTILINE)
    if result.returncode == 0 and subject:
        # The answer's body is among what openssl says of session tickets and of the end: a line that is a word alone.
        body = re.search(r"^HTTP/1\.1 200 .*?\n\n([\w-]+)$", result.stdout, re.MULTILINE | re.DOTALL)
        return Answer(body.group(1) if body else "(no body)", subject.group(1).replace(" ", ""))
    reset = "errno=104" in result.stderr or "Connection reset" in result.stderr or "unexpected eof" in result.stderr
    return Answer(cut_off(case, local_port, f"openssl error {result.returncode}", reset))


def cut_off(case, local_port, error, reset):
    """Why a connection was cut: the gateway's own word, in its access log, for exactly this client and port."""
    address = CLIENT_ADDRESSES[case.client, 6 if ":" in case.address else 4]
    record = wait_for_record("refused", client=f"{bracketed(address)}:{local_port}") if reset else None
    if record is None:
        return f"{error}, {'reset' if reset else 'no reset'}, no line in the log"
    return f"refused: {record.get('reason', '?')}"


def main():
    table = Table(case=24, client=7, tool=7, host_asked=24, SNI=24, expected=19, got=19, certificate=13, verdict=15)
    for number, case in enumerate(CASES):
        ask = ask_with_curl if case.tool == "curl" else ask_with_openssl
        answer = ask(case, FIRST_PORT + number)
        served = ":" not in case.expect and case.expect != "closed port"
        good = answer.got == case.expect and answer.certificate == (f"CN={case.expect}" if served else "-")
        table.row(case.title, case.client, case.tool, case.host, case.server_name, case.expect, answer.got,
                  answer.certificate, good=good)
    return table.finish()


sys.exit(main())
