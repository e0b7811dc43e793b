#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the documents name exists: links, headings, files, scripts, options of the agent, presets, test labels."""
import json
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|^(?: {4}.*\n)+|`[^`\n]+`", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"\w[\w.-]*(?:/[\w.-]+)*\.(?:bpf\.c|cc|h|py|sh|md|yaml|txt|json|svg)")
OURS = "agent", "bpf", "cmake", "docs", "include", "k8s", "scripts", "tests", ".ci"


def tracked():
    listing = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True, text=True)
    return [name for name in listing.stdout.split("\0") if name and (ROOT / name).exists()]


def anchors(text):
    """The fragments that the headings of a document can be linked by."""
    headings = re.findall(r"^#+ +(.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = tracked()
        cls.texts = {name: (ROOT / name).read_text() for name in cls.files if name.endswith(".md")}
        cls.code = {name: CODE.findall(text) for name, text in cls.texts.items()}
        assert {"README.md", "CONTRIBUTING.md", "docs/testing.md"} <= set(cls.texts)

    def every(self, pattern, texts, least):
        """(document, match) of a pattern in the texts of each document; fails if it finds less than it must."""
        found = [(name, match) for name, parts in texts.items() for part in parts for match in re.finditer(pattern, part)]
        self.assertGreaterEqual(len(found), least, f"the pattern {pattern} finds too little: does it still fit?")
        return found

    def test_links_lead_somewhere(self):
        links = self.every(LINK, {name: [text] for name, text in self.texts.items()}, least=20)
        for name, match in links:
            path, _, fragment = match[1].partition("#")
            if path.startswith(("https:", "http:")):
                continue
            target = (ROOT / name).parent / path if path else ROOT / name
            with self.subTest(document=name, link=match[1]):
                self.assertTrue(target.exists(), "no such file")
                if fragment:
                    self.assertIn(fragment, anchors(target.read_text()))

    def test_files_exist(self):
        """`lib/flow.h` may be written without the folders above it, where the context gives them."""
        ends = {"/".join(name.split("/")[start:]) for name in self.files for start in range(name.count("/") + 1)}
        for name, match in self.every(rf"(?<![\w/>.*$-])(?:\.\.?/)*({FILE.pattern})(?![\w/])", self.code, least=50):
            if not match[1].startswith("build/"):
                with self.subTest(document=name, file=match[1]):
                    self.assertTrue(match[1] in ends, "no such file")

    def test_folders_and_scripts_exist(self):
        path = rf"(?<![\w./-])(?:\./)?((?:{'|'.join(map(re.escape, OURS))})/[\w./-]*)(?![\w*<{{])"
        for name, match in self.every(path, self.code, least=40):
            with self.subTest(document=name, path=match[1]):
                self.assertTrue((ROOT / match[1]).exists())

    def test_the_agent_has_the_options(self):
        settings = (ROOT / "agent/app/settings.cc").read_text() + (ROOT / "agent/app/config_flags.cc").read_text()
        named = set(re.findall(r'"([a-z][\w-]+)"', settings))
        for name, match in self.every(r"slipgated((?: +(?:--)?[\w./-]+)+)", self.code, least=3):
            for option in re.findall(r"--([\w-]+)", match[1]):
                with self.subTest(document=name, option=option):
                    self.assertIn(option, named)

    def test_presets_and_labels_exist(self):
        presets = {preset["name"] for preset in json.loads((ROOT / "CMakePresets.json").read_text())["buildPresets"]}
        for name, match in self.every(r"--preset (\w+)", self.code, least=4):
            with self.subTest(document=name, preset=match[1]):
                self.assertIn(match[1], presets)
        lists = "".join((ROOT / name).read_text() for name in self.files if name.endswith("CMakeLists.txt"))
        labels = set(re.findall(r"\bLABELS? (\w+)", lists))
        for name, match in self.every(r" -L '?([\w|]+)", self.code, least=2):
            with self.subTest(document=name, labels=match[1]):
                self.assertLessEqual(set(match[1].split("|")), labels)

    def test_the_architecture_names_each_module(self):
        text = self.texts["docs/ARCHITECTURE.md"]
        modules = [re.sub(r"^(bpf|include/slipgate)/", "", name) for name in self.files
                   if re.match(r"(bpf|include/slipgate)/.*\.[ch]$", name)]
        modules += {name.split("/")[1] for name in self.files if re.match(r"agent/\w+/", name)}
        self.assertGreater(len(modules), 30)
        for module in modules:
            with self.subTest(module=module):
                self.assertTrue(re.search(rf"`{re.escape(module)}(/file)?`", text), "docs/ARCHITECTURE.md does not name it")


if __name__ == "__main__":
    unittest.main()
