# SPDX-License-Identifier: Apache-2.0
"""Reading a whole BPF array at once: bpftool needs many seconds for a quarter of a million elements."""

import ctypes
import errno
import json
import os
import subprocess

_libbpf = ctypes.CDLL("libbpf.so.1")


def array_entries(pin):
    """{index: value in hexadecimal} of the elements of a pinned array that are not zero."""
    shown = json.loads(subprocess.run(["bpftool", "-j", "map", "show", "pinned", pin], check=True, capture_output=True).stdout)
    if shown["type"] != "array":
        raise ValueError(f"{pin} is no array: {shown['type']}")
    size, total = shown["bytes_value"], shown["max_entries"]
    fd = _libbpf.bpf_obj_get(str(pin).encode())  # libbpf 1: an error is a negative errno
    if fd < 0:
        raise OSError(-fd, os.strerror(-fd), pin)
    keys, values = (ctypes.c_uint32 * total)(), ctypes.create_string_buffer(size * total)
    count, next_batch = ctypes.c_uint32(total), ctypes.c_uint32()
    try:
        error = _libbpf.bpf_map_lookup_batch(fd, None, ctypes.byref(next_batch), keys, values, ctypes.byref(count), None)
    finally:
        os.close(fd)
    if error not in (0, -errno.ENOENT):  # ENOENT: there are no more
        raise OSError(-error, os.strerror(-error), pin)
    raw, zero = values.raw, bytes(size)
    elements = (raw[at:at + size] for at in range(0, size * total, size))
    return {index: value.hex() for index, value in enumerate(elements) if value != zero}
