# SPDX-License-Identifier: Apache-2.0
"""Medians, the JSON of the results, and the tables."""

import json
import statistics

BASE = "direct"
PEERS = "haproxy", "haproxy-splice", "nginx"
OF_DIRECT, OF_PEER = 0.95, 1.7


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
            subjects = {gateway: {**_summary(values), "rounds": len(values)} for gateway, values in gateways.items()}
            for other in (BASE, *PEERS):
                for gateway in subjects:
                    if gateway != other and other in gateways and min(gateways[other]) > 0:
                        subjects[gateway].setdefault("ratio", {})[other] = _summary(
                            [mine / its for mine, its in zip(gateways[gateway], gateways[other])])
            workloads.append({"name": name, "unit": row.unit, "better": row.better, "subjects": subjects})
        return {"workloads": workloads}


def _summary(values):
    return {"median": _rounded(statistics.median(values)), "min": _rounded(min(values)), "max": _rounded(max(values))}


def _rounded(value):
    return float(f"{value:.4g}")


def number(value):
    """Three significant digits, thousands separated: 13,500  0.243  49.1"""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio(workload, gateway, other):
    """
    Median, min and max of the gateway's value against the other's in the same round; None where that is nothing (a router
    has no process). A machine that shares its host is faster in one minute than in the next: what both meet cancels out.
    """
    return workload["subjects"][gateway].get("ratio", {}).get(other)


def lines(document):
    """(workload, unit, better, gateway, median, min, max, ratio, its min, its max) as text, one per row and gateway."""
    for workload in document["workloads"]:
        for gateway, subject in workload["subjects"].items():
            against = ratio(workload, gateway, BASE)
            yield (workload["name"], workload["unit"], workload["better"], gateway,
                   *(number(subject[key]) for key in ("median", "min", "max")),
                   *(f"{against[key]:.2f}" if against else "-" for key in ("median", "min", "max")))


HEAD = "workload", "unit", "better", "gateway", "median", "min", "max", "to direct", "min", "max"


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
    out = ["| " + " | ".join(HEAD) + " |", "|---|---|---|---" + "|--:" * 6 + "|"]
    out += ["| " + " | ".join(line) + " |" for line in lines(document)]
    return "\n".join(out) + "\n"


def aims(document, subject):
    """
    (verdict, text) for each aim of the subject: every row within 5 % of direct routing, and 1.7 times the connections per
    second of the best peer. Where some rounds met the aim and more did not, the run cannot tell: noise.
    """
    for workload in document["workloads"]:
        against = ratio(workload, subject, BASE) if subject in workload["subjects"] else None
        if against is None or workload["name"].startswith("idle"):
            continue
        yield _judged(subject, workload, against, OF_DIRECT, "direct routing")
        peers = {peer: workload["subjects"][peer]["median"] for peer in PEERS if peer in workload["subjects"]}
        if workload["unit"] == "connections/s" and peers:
            best = max(peers, key=peers.get)
            yield _judged(subject, workload, ratio(workload, subject, best), OF_PEER, best)


def _judged(subject, workload, against, aim, other):
    worst, median, best = (against[key] for key in ("min", "median", "max"))
    if workload["better"] == "lower":
        worst, median, best = 1 / best, 1 / median, 1 / worst
    verdict = "met" if median >= aim else "noise" if best >= aim else "NOT MET"
    return verdict, f"{subject} {workload['name']}: {median:.2f} ({worst:.2f} to {best:.2f}) of {other} (aim {aim})"


def write_json(document, path):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(document, out, indent=1, ensure_ascii=False)
        out.write("\n")
