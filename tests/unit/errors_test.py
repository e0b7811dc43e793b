# SPDX-License-Identifier: Apache-2.0
"""docs/errors.md names every counter of counters.h and every condition and reason that a status can give."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONDITION_TYPES_AND_VALUES = {
    "True", "False", "TLSRoute", "TCP", "Service", "Gateway", "IPAddress", "Hostname", "Terminate", "TLS", "Passthrough",
    "Selector", "Same", "All", "In", "NotIn", "Exists", "DoesNotExist", "FQDN", "ExternalName", "ReferenceGrant",
    "GatewayStaticAddresses", "GatewayRouteHostnameIntersectionPrecedence", "GatewayAddressEmpty", "Conflicted",
    "ListenerSet", "OverlappingTLSConfig",
}


def main():
    text = (ROOT / "docs/errors.md").read_text()
    documented = set(re.findall(r"`([\w./]+)`", text))
    counters = set(re.findall(r"^\s+X\((\w+), \"", (ROOT / "include/slipgate/counters.h").read_text(), re.MULTILINE))
    reasons = set()
    sources = [path for folder in ("ir", "translate") for path in (ROOT / "agent" / folder).glob("*.[ch]*")]
    for source in sorted(sources):
        reasons |= set(re.findall(r'"([A-Z][A-Za-z]+|slipgate.dev/[A-Za-z]+)"', source.read_text()))
    assert len(counters) > 50 and len(reasons) > 20, "the patterns of this test find what they look for"
    missing = sorted((counters | (reasons - CONDITION_TYPES_AND_VALUES)) - documented)
    if missing:
        sys.exit(f"docs/errors.md does not mention: {', '.join(missing)}")


if __name__ == "__main__":
    main()
