# SPDX-License-Identifier: Apache-2.0
"""Medians, the JSON of the results, and the tables."""

import json
import statistics

BASE = "direct"


class Results:
    """Values by row and gateway, in the order in which they were first seen."""

    def __init__(self):
        self.rows = {}
        self.values = {}
        self.notes = []

    def add(self, row, gateway, value):
        self.rows[row.name] = row
        self.values.setdefault(row.name, {}).setdefault(gateway, []).append(value)

    def note(self, text):
        self.notes.append(text)

    def document(self):
        """The shape docs/performance/README.md describes; `rounds` is the number of values behind the median."""
        workloads = []
        for name, gateways in self.values.items():
            row = self.rows[name]
            subjects = {gateway: {"median": _rounded(statistics.median(values)), "min": _rounded(min(values)),
                                  "max": _rounded(max(values)), "rounds": len(values)}
                        for gateway, values in gateways.items()}
            workloads.append({"name": name, "unit": row.unit, "better": row.better, "subjects": subjects})
        return {"workloads": workloads}


def _rounded(value):
    return float(f"{value:.4g}")


def number(value):
    """Three significant digits, thousands separated: 13,500  0.243  49.1"""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio(workload, gateway):
    """The median against direct routing's, or None where that is nothing (a router has no process)."""
    base = workload["subjects"].get(BASE, {}).get("median", 0)
    return workload["subjects"][gateway]["median"] / base if base > 0 else None


def lines(document):
    """(workload, unit, better, gateway, median, min, max, ratio) as text, one per row and gateway."""
    for workload in document["workloads"]:
        for gateway, subject in workload["subjects"].items():
            against = ratio(workload, gateway)
            yield (workload["name"], workload["unit"], workload["better"], gateway, number(subject["median"]),
                   number(subject["min"]), number(subject["max"]), "-" if against is None else f"{against:.2f}")


HEAD = ("workload", "unit", "better", "gateway", "median", "min", "max", "ratio to direct")


def terminal_table(document):
    table = [HEAD, *lines(document)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    out, previous = [], ""
    for line in table:
        if line[0] != previous:
            out.append("")
        shown = line if line[0] != previous else ("", "", "", *line[3:])
        previous = line[0]
        out.append("  ".join(text.ljust(width) if column < 4 else text.rjust(width)
                             for column, (text, width) in enumerate(zip(shown, widths))))
    return "\n".join(out)


def markdown_table(document):
    out = ["| " + " | ".join(HEAD) + " |", "|---|---|---|---|--:|--:|--:|--:|"]
    out += ["| " + " | ".join(line) + " |" for line in lines(document)]
    return "\n".join(out) + "\n"


OF_DIRECT, OF_PEER = 0.95, 1.7
PEERS = "haproxy", "haproxy-splice", "nginx"


def aims(document, subject):
    """
    (verdict, text) for each aim of the subject: every row within 5 % of direct routing, and 1.7 times the connections per
    second of the best peer. Where the ranges of both overlap, the runs cannot tell the difference.
    """
    for workload in document["workloads"]:
        against = ratio(workload, subject) if subject in workload["subjects"] else None
        if against is None or workload["name"].startswith("idle"):
            continue
        good = against if workload["better"] == "higher" else 1 / max(against, 1e-9)
        overlap = _overlap(workload["subjects"][subject], workload["subjects"][BASE])
        verdict = "met" if good >= OF_DIRECT else "noise" if overlap else "NOT MET"
        yield verdict, f"{subject} {workload['name']}: {good:.2f} of direct routing (aim {OF_DIRECT})"
        peers = {peer: workload["subjects"][peer]["median"] for peer in PEERS if peer in workload["subjects"]}
        if workload["unit"] == "connections/s" and peers:
            best = max(peers, key=peers.get)
            times = workload["subjects"][subject]["median"] / peers[best]
            yield "met" if times >= OF_PEER else "NOT MET", f"{subject} {workload['name']}: {times:.2f} times {best} (aim {OF_PEER})"


def _overlap(one, other):
    return one["min"] <= other["max"] and other["min"] <= one["max"]


def write_json(document, path):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(document, out, indent=1, ensure_ascii=False)
        out.write("\n")
