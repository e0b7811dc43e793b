#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each header compiles alone; those of include/slipgate as C11, as C++20 and for BPF. Usage: headers_test.py BUILD_DIR"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
STRICT = ["-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include"]
CCACHE = ["ccache"] if shutil.which("ccache") else []
ANY_TREE = {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "true"}  # as cmake/Compiler.cmake
MULTIARCH = f"/usr/include/{os.uname().machine}-linux-gnu"


def compiles(command, suffix, header):
    """None, or what the compiler says of a file that includes nothing but the header."""
    # Its place is the same in every run, so that ccache knows what has not changed.
    source = BUILD / "headers" / (header.replace("/", "_") + suffix)
    source.parent.mkdir(exist_ok=True)
    source.write_text(f'#include "{header}"\n')
    result = subprocess.run([*CCACHE, *command, "-c", str(source), "-o", f"{source}.o"],
                            env=os.environ | ANY_TREE, capture_output=True, text=True)
    return result.stderr if result.returncode else None


def part_of(path):
    """ "base" for agent/base/log.h; None for what is outside agent/."""
    return path.relative_to(ROOT / "agent").parts[0] if path.is_relative_to(ROOT / "agent") else None


def flags_by_part():
    """{part of agent/: compiler and flags}, as the build compiles its sources; without optimisation, to be quick."""
    flags = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        part = part_of(pathlib.Path(entry["file"]))
        if part is None:
            continue
        words = shlex.split(entry["command"])
        for option in ("-o", "-c", "-MT", "-MF"):
            if option in words:
                at = words.index(option)
                del words[at:at + 2]
        flags.setdefault(part, [word for word in words if word != "-MD"] + ["-O0", "-g0"])
    return flags


def shown_by_the_build():
    """Headers that a source file of the build includes before anything else."""
    found = set()
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        first = re.search(r"^#include (.*)", pathlib.Path(entry["file"]).read_text(), re.MULTILINE)
        if first and first[1].startswith('"'):
            found.add(first[1].strip('"'))
    return found


class Headers(unittest.TestCase):
    def expect_all_compile(self, jobs):
        """jobs: (label, command, suffix, header). Two at a time: a compiler needs a core."""
        self.assertTrue(jobs)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = pool.map(lambda job: compiles(*job[1:]), jobs)
            for (label, *_), complaint in zip(jobs, results):
                with self.subTest(header=label):
                    self.assertIsNone(complaint, complaint)

    def test_shared_headers_compile_everywhere(self):
        languages = {
            "C11": (["cc", "-std=c11", "-Wpedantic", *STRICT], ".c11.c"),
            "C++20": (["c++", "-std=c++20", "-Wpedantic", *STRICT], ".cc"),
            "BPF": (["clang-19", "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wno-unused-function", *STRICT,
                     "-idirafter", MULTIARCH], ".bpf.c"),
        }
        headers = sorted((ROOT / "include/slipgate").glob("*.h"))
        self.expect_all_compile([(f"{header.name} as {language}", command, suffix, f"slipgate/{header.name}")
                                 for header in headers for language, (command, suffix) in languages.items()])

    def test_headers_of_the_agent_compile_alone(self):
        flags = flags_by_part()
        any_part = flags["base"]  # for a part that has only headers
        shown = shown_by_the_build()
        headers = [header.relative_to(ROOT) for header in sorted((ROOT / "agent").rglob("*.h"))]
        self.expect_all_compile([(str(header), flags.get(header.parts[1], any_part), ".cc", str(header))
                                 for header in headers if str(header) not in shown])


if __name__ == "__main__":
    unittest.main()
