#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A second build does nothing; a changed .cc compiles that file and links; a changed header builds the BPF programs that
include it. Usage: rebuild_test.py BUILD_DIR

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


def would_do_after_change(path):
    source = ROOT / path
    before = source.stat()
    try:
        os.utime(source)
        return would_do()
    finally:
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))


def bpf_objects(steps):
    """Of the data path; tests have programs of their own."""
    sources = {path.name for path in (ROOT / "bpf").glob("*.bpf.c")}
    named = [re.fullmatch(r"BPF (?:.*/)?([\w.]+\.bpf\.c)", step) for step in steps]
    return {match[1] for match in named if match and match[1] in sources}


class Rebuild(unittest.TestCase):
    def test_second_build_does_nothing(self):
        self.assertEqual(would_do(), [])

    def test_changed_source_compiles_itself_and_links(self):
        steps = would_do_after_change("agent/base/log.cc")
        compiled = [step for step in steps if not step.startswith("Linking ")]
        self.assertEqual(len(compiled), 1, compiled)
        self.assertRegex(compiled[0], r"^Building CXX object .*/log\.cc\.o$")
        self.assertGreater(len(steps), 1, "its library and programs are linked")

    def test_changed_header_builds_the_bpf_programs_that_include_it(self):
        every = {path.name for path in (ROOT / "bpf").glob("*.bpf.c")}
        self.assertEqual(bpf_objects(would_do_after_change("include/slipgate/abi.h")), every)
        of_one = bpf_objects(would_do_after_change("bpf/lib/source_port.h"))
        self.assertIn("connect.bpf.c", of_one)
        self.assertLess(of_one, every)


if __name__ == "__main__":
    unittest.main()
