# SPDX-License-Identifier: Apache-2.0
"""
Plays a document: runs the commands of its ```console blocks in order and compares what they print with what it shows.

A command stands behind "$ ", its further lines behind "> ". What cannot be the same twice (ages, the random part of a Pod's
name, a count at the beginning of a line, the width of columns, curl's words around "Connection reset by peer") may differ. Since
a cluster gets to its state by and by, a command that only looks is run again until it prints what the document shows. NAME=$(...)
must find something.
"""

import os
import re
import subprocess
from dataclasses import dataclass

from ..sandbox import WORK
from ..wait import eventually
from .kubectl import PATIENCE

_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"  # the letters of generated names
_VARYING = [(re.compile(rf"-{_SAFE}{{6,10}}-{_SAFE}{{5}}\b"), "-POD"),
            (re.compile(r"^(curl: \(\d\d\)) .*(Connection reset by peer).*$", re.MULTILINE), r"\1 \2"),
            (re.compile(r"\b\d+[smh](\d+s)?(?=\s|$)"), "AGE"),
            (re.compile(r"^\s*\d+ (?=[a-z])", re.MULTILINE), "COUNT ")]
_CHANGES = re.compile(r"kubectl (apply|create|delete) |certificate ")


@dataclass
class Step:
    title: str  # of the section
    command: str
    expected: str


@dataclass
class Played:
    printed: str
    as_expected: bool


def steps_of(document):
    """The document's commands, in order."""
    steps, title = [], ""
    for part in re.finditer(r"^#+ (?P<title>[^\n]*)$|^```console\n(?P<block>.*?)^```$", document, re.MULTILINE | re.DOTALL):
        if part["title"]:
            title = part["title"]
            continue
        for step in re.split(r"^\$ ", part["block"], flags=re.MULTILINE)[1:]:
            command, *rest = step.splitlines()
            while rest and rest[0].startswith("> "):
                command += "\n" + rest.pop(0)[2:]
            steps.append(Step(title, command, "\n".join(rest)))
    return steps


class Walkthrough:
    def __init__(self, space, kubectl, manifests, between=lambda: None):
        """
        One shell in the Namespace `space`. `manifests`: the folder that is k8s/examples/tutorial there; `between`: called before
        each command.
        """
        self._between = between
        folder, tools = WORK / "walkthrough", WORK / "tools"
        for made in folder / "k8s/examples", tools:
            made.mkdir(parents=True)
        (folder / "k8s/examples/tutorial").symlink_to(manifests)
        program = tools / "kubectl"
        program.write_text(f'#!/bin/sh\nexec {" ".join(map(str, kubectl.command()))} "$@"\n')
        program.chmod(0o755)
        environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
        self._shell = subprocess.Popen(space.command("bash"), cwd=folder, env=environment, text=True, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def play(self, step):
        """Returns what it printed in the end, and whether that is what the document shows."""
        assigned = re.match(r"([A-Z]+)=\$\(", step.command)
        patience = 0 if _CHANGES.match(step.command) else PATIENCE
        played = None

        def is_as_expected():
            nonlocal played
            self._between()
            printed = self._print(step.command)
            if assigned:
                played = Played(printed, printed == "" and self._print(f'echo "${assigned[1]}"') != "")
            else:
                played = Played(printed, comparable(printed) == comparable(step.expected))
            return played.as_expected
        try:
            eventually(is_as_expected, step.command, patience)
        except AssertionError:
            pass  # for the caller to say
        return played

    def close(self):
        self._shell.stdin.close()
        self._shell.wait()
        self._shell.stdout.close()

    def _print(self, command):
        self._shell.stdin.write(f"{command}\nprintf '\\0'\n")
        self._shell.stdin.flush()
        printed = ""
        while not printed.endswith("\0"):
            part = self._shell.stdout.read(1)
            if not part:
                raise AssertionError(f"the shell ended at {command}:\n{printed}")
            printed += part
        return printed.rstrip("\0\n")


def comparable(text):
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return [" ".join(line.split()) for line in text.splitlines()]
