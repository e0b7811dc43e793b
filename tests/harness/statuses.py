# SPDX-License-Identifier: Apache-2.0
"""Reads statuses: the files of slipgated, and the conditions in a status."""

import yaml


def read(path):
    """The document in a status file; every scalar is a string."""
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=yaml.BaseLoader)


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


def by_type(conditions):
    """{type: (status, reason)}"""
    return {condition["type"]: (condition["status"], condition["reason"]) for condition in conditions}
