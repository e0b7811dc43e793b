# SPDX-License-Identifier: Apache-2.0
"""docs/errors.md names every counter of counters.h, every metric, how connections end, and every condition and reason that a status or
an Event can give, and says of each counter its meaning, cause and remedy."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONDITION_TYPES_AND_VALUES = {
    "True", "False", "TLSRoute", "TCP", "Service", "Gateway", "IPAddress", "Hostname", "Terminate", "TLS", "Passthrough",
    "Selector", "Same", "All", "In", "NotIn", "Exists", "DoesNotExist", "FQDN", "ExternalName", "ReferenceGrant",
    "GatewayStaticAddresses", "GatewayRouteHostnameIntersectionPrecedence", "GatewayAddressEmpty", "Conflicted",
    "ListenerSet", "OverlappingTLSConfig", "InternalIP", "Unknown",
}
KUBERNETES = {
    "ClusterRole", "CustomResourceDefinition", "EndpointSlice", "Event", "GatewayClass", "Lease", "Namespace", "Node", "Role",
    "ServiceCIDR", "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "GET", "PATCH", "POST", "Normal", "Warning", "WriteStatus",
}


def incomplete_rows(text):
    """Of the counters' tables, by their first cell."""
    counted = text[:text.index("\n## What the agent says of itself")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in counted.splitlines() if line.startswith("| `")]
    assert len(rows) > 50, "the tables are found"
    return [row[0] for row in rows if len(row) != 4 or not all(row)]


def main():
    text = (ROOT / "docs/errors.md").read_text()
    if rows := incomplete_rows(text):
        sys.exit(f"docs/errors.md lacks meaning, cause or remedy of: {', '.join(rows)}")
    documented = set(re.findall(r"`([\w./]+)`", text))
    counters = set(re.findall(r"^\s+X\((\w+), \"", (ROOT / "include/slipgate/counters.h").read_text(), re.MULTILINE))
    metrics = set(re.findall(r'families\.(?:counter|gauge|histogram)\("(\w+)"', (ROOT / "agent/app/metrics.cc").read_text()))
    ends = set(re.findall(r'return "(\w+)";', (ROOT / "agent/datapath/event_reader.cc").read_text())) - {"unknown"}
    reasons = set()
    sources = [path for folder in ("ir", "translate", "source/kube") for path in (ROOT / "agent" / folder).glob("*.[ch]*")]
    for source in sorted(sources):
        reasons |= set(re.findall(r'"([A-Z][A-Za-z]+|slipgate.dev/[A-Za-z]+)"', source.read_text()))
    assert len(counters) > 50 and len(reasons) > 20 and len(metrics) > 20 and len(ends) > 5, "the patterns find what they look for"
    missing = sorted((counters | ends | (reasons - CONDITION_TYPES_AND_VALUES - KUBERNETES)) - documented)
    missing += sorted(name for name in metrics if f"slipgate_{name}" not in text)
    if missing:
        sys.exit(f"docs/errors.md does not mention: {', '.join(missing)}")


if __name__ == "__main__":
    main()
