# SPDX-License-Identifier: Apache-2.0
"""Self-signed certificates, one for each backend, made by openssl."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .sandbox import WORK


@dataclass(frozen=True)
class Certificate:
    certificate: Path
    key: Path

    @property
    def der(self):
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text())


def make(name, hosts, addresses=()):
    """A certificate of `name` that is valid for `hosts`, and IP addresses."""
    made = Certificate(WORK / f"{name}.crt", WORK / f"{name}.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=" + ",".join([*(f"DNS:{host}" for host in hosts),
                                                                    *(f"IP:{address}" for address in addresses)]),
         "-keyout", made.key, "-out", made.certificate],
        check=True, capture_output=True)
    return made
