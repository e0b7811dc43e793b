#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A second build does nothing; a changed .cc compiles that file and links. Usage: rebuild_test.py BUILD_DIR

Asks ninja what it would do (-n), so nothing is built and tests that run meanwhile are left alone.
"""
import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv.pop(1)).resolve()


def would_do():
    """The steps ninja would take, as it describes them."""
    result = subprocess.run(["ninja", "-C", BUILD, "-n"], check=True, capture_output=True, text=True)
    if "no work to do" in result.stdout:
        return []
    return re.findall(r"^\[\d+/\d+\] (.*)$", result.stdout, re.MULTILINE)


class Rebuild(unittest.TestCase):
    def test_second_build_does_nothing(self):
        self.assertEqual(would_do(), [])

    def test_changed_source_compiles_itself_and_links(self):
        source = ROOT / "agent/base/log.cc"
        before = source.stat()
        try:
            os.utime(source)
            steps = would_do()
        finally:
            os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
        compiled = [step for step in steps if not step.startswith("Linking ")]
        self.assertEqual(len(compiled), 1, compiled)
        self.assertRegex(compiled[0], r"^Building CXX object .*/log\.cc\.o$")
        self.assertGreater(len(steps), 1, "its library and programs are linked")


if __name__ == "__main__":
    unittest.main()
