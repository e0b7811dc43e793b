# SPDX-License-Identifier: Apache-2.0
"""Every reason of a condition that docs/errors.md lists, on every object and with every status it lists, is in some golden output."""

import re
import sys
from pathlib import Path

from golden_conditions import holders

ROOT = Path(__file__).resolve().parents[2]


def listed():
    """{(object, type, status, reason)}: of the conditions that the translator gives."""
    text = (ROOT / "docs/errors.md").read_text()
    found, ours = set(), None
    for line in text[text.index("\n## Conditions"):text.index("\n### What the agent does not take")].splitlines():
        if introduced := re.match("`(slipgate.dev/[A-Z].*?)`: ", line):
            ours = introduced[1]
        cells = [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            found.add(("TLSRoute", ours, "True", cells[0]))
        elif line.startswith("| ") and cells[0] != "object" and cells[0] != "reason":
            found |= {(item, *condition, reason) for item in cells[0].split(", ") for condition in conditions_of(cells[1])
                      for reason in cells[2].split(", ")}
    return found


def conditions_of(cell):
    """[(type, status)]: without a status it has both."""
    for condition in cell.split(", "):
        kind, _, status = condition.partition(" ")
        yield from [(kind, status)] if status else [(kind, "True"), (kind, "False")]


def given():
    """The same of the golden outputs."""
    return {(holder.kind, condition, *told.split()) for holder in holders() for condition, told in holder.conditions.items()}


def main():
    wanted = listed()
    assert len(wanted) > 50, "the tables are found"
    if missing := sorted(wanted - given()):
        sys.exit("no golden output has\n" + "\n".join(map(" ".join, missing)))


if __name__ == "__main__":
    main()
