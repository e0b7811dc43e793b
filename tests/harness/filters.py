# SPDX-License-Identifier: Apache-2.0
"""What is at clsact of an interface."""

import json


def programs(space, interface):
    """Names of the BPF programs in ingress filters, in the order in which they run."""
    filters = json.loads(space.run("tc", "-j", "filter", "show", "dev", interface, "ingress").stdout)
    names = [f["options"]["bpf_name"] for f in filters if f["kind"] == "bpf" and "options" in f]
    return [name.partition(":")[0] for name in names]  # the rest is an identifier or a file


def has_clsact(space, interface):
    return "clsact" in space.run("tc", "qdisc", "show", "dev", interface).stdout
