# SPDX-License-Identifier: Apache-2.0
"""Reads the status files of slipgated: YAML in block style, as the agent writes it."""

import re


def scalar(text):
    text = text.strip()
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in "\"'" else text


class Reader:
    """Block-style YAML as the agent writes it: mappings, sequences and one-line scalars. No more of YAML than that."""

    def __init__(self, text):
        self.lines = []
        for line in text.splitlines():
            if line.strip() and not line.startswith(("---", "...", "#")):
                self.lines.append((len(line) - len(line.lstrip()), line.strip()))

    def block(self, indent):
        if self.lines and self.lines[0][1].startswith("- "):
            return self.sequence(self.lines[0][0])
        return self.mapping(indent)

    def sequence(self, indent):
        items = []
        while self.lines and self.lines[0][0] == indent and self.lines[0][1].startswith("- "):
            rest = self.lines[0][1][2:]
            if re.match(r"[\w.]+:(\s|$)", rest):
                self.lines[0] = (indent + 2, rest)
                items.append(self.mapping(indent + 2))
            else:
                self.lines.pop(0)
                items.append(scalar(rest))
        return items

    def mapping(self, indent):
        result = {}
        while self.lines and self.lines[0][0] == indent and not self.lines[0][1].startswith("- "):
            key, _, rest = self.lines.pop(0)[1].partition(":")
            nested = self.lines and (self.lines[0][0] > indent or
                                     self.lines[0][0] == indent and self.lines[0][1].startswith("- "))
            result[key] = scalar(rest) if rest.strip() or not nested else self.block(self.lines[0][0])
        return result


def read(path):
    """The document in a status file."""
    with open(path, encoding="utf-8") as file:
        return Reader(file.read()).block(0)


def conditions(document):
    """(resource, part, condition) of one status document: part names the listener or the parent, if any."""
    meta, status = document["metadata"], document.get("status") or {}
    name = f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else meta["name"]
    resource = f"{document['kind']} {name}"
    for condition in status.get("conditions") or []:
        yield resource, "", condition
    for listener in status.get("listeners") or []:
        for condition in listener.get("conditions") or []:
            yield resource, listener["name"], condition
    for parent in status.get("parents") or []:
        for condition in parent.get("conditions") or []:
            yield resource, parent["parentRef"]["name"], condition
