# SPDX-License-Identifier: Apache-2.0
"""The programs of Kubernetes, as scripts/kube-binaries builds them."""

import functools
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / "scripts/kube-binaries"


@functools.cache
def folder():
    """Holds etcd, kube-apiserver, kube-controller-manager and kubectl. They are built, in minutes, if they are missing."""
    return Path(subprocess.run([SCRIPT], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
