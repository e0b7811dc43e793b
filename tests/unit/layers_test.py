#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The layers of agent/: includes go only where the CMake links allow, without a cycle, and never to app."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
AGENT = ROOT / "agent"
SOURCES = ("*.h", "*.cc", "*.c")
KEYWORDS = {"SOURCES", "LINKS", "PRIVATE_LINKS", "INTERFACE", "PUBLIC", "PRIVATE"}
LINKING = re.compile(r"\b(?P<call>slipgate_library|target_link_libraries)\s*\(\s*(?P<target>agent_\w+)(?P<words>[^)]*)\)")


def part_of(path):
    """The part of agent/ a file belongs to: "base" for agent/base/log.h."""
    return path.relative_to(AGENT).parts[0]


def linked_targets(call, words):
    """The targets that a call names as its links."""
    links, section = set(), "LINKS" if call == "target_link_libraries" else None
    for word in words:
        if word in KEYWORDS:
            section = "SOURCES" if word == "SOURCES" else "LINKS"
        elif section == "LINKS" and word.startswith("agent_"):
            links.add(word)
    return links


def stated_links():
    """{part: parts it links}, as the CMakeLists.txt of the parts state it."""
    owner, links = {}, {}
    for listfile in sorted(AGENT.glob("*/**/CMakeLists.txt")):
        part = part_of(listfile)
        links.setdefault(part, set())
        text = re.sub(r"#.*", "", listfile.read_text())
        for target in re.findall(r"\b(?:slipgate_library|add_library)\s*\(\s*(agent_\w+)", text):
            owner[target] = part
        for match in LINKING.finditer(text):
            links[part] |= linked_targets(match["call"], match["words"].split())
    return {part: {owner[target] for target in targets} - {part} for part, targets in links.items()}


def included_parts(path):
    return set(re.findall(r'^\s*#\s*include\s*[<"]agent/([^/">]+)/', path.read_text(), re.MULTILINE))


def files(folder):
    return sorted(path for pattern in SOURCES for path in folder.rglob(pattern))


class Layers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.links = stated_links()

    def test_the_links_are_read(self):
        self.assertIn("base", self.links["model"])
        self.assertTrue({"model", "ir"} <= self.links["translate"])
        self.assertEqual(self.links["base"], set())
        with_sources = {part_of(path) for path in files(AGENT)}
        self.assertEqual(with_sources - set(self.links), set(), "folders of agent/ without a library")

    def test_includes_follow_the_links(self):
        for path in files(AGENT):
            part = part_of(path)
            with self.subTest(file=str(path.relative_to(ROOT))):
                self.assertEqual(included_parts(path) - {part} - self.links[part], set(),
                                 f"not in the LINKS of agent/{part}/CMakeLists.txt")

    def test_no_cycles(self):
        done = set()

        def visit(part, way):
            self.assertNotIn(part, way, "cycle: " + " -> ".join((*way, part)))
            if part not in done:
                for link in sorted(self.links[part]):
                    visit(link, (*way, part))
                done.add(part)

        for part in sorted(self.links):
            visit(part, ())
        self.assertEqual(done, set(self.links))

    def test_nothing_depends_on_app(self):
        for part, links in self.links.items():
            self.assertNotIn("app", links, f"agent/{part} links app")

    def test_the_data_plane_knows_nothing_of_the_agent(self):
        shared = files(ROOT / "bpf") + files(ROOT / "include")
        self.assertTrue(shared)
        for path in shared:
            with self.subTest(file=str(path.relative_to(ROOT))):
                self.assertEqual(included_parts(path), set())

    def test_includes_are_written_from_the_root(self):
        for path in files(AGENT):
            for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(), re.MULTILINE):
                with self.subTest(file=str(path.relative_to(ROOT)), include=name):
                    self.assertTrue(name.startswith("agent/") or name.endswith(".skel.h"))


if __name__ == "__main__":
    unittest.main()
