# SPDX-License-Identifier: Apache-2.0
"""Waiting for conditions. Bounds are generous: they end a hung test, they are no claim about speed."""

import time

PATIENCE = 60  # seconds


def eventually(condition, what, patience=PATIENCE):
    """Calls `condition` until it returns something true, and returns that. AssertionError naming `what` after `patience`."""
    deadline = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.02)
