# SPDX-License-Identifier: Apache-2.0
"""
The tutorial on a real control plane: kubernetes.py SLIPGATED MANIFESTS STATE. Plays docs/kubernetes.md, writes into STATE/played how many
commands did not print what the document shows, and then plays the kubelet until it is ended. All of it is in a sandbox that ends
with this process (tests/harness/sandbox.py).
"""

import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

from harness import eventually, sandbox  # noqa: E402
from harness.kube.tutorial import Tutorial  # noqa: E402

SLIPGATED, MANIFESTS, STATE = map(Path, sys.argv[1:])


def title(text):
    print(f"\n== {text}", flush=True)


def indented(text):
    return "".join(f"    {line}\n" for line in text.splitlines())


def play(tutorial):
    """Returns how many commands did not print what the document shows."""
    section, steps, bad = None, tutorial.steps(), 0
    for step in steps:
        if step.title != section:
            section = step.title
            title(section)
        print("  $ " + step.command.replace("\n", "\n  > "), flush=True)
        played = tutorial.walkthrough.play(step)
        print(indented(played.printed), end="", flush=True)
        if not played.as_expected:
            bad += 1
            print(f"  NOT AS EXPECTED: docs/kubernetes.md shows\n{indented(step.expected)}", end="", flush=True)
    print(f"\n  {len(steps) - bad} of {len(steps)} commands as expected")
    return bad


def refusals(tutorial):
    """What the access log says of the connections that were refused, each name once."""
    title("Connections refused, in the access log")
    eventually(lambda: tutorial.agent.access_log(event="refused"), "the access log has them")
    lines = {(line["sni"], line["reason"]): line for line in tutorial.agent.access_log(event="refused")}
    for line in lines.values():
        print("    " + " ".join(f"{key}={line[key]}" for key in ("event", "client", "vip", "sni", "route", "reason")), flush=True)


def main():
    sandbox.enter()
    title("Control plane: no container engine, no kubelet; nginx as the pods, in network namespaces")
    tutorial = Tutorial(MANIFESTS)
    tutorial.start(SLIPGATED, say=lambda what: print(f"  {what}", flush=True))
    bad = play(tutorial)
    refusals(tutorial)
    (STATE / "played").write_text(f"{bad}\n")
    while True:
        tutorial.kubelet.sync()
        time.sleep(1)


main()
