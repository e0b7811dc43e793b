# SPDX-License-Identifier: Apache-2.0
"""An SVG of the results: one panel per row, one bar per gateway (the median) with a whisker from min to max."""

from xml.sax.saxutils import escape

from . import report

COLOURS = {"direct": "#8a8f98", "slipgate": "#0b7a75", "slipgate-preserve": "#6bb5a8", "haproxy": "#c1666b",
           "haproxy-splice": "#d9a05b", "nginx": "#6b7fd7"}
COLUMNS, PANEL, BAR, LEFT, VALUE, GAP = 3, 400, 20, 112, 92, 24


def svg(document, title):
    workloads = document["workloads"]
    most = max(len(workload["subjects"]) for workload in workloads)
    height = 40 + most * BAR + GAP
    rows = (len(workloads) + COLUMNS - 1) // COLUMNS
    width, total = COLUMNS * PANEL + GAP, rows * height + 70
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" viewBox="0 0 {width} {total}" '
           'font-family="system-ui, sans-serif" font-size="12">',
           f'<rect width="{width}" height="{total}" fill="#ffffff"/>',
           f'<text x="{GAP}" y="30" font-size="17" font-weight="600">{escape(title)}</text>',
           f'<text x="{GAP}" y="50" fill="#555">bars: medians; whiskers: min to max</text>']
    for index, workload in enumerate(workloads):
        x, y = GAP + index % COLUMNS * PANEL, 70 + index // COLUMNS * height
        out += _panel(workload, x, y)
    out.append("</svg>")
    return "\n".join(out) + "\n"


def _panel(workload, x, y):
    scale = (PANEL - GAP - LEFT - VALUE) / max(max(s["max"] for s in workload["subjects"].values()), 1e-9)
    out = [f'<text x="{x}" y="{y + 14}" font-weight="600">{escape(workload["name"])}'
           f'<tspan dx="6" font-weight="400" fill="#555">{escape(workload["unit"])}, {workload["better"]} is better</tspan></text>']
    for line, (gateway, subject) in enumerate(workload["subjects"].items()):
        top = y + 24 + line * BAR
        middle = top + BAR / 2 - 2
        start = x + LEFT
        low, high, median = (start + max(subject[key], 0) * scale for key in ("min", "max", "median"))
        against = report.ratio(workload, gateway, report.BASE)
        label = report.number(subject["median"]) + (f"  ({against['median']:.2f})" if against else "")
        out += [f'<text x="{start - 6}" y="{middle + 4}" text-anchor="end">{escape(gateway)}</text>',
                f'<rect x="{start}" y="{top}" width="{median - start:.1f}" height="{BAR - 5}" '
                f'fill="{COLOURS.get(gateway, "#999")}"/>',
                f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8" '
                'stroke="#222" fill="none"/>',
                f'<text x="{max(high, median) + 6:.1f}" y="{middle + 4}">{escape(label)}</text>']
    return out
