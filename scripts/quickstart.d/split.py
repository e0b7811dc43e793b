# SPDX-License-Identifier: Apache-2.0
"""A thousand connections to a 90/10 split: counts who answered and judges by the binomial distribution."""

import subprocess
import sys
from fractions import Fraction

from lab import GATEWAY4, TRUSTED, Table, inside, progress

from binomial import bounds

CONNECTIONS = 1000
SHARES = {"api": 90, "api-canary": 10}


def play():
    """Who answered each connection. One curl makes them all; the servers close after each answer, so none is reused."""
    command = ["curl", "-sS", "--no-buffer", "--noproxy", "*", "--no-sessionid", "--max-time", "120", "--cacert", TRUSTED,
               "--resolve", f"split.example.com:443:{GATEWAY4}", "-w", "connections=%{num_connects}\n",
               f"https://split.example.com/?[1-{CONNECTIONS}]"]
    answers, connections = [], 0
    with subprocess.Popen(inside("client2", command), stdout=subprocess.PIPE, text=True) as curl:
        for line in curl.stdout:
            key, _, count = line.strip().partition("=")
            if key == "connections":
                connections += int(count)
            else:
                answers.append(key)
                progress(f"{len(answers)} of {CONNECTIONS} connections")
    progress("")
    return answers, connections


def main():
    answers, connections = play()
    table = Table(backend=12, weight=6, connections=11, expected=12, verdict=15)
    total = sum(SHARES.values())
    for backend, weight in SHARES.items():
        low, high = bounds(CONNECTIONS, Fraction(weight, total))
        count = answers.count(backend)
        table.row(backend, weight, count, f"{low}..{high}", good=low <= count <= high)
    others = len(answers) - sum(answers.count(backend) for backend in SHARES)
    table.row("others", 0, others, "0", good=others == 0)
    table.row("all", total, connections, str(CONNECTIONS), good=connections == len(answers) == CONNECTIONS)
    return table.finish()


sys.exit(main())
