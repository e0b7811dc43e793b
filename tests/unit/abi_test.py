# SPDX-License-Identifier: Apache-2.0
"""docs/abi.md has a row for every pinned map of bpf/maps.h, and names every other map as one that is not pinned."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def maps():
    """{name: is it pinned}"""
    text = (ROOT / "bpf/maps.h").read_text()
    found = re.findall(r"^struct \{\n(.*?)^\} (\w+) __weak SEC\(\"\.maps\"\);", text, re.MULTILINE | re.DOTALL)
    return {name: "SG_PINNED" in body for body, name in found}


class Abi(unittest.TestCase):
    def setUp(self):
        self.text = (ROOT / "docs/abi.md").read_text()
        self.rows = set()
        for cell in re.findall(r"^\| (`[^|]*) \|", self.text, re.MULTILINE):
            self.rows.update(re.findall(r"`(\w+)`", cell))

    def test_every_definition_is_recognised(self):
        self.assertEqual(len(maps()), (ROOT / "bpf/maps.h").read_text().count('SEC(".maps")'))

    def test_every_pinned_map_has_a_row_and_every_row_a_map(self):
        self.assertEqual(self.rows, {name for name, pinned in maps().items() if pinned})

    def test_maps_that_are_not_pinned_are_said_to_be(self):
        paragraph = re.search(r"^Not pinned:.*?\n\n", self.text, re.MULTILINE | re.DOTALL).group()
        self.assertEqual({name for name in re.findall(r"`(\w+)`", paragraph) if name in maps()},
                         {name for name, pinned in maps().items() if not pinned})


if __name__ == "__main__":
    unittest.main()
