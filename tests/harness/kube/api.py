# SPDX-License-Identifier: Apache-2.0
"""Requests to the API server that need no kubectl each."""

import http.client
import json
import ssl
import urllib.parse
from pathlib import Path


class Api:
    """One connection, for one thread; made anew when the API server has closed it, for want of requests."""

    def __init__(self, space, kubeconfig):
        """`space`: the Namespace to connect from; `kubeconfig`: a file of ControlPlane."""
        config = json.loads(Path(kubeconfig).read_text())
        cluster = config["clusters"][0]["cluster"]
        server = urllib.parse.urlsplit(cluster["server"])
        self._headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
        context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._connection = http.client.HTTPSConnection(server.hostname, server.port, timeout=60, context=context)
        self._space = space
        self._connect()

    def _connect(self):
        self._connection.close()
        with self._space.entered():
            self._connection.connect()

    def request(self, method, path, body, kind="application/json"):
        try:
            self._connection.request(method, path, json.dumps(body), self._headers | {"Content-Type": kind})
        except OSError:  # nothing was sent
            self._connect()
            self._connection.request(method, path, json.dumps(body), self._headers | {"Content-Type": kind})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text}")

    def close(self):
        self._connection.close()
