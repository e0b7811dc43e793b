#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every source file names its licence in its first lines: the kernel's side and what it shares are dual, the rest Apache."""
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUFFIXES = {".h", ".c", ".cc", ".py", ".go", ".sh"}
BPF = "SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause"
APACHE = "SPDX-License-Identifier: Apache-2.0"


def is_script(path):
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def tracked_sources():
    listing = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    paths = [pathlib.Path(name) for name in listing.split("\0") if name]
    return [path for path in paths if (ROOT / path).is_file() and (path.suffix in SUFFIXES or is_script(ROOT / path))]


class Licence(unittest.TestCase):
    def test_every_source_file_names_its_licence(self):
        sources = tracked_sources()
        self.assertGreater(len(sources), 50)
        for path in sources:
            dual = path.parts[0] in ("bpf", "include") or path.name.endswith(".bpf.c")
            with self.subTest(file=str(path)):
                first = (ROOT / path).read_text().splitlines()[:2]
                self.assertIn(BPF if dual else APACHE, "\n".join(first))


if __name__ == "__main__":
    unittest.main()
