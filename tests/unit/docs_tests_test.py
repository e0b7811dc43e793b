#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The tests that documents rest on exist, and each line of docs/networks.md rests on one or says that it was not tried."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = "docs/networks.md", "docs/dataplane.md", "docs/testing.md"
NAME = re.compile(r"`([A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+(?:\.\w+)?)`")
RULE = re.compile(r"`(rules_\w+_test\.py)`, rule (\d+)")
FILE = re.compile(r"`\w+_test\.(?:py|cc)`")
ELSEWHERE = re.compile(r"^(the same|all of the tests here|quickstart)$")


def sources(*patterns):
    return {path.name: path.read_text() for pattern in patterns for path in (ROOT / "tests").glob(pattern)}


def defined():
    """Classes of the Python tests and their harness, and of the C++ tests with their cases."""
    names = set()
    for text in sources("**/*.py").values():
        names.update(re.findall(r"^class (\w+)", text, flags=re.MULTILINE))
    for text in sources("**/*.cc", "**/*.h").values():
        names.update(re.findall(r"^class (\w+)", text, flags=re.MULTILINE))
        for suite, case in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", text, flags=re.MULTILINE):
            names.update((suite, f"{suite}.{case}"))
    return names


def registered():
    """Classes that ctest runs: as a word of tests/netns/CMakeLists.txt, or with a prefix that its loops put in front."""
    return set(re.findall(r"\w+", (ROOT / "tests/netns/CMakeLists.txt").read_text()))


class NamedTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.texts = {name: (ROOT / name).read_text() for name in DOCUMENTS}

    def test_they_exist(self):
        names = defined()
        assert {"Campaign", "FullTest.SynToARemovedVipIsDropped", "ControlPlane"} < names, "the patterns find what they look for"
        named = [(document, name) for document, text in self.texts.items() for name in NAME.findall(text)]
        self.assertGreater(len(named), 20, "the pattern of names finds too little")
        for document, name in named:
            with self.subTest(document=document, name=name):
                self.assertTrue(name in names, "no such test")

    def test_those_of_networks_are_run(self):
        words = registered()
        for name in NAME.findall(self.texts["docs/networks.md"]):
            with self.subTest(name=name):
                self.assertTrue(name in words or name.removeprefix("Preserve") in words, "tests/netns/CMakeLists.txt does not name it")

    def test_rules_are_in_the_files_named(self):
        files = sources("netns/*.py")
        found = [(name, match) for name, text in self.texts.items() for match in RULE.findall(text)]
        self.assertGreater(len(found), 2, "the pattern of rules finds too little")
        for document, (file, rule) in found:
            with self.subTest(document=document, file=file, rule=rule):
                self.assertTrue(f"def test_rule_{int(rule):02}_" in files.get(file, ""), "no such test")

    def test_each_network_rests_on_a_test(self):
        lines = [line for line in self.texts["docs/networks.md"].splitlines() if line.startswith("| ")]
        self.assertGreater(len(lines), 20)
        for line in lines:
            last = line.split("|")[-2].strip()
            with self.subTest(line=line):
                self.assertTrue(last == "Test" or "not tried" in line or any(each.search(last) for each in (NAME, FILE, ELSEWHERE)))


if __name__ == "__main__":
    unittest.main()
