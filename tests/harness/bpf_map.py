# SPDX-License-Identifier: Apache-2.0
"""A pinned BPF map, element by element. Keys and values are bytes."""

import ctypes
import errno
import os

_libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
_ANY = ctypes.c_uint64(0)  # BPF_ANY


class Map:
    def __init__(self, pin):
        self._pin = pin
        self._fd = _libbpf.bpf_obj_get(str(pin).encode())
        if self._fd < 0:
            raise self._error("open")

    def update(self, key, value):
        if _libbpf.bpf_map_update_elem(self._fd, key, value, _ANY):
            raise self._error("update")

    def lookup(self, key, size):
        """The value, `size` bytes, or None. Not for per-CPU maps."""
        value = ctypes.create_string_buffer(size)
        if _libbpf.bpf_map_lookup_elem(self._fd, key, value):
            if ctypes.get_errno() == errno.ENOENT:
                return None
            raise self._error("look up in")
        return value.raw

    def delete(self, key):
        if _libbpf.bpf_map_delete_elem(self._fd, key) and ctypes.get_errno() != errno.ENOENT:
            raise self._error("delete from")

    def close(self):
        os.close(self._fd)

    def _error(self, what):
        code = ctypes.get_errno()
        return OSError(code, f"{what} map {self._pin}: {os.strerror(code)}")
