# SPDX-License-Identifier: Apache-2.0
"""The conditions of the golden outputs."""

import re
from dataclasses import dataclass, field
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent / "testdata"
OBJECT = re.compile(r"  (\w+) \S+:$")
CONDITION = re.compile(r" - \{type: (\S+), status: (\w+), reason: (\w+),")
LISTENERS = "    listeners:"
PART = re.compile(r"      - (name|parentRef):")  # of a status: a listener, or a TLSRoute's parent
KINDS = re.compile(r"        supportedKinds: \[(.*)\]$")


@dataclass
class Holder:
    """What has conditions: an object, one of its listeners, or a TLSRoute under one of its parents."""

    kind: str  # of the object, or "listener"
    file: str
    conditions: dict = field(default_factory=dict)  # {type: "status reason"}
    supported_kinds: str = ""


def holders():
    """All that have any."""
    return [holder for file in sorted(GOLDEN.glob("*.out.yaml")) for holder in holders_of(file.name, file.read_text()) if holder.conditions]


def holders_of(file, text):
    found, kind = [], None
    for line in text.splitlines():
        begun = OBJECT.match(line)
        if begun or line == LISTENERS:
            kind = begun[1] if begun else "listener"
        if begun or PART.match(line):
            found.append(Holder(kind, file))
        elif kinds := KINDS.match(line):
            found[-1].supported_kinds = kinds[1]
        elif told := CONDITION.search(line):
            condition, status, reason = told.groups()
            found[-1].conditions[condition] = f"{status} {reason}"
    return found
