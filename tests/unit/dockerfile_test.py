#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The image has the package of every library that slipgated names, and what is copied exists: dockerfile_test.py PROGRAM"""
import pathlib
import re
import subprocess
import sys

IN_EVERY_IMAGE = {"libc6", "libgcc-s1", "libstdc++6"}  # apt itself needs them
PROGRAM = sys.argv[1]


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def package_of(file):
    """dpkg knows some files by their path before /lib became a link to /usr/lib."""
    return output("dpkg-query", "--search", file, str(file).removeprefix("/usr")).partition(":")[0]


needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "--dynamic", PROGRAM))
paths = dict(re.findall(r"(\S+) => (\S+)", output("ldd", PROGRAM)))
wanted = {package_of(pathlib.Path(paths[library]).resolve()) for library in needed} - IN_EVERY_IMAGE
root = pathlib.Path(__file__).resolve().parents[2]
text = (root / "k8s/Dockerfile").read_text()
copied = [source for line in re.findall(r"^COPY (?!--from)(.*)", text, re.MULTILINE) for source in line.split()[:-1]]
missing = [source for source in copied if not (root / source).exists()]
if missing or not copied:
    sys.exit(f"k8s/Dockerfile copies what is not there: {missing or 'nothing at all'}")
installed = set(re.search(r"apt-get install [^&]*?\\\n([^&]*?)\\", text)[1].split())
if wanted != installed:
    sys.exit(f"k8s/Dockerfile installs {sorted(installed - wanted)} for nothing and lacks {sorted(wanted - installed)}")
