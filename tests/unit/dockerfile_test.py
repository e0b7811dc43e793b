#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
What can be known of the image without building it: dockerfile_test.py PROGRAM BUILD_FOLDER. Another base can be given, what is copied
exists, the program that is copied and started is what the build makes, and it finds the package of every library it names.
"""
import json
import pathlib
import re
import subprocess
import sys

IN_EVERY_IMAGE = {"libc6", "libgcc-s1", "libstdc++6"}  # apt itself needs them
PROGRAM, BUILD_FOLDER = map(pathlib.Path, sys.argv[1:])
ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "k8s/Dockerfile").read_text()


def check(is_right, complaint):
    if not is_right:
        sys.exit(f"k8s/Dockerfile: {complaint}")


def found(pattern):
    """All that the pattern finds at the beginning of a line."""
    return re.findall(f"^{pattern}", TEXT, re.MULTILINE)


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def package_of(file):
    """dpkg knows some files by their path before /lib became a link to /usr/lib."""
    return output("dpkg-query", "--search", file, str(file).removeprefix("/usr")).partition(":")[0]


def check_bases():
    before = TEXT[:TEXT.index("\nFROM ")]  # a FROM sees no other ARG
    for base in found(r"FROM (\S+)"):
        name = base.strip("${}")
        check(base == f"${{{name}}}" and re.search(rf"^ARG {name}=\S", before, re.MULTILINE), f"FROM {base}: no ARG with a default names it")


def check_what_is_copied_from_the_tree():
    copied = [source for line in found(r"COPY (?!--from)(.*)") for source in line.split()[:-1]]
    ignored = (ROOT / ".dockerignore").read_text().split()
    check(copied, "copies nothing")
    for source in copied:
        check((ROOT / source).exists() and not any(f"/{source}/".startswith(f"{path}/") for path in ignored), f"COPY {source}: is not there")


def check_the_program():
    preset, target, stripped = found(r"RUN cmake --preset (\S+) && cmake --build --preset \1 --target (\S+) && strip (\S+)")[0]
    check(preset in {known["name"] for known in json.loads((ROOT / "CMakePresets.json").read_text())["buildPresets"]}, f"no preset {preset}")
    made = f"build/{preset}/{PROGRAM.relative_to(BUILD_FOLDER)}"
    check((target, stripped) == (PROGRAM.name, made), f"builds {target} and strips {stripped}, not {made}")
    stage, source, folder = found(r"COPY --from=(\S+) (\S+) (\S+)")[0]
    check([stage] == found(r"FROM \S+ AS (\S+)") and source == f"{found('WORKDIR (.*)')[0]}/{made}", f"COPY {source}: is not what is built")
    check(folder in ("/usr/sbin/", "/usr/bin/") and found("ENTRYPOINT (.*)") == [f'["{PROGRAM.name}"]'], "the program is not started")


def check_libraries():
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "--dynamic", PROGRAM))
    paths = dict(re.findall(r"(\S+) => (\S+)", output("ldd", PROGRAM)))
    wanted = {package_of(pathlib.Path(paths[library]).resolve()) for library in needed} - IN_EVERY_IMAGE
    installed = set(re.search(r"apt-get install [^&]*?\\\n([^&]*?)\\", TEXT)[1].split())
    check(wanted == installed, f"installs {sorted(installed - wanted)} for nothing and lacks {sorted(wanted - installed)}")


check_bases()
check_what_is_copied_from_the_tree()
check_the_program()
check_libraries()
