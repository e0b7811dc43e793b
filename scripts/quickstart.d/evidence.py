# SPDX-License-Identifier: Apache-2.0
"""Evidence that user space saw nothing: TCP counters and sockets of the gateway's namespace around a 1 GiB download, and a
capture of both legs searched for the text that went through them."""

import mmap
import os
import re
import signal
import subprocess
import sys
import time

from lab import GATEWAY4, STATE, TRUSTED, Table, inside, progress, run

GIB = 1 << 30
CAPTURED = 8 << 20  # bytes of the download that is captured
HOST = "api.example.com"
SENTENCE = os.environ["SENTENCE"].encode()


def download(*options):
    """The command line of a client that fetches the body."""
    return inside("client1", ["curl", "-sS", "--noproxy", "*", "--max-time", "300", "--cacert", TRUSTED, "--resolve",
                              f"{HOST}:443:{GATEWAY4}", "-o", "/dev/null", "-w", "%{size_download}", *options,
                              f"https://{HOST}/body"])


def tcp_segments():
    """(InSegs, OutSegs): TCP segments that the stack of the gateway's namespace received and sent."""
    lines = [line.split() for line in run("gateway", ["cat", "/proc/net/snmp"]).stdout.splitlines()]
    names, values = [line for line in lines if line[0] == "Tcp:"]
    tcp = dict(zip(names, values))
    return int(tcp["InSegs"]), int(tcp["OutSegs"])


def sockets():
    """TCP connections of the gateway's namespace, as `ss -tn` lists them."""
    return run("gateway", ["ss", "-Htn"]).stdout.splitlines()


def received_by_client():
    """Bytes that client1's interface received so far: how far a download is."""
    return int(run("client1", ["cat", "/proc/net/dev"]).stdout.partition("eth0:")[2].split()[0])


def stream(table):
    before, sockets_before = tcp_segments(), sockets()
    start, most_sockets = received_by_client(), len(sockets_before)
    with subprocess.Popen(download(), stdout=subprocess.PIPE, text=True) as curl:
        while curl.poll() is None:
            most_sockets = max(most_sockets, len(sockets()))
            progress(f"{(received_by_client() - start) / GIB:4.0%} of 1 GiB, {most_sockets} sockets in the gateway")
            time.sleep(0.2)
        size = curl.stdout.read()
    progress("")
    after = tcp_segments()
    table.row("bytes the client received", GIB, size, good=size == str(GIB))
    for name, old, new in zip(("Tcp InSegs", "Tcp OutSegs"), before, after):
        table.row(f"{name} of the gateway's stack, growth", 0, f"{new - old} ({old} -> {new})", good=new == old)
    table.row("sockets in `ss -tn`, before / most / after", "0 / 0 / 0",
              f"{len(sockets_before)} / {most_sockets} / {len(sockets())}", good=most_sockets == 0 and not sockets())
    # The counters do count: one request to a socket that the gateway does have.
    run("gateway", ["curl", "-s", "-o", "/dev/null", "http://127.0.0.1:9470/healthz"])
    grown = tcp_segments()[0] - after[0]
    table.row("control: InSegs after one GET /healthz", "> 0", grown, good=grown > 0)


def start_capture(interface):
    """tcpdump on one of the gateway's interfaces, once it listens. Returns the process and the file it writes."""
    path = f"{STATE}/{interface}.pcap"
    errors = open(f"{path}.log", "w+", encoding="utf-8")
    command = ["tcpdump", "-n", "-i", interface, "-s", "0", "-B", "65536", "-U", "-Z", "root", "-w", path, "tcp"]
    process = subprocess.Popen(inside("gateway", command), stdout=subprocess.DEVNULL, stderr=errors)
    deadline = time.monotonic() + 10
    while "listening on" not in read_log(errors) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return process, path, errors


def read_log(log):
    log.seek(0)
    return log.read()


def stop_capture(process, path, errors):
    """Ends tcpdump once it wrote all it has: it gets packets by the block, and the last block up to a second late. Returns
    how many packets it says it missed."""
    size = -1
    while size != os.path.getsize(path):
        size = os.path.getsize(path)
        time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=20)
    missed = re.search(r"(\d+) packets? dropped by kernel", read_log(errors))
    errors.close()
    return int(missed.group(1)) if missed else -1


def occurrences(path, needle):
    with open(path, "rb") as file:
        if os.path.getsize(path) == 0:
            return 0
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            count, at = 0, content.find(needle)
            while at >= 0:
                count, at = count + 1, content.find(needle, at + len(needle))
            return count


def captures(table):
    legs = {"client1": "client", "api": "endpoint"}
    running = {leg: start_capture(interface) for interface, leg in legs.items()}
    result = subprocess.run(download("-r", f"0-{CAPTURED - 1}"), capture_output=True, text=True, check=False)
    missed = {leg: stop_capture(*one) for leg, one in running.items()}
    table.row("bytes the captured client received", CAPTURED, result.stdout, good=result.stdout == str(CAPTURED))
    for leg, (_, path, _) in running.items():
        size, texts, names = os.path.getsize(path), occurrences(path, SENTENCE), occurrences(path, HOST.encode())
        table.row(f"{leg} leg: bytes captured (packets missed)", f"> {CAPTURED} (0)", f"{size} ({missed[leg]})",
                  good=size > CAPTURED and missed[leg] == 0)
        table.row(f"{leg} leg: the body's text occurs", "0 times", f"{texts} times", good=texts == 0)
        table.row(f"{leg} leg: control, the SNI occurs", "> 0 times", f"{names} times", good=names > 0)
        os.unlink(path)


def control(table):
    """The search finds the text where it is in the clear."""
    path = f"{STATE}/clear"
    with open(os.environ["BODY"], "rb") as body, open(path, "wb") as clear:
        clear.write(body.read(1 << 20))
    found = occurrences(path, SENTENCE)
    os.unlink(path)
    table.row("control: the text in 1 MiB of the body itself", "> 0 times", f"{found} times", good=found > 0)


def main():
    table = Table(evidence=46, expected=14, got=30, verdict=15)
    stream(table)
    captures(table)
    control(table)
    return table.finish()


sys.exit(main())
