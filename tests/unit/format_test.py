#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The tracked C++ and BPF files are as clang-format leaves them. To put them right: tests/unit/format_test.py --fix"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

listing = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "*.h", "*.c", "*.cc"], check=True, capture_output=True, text=True)
sources = [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]
if not sources:
    sys.exit("no tracked source file found")
mode = ["-i"] if "--fix" in sys.argv[1:] else ["--dry-run", "--Werror"]
sys.exit(subprocess.run(["clang-format-19", *mode, *sources], cwd=ROOT).returncode)
