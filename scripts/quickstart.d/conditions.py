# SPDX-License-Identifier: Apache-2.0
"""Prints the conditions of every resource from the status directory and checks those a user would look at."""

import glob
import re
import sys

from lab import STATE, Table

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


def scalar(text):
    text = text.strip()
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in "\"'" else text


class Reader:
    """Block-style YAML as the agent writes it: mappings, sequences and one-line scalars. No more of YAML than that."""

    def __init__(self, text):
        self.lines = []
        for line in text.splitlines():
            if line.strip() and not line.startswith(("---", "...", "#")):
                self.lines.append((len(line) - len(line.lstrip()), line.strip()))

    def block(self, indent):
        if self.lines and self.lines[0][1].startswith("- "):
            return self.sequence(self.lines[0][0])
        return self.mapping(indent)

    def sequence(self, indent):
        items = []
        while self.lines and self.lines[0][0] == indent and self.lines[0][1].startswith("- "):
            rest = self.lines[0][1][2:]
            if re.match(r"[\w.]+:(\s|$)", rest):
                self.lines[0] = (indent + 2, rest)
                items.append(self.mapping(indent + 2))
            else:
                self.lines.pop(0)
                items.append(scalar(rest))
        return items

    def mapping(self, indent):
        result = {}
        while self.lines and self.lines[0][0] == indent and not self.lines[0][1].startswith("- "):
            key, _, rest = self.lines.pop(0)[1].partition(":")
            nested = self.lines and (self.lines[0][0] > indent or
                                     self.lines[0][0] == indent and self.lines[0][1].startswith("- "))
            result[key] = scalar(rest) if rest.strip() or not nested else self.block(self.lines[0][0])
        return result


def conditions(document):
    """(resource, part, condition) of one status document: part names the listener or the parent, if any."""
    meta, status = document["metadata"], document.get("status") or {}
    name = f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else meta["name"]
    resource = f"{document['kind']} {name}"
    for condition in status.get("conditions") or []:
        yield resource, "", condition
    for listener in status.get("listeners") or []:
        for condition in listener.get("conditions") or []:
            yield resource, listener["name"], condition
    for parent in status.get("parents") or []:
        for condition in parent.get("conditions") or []:
            yield resource, parent["parentRef"]["name"], condition


def main():
    table = Table(resource=26, listener_or_parent=18, condition=16, expected=26, got=26, verdict=15)
    missing = dict(WANT)
    for path in sorted(glob.glob(f"{STATE}/status/*.yaml")):
        with open(path, encoding="utf-8") as file:
            document = Reader(file.read()).block(0)
        for resource, part, condition in conditions(document):
            got = f"{condition['status']} {condition['reason']}"
            want = missing.pop((resource, part, condition["type"]), None)
            table.row(resource, part, condition["type"], want or "", got, good=want in (None, got))
    for (resource, part, kind), want in missing.items():
        table.row(resource, part, kind, want, "(no such condition)", good=False)
    return table.finish()


sys.exit(main())
