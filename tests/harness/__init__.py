# SPDX-License-Identifier: Apache-2.0
"""Real connections in network namespaces. docs/testing.md shows how to write a test with it; case.py is the place to start."""

from .case import SPREAD, Case, Counting, host_of, main
from .topology import FAMILIES, FAMILY_NAMES, V4, V6, Network
from .wait import PATIENCE, eventually

__all__ = ["FAMILIES", "FAMILY_NAMES", "PATIENCE", "SPREAD", "V4", "V6", "Case", "Counting", "Network", "eventually",
           "host_of", "main"]
