# SPDX-License-Identifier: Apache-2.0
"""The parts of scripts/bench: network, gateways, workloads, statistics, report and plot."""
