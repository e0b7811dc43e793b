# SPDX-License-Identifier: Apache-2.0
"""docs/dataplane.md names every field of the maps and every counter. (Its state table is run against the programs by tests/bpf.)"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADERS = "include/slipgate/abi.h", "bpf/lib/opening.h"
CONTAINERS_AND_PADDING = {"zero", "word", "part", "event", "flow"}


def fields(header):
    """Members of the structs and unions, without nested comments."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / header).read_text(), flags=re.DOTALL)
    for body in re.findall(r"^(?:struct|union) \w+ \{\n(.*?)^\};", text, flags=re.DOTALL | re.MULTILINE):
        for declaration in re.findall(r"^\s+(?:struct |union )?\w+ ([\w, \[\]+]+);", body, flags=re.MULTILINE):
            yield from (re.sub(r"\[.*", "", name).strip() for name in declaration.split(","))


def counters():
    return set(re.findall(r'\bX\((\w+), "', (ROOT / "include/slipgate/counters.h").read_text()))


def names(text):
    return set(re.findall(r"`(\w+)`", text))


def main():
    text = (ROOT / "docs/dataplane.md").read_text()
    assert {"not_tls", "fragment", "events_lost"} <= counters(), "the pattern finds what it looks for"
    section = re.search(r"^## Counters\n(.*?)^## ", text, flags=re.DOTALL | re.MULTILINE).group(1)
    if wrong := sorted(counters() ^ names(section)):
        sys.exit(f"docs/dataplane.md, Counters, does not match counters.h: {', '.join(wrong)}")
    documented = names(text)
    declared = {name for header in HEADERS for name in fields(header)}
    assert {"seq_delta", "window_shift", "contiguous", "source_mac"} <= declared, "the patterns find what they look for"
    missing = sorted(declared - documented - CONTAINERS_AND_PADDING)
    if missing:
        sys.exit(f"docs/dataplane.md does not explain: {', '.join(missing)}")


if __name__ == "__main__":
    main()
