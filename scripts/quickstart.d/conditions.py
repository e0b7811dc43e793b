# SPDX-License-Identifier: Apache-2.0
"""Prints the conditions of every resource from the status directory and checks those a user would look at."""

import glob
import sys

from lab import STATE, Table

from statuses import conditions, read

WANT = {
    ("GatewayClass slipgate", "", "Accepted"): "True Accepted",
    ("Gateway default/edge", "", "Accepted"): "True Accepted",
    ("Gateway default/edge", "", "Programmed"): "True Programmed",
    ("Gateway default/edge", "tls", "Accepted"): "True Accepted",
    ("Gateway default/edge", "tls", "ResolvedRefs"): "True ResolvedRefs",
    ("Gateway default/edge", "tls", "Programmed"): "True Programmed",
    ("Gateway default/mixed", "", "Accepted"): "True ListenersNotValid",
    ("Gateway default/mixed", "", "Programmed"): "True Programmed",
    ("Gateway default/mixed", "passthrough", "Accepted"): "True Accepted",
    ("Gateway default/mixed", "passthrough", "Programmed"): "True Programmed",
    ("Gateway default/mixed", "terminate", "Accepted"): "False UnsupportedProtocol",
    ("Gateway default/mixed", "terminate", "Programmed"): "False Invalid",
}
for _route in ("api", "admin", "metrics", "apps", "payments", "vault", "split", "mixed"):
    _gateway = "mixed" if _route == "mixed" else "edge"
    WANT[f"TLSRoute default/{_route}", _gateway, "Accepted"] = "True Accepted"
    WANT[f"TLSRoute default/{_route}", _gateway, "ResolvedRefs"] = \
        "False RefNotPermitted" if _route == "vault" else "True ResolvedRefs"


def main():
    table = Table(resource=26, listener_or_parent=18, condition=16, expected=26, got=26, verdict=15)
    missing = dict(WANT)
    for path in sorted(glob.glob(f"{STATE}/status/*.yaml")):
        for resource, part, condition in conditions(read(path)):
            got = f"{condition['status']} {condition['reason']}"
            want = missing.pop((resource, part, condition["type"]), None)
            table.row(resource, part, condition["type"], want or "", got, good=want in (None, got))
    for (resource, part, kind), want in missing.items():
        table.row(resource, part, kind, want, "(no such condition)", good=False)
    return table.finish()


sys.exit(main())
