# SPDX-License-Identifier: Apache-2.0
"""The agent, following a stand-in API server in its own namespace in the place of a folder."""

import json

from .api_server import ApiServer, key_of, plural_of
from .sandbox import WORK
from .slipgated import EVERY_ADDRESS, Slipgated


class Objects:
    """Has what a test uses of manifests.Folder: a file's objects are put, and those no longer in it deleted."""

    def __init__(self, api):
        self._api, self._files = api, {}

    def write(self, file, objects):
        names = {(plural_of(item), key_of(item)) for item in objects}
        for item in self._files.get(file, ()):
            if (plural_of(item), key_of(item)) not in names:
                self._api.delete(item)
        self._api.put(*objects)
        self._files[file] = objects

    def remove(self, file):
        self.write(file, [])
        del self._files[file]


class KubeSlipgated(Slipgated):
    def __init__(self, gateway, flags=()):
        super().__init__(gateway, flags)
        with gateway.entered():
            self.api = ApiServer()
        self.folder = Objects(self.api)
        self._kubeconfig = WORK / "kubeconfig"
        self._kubeconfig.write_text(json.dumps({
            "contexts": [{"name": "test", "context": {"cluster": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{self.api.port}"}}]}))

    def source(self):
        return ["--kubernetes", "--kubeconfig", self._kubeconfig, "--context", "test", *EVERY_ADDRESS]

    def start_api(self):
        with self._gateway.entered():
            self.api.start()

    def close(self):
        super().close()
        self.api.stop()
