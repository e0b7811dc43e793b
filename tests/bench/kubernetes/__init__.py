# SPDX-License-Identifier: Apache-2.0
"""The parts of scripts/bench-kubernetes: a full cluster, the agent that follows it, what is measured, and the report."""
