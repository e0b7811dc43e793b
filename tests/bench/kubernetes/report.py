# SPDX-License-Identifier: Apache-2.0
"""The figures of several runs as tables, and series of durations as histograms."""

import bisect
import statistics

BOUNDS = (1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000)  # milliseconds, as those of the agent's own histogram
AIMS = {"start": 10.0, "memory pss": 300.0, "event p99": 50.0}  # of the issue: s, MB, ms


def figures(run):
    """{name: (value, unit)} of one run: {"start": s, "statuses": s, "restart": s, "memory": {...}, "series": {name: [s, ...]}}."""
    found = {name: (run[name], "s") for name in ("start", "statuses", "restart")}
    for kind, value in run["memory"].items():
        found[f"memory {kind}"] = (value / 1e6, "MB")
    for name, durations in run["series"].items():
        for share in 50, 90, 99:
            found[f"{name} p{share}"] = (percentile(durations, share) * 1000, "ms")
        found[f"{name} max"] = (max(durations) * 1000, "ms")
    return found


def percentile(values, share):
    """The smallest value that `share` percent of all are not above."""
    return sorted(values)[max(0, -(-len(values) * share // 100) - 1)]


def table(runs):
    """Markdown."""
    lines = ["| figure | unit | median | min | max | aim |", "|---|---|--:|--:|--:|--:|"]
    every = [figures(run) for run in runs]
    for name, (_, unit) in every[0].items():
        values = [each[name][0] for each in every]
        aim = f"< {AIMS[name]:g}" if name in AIMS else ""
        lines.append(f"| {name} | {unit} | {_number(statistics.median(values))} | {_number(min(values))} | {_number(max(values))} | {aim} |")
    return "\n".join(lines) + "\n"


def histograms(runs):
    """Markdown: how many changes of all runs took how long."""
    names = list(runs[0]["series"])
    lines = ["| milliseconds | " + " | ".join(names) + " |", "|--:" * (len(names) + 1) + "|"]
    counts = {name: [0] * (len(BOUNDS) + 1) for name in names}
    for run in runs:
        for name in names:
            for duration in run["series"][name]:
                counts[name][bisect.bisect_left(BOUNDS, duration * 1000)] += 1
    for row in range(len(BOUNDS) + 1):
        if any(counts[name][row] for name in names):
            label = f"≤ {BOUNDS[row]:g}" if row < len(BOUNDS) else f"> {BOUNDS[-1]:g}"
            lines.append(f"| {label} | " + " | ".join(str(counts[name][row]) for name in names) + " |")
    return "\n".join(lines) + "\n"


def _number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
