# SPDX-License-Identifier: Apache-2.0
"""CustomResourceDefinitions as another release or channel of the Gateway API has them."""

import json
from contextlib import contextmanager

from ..manifests import GATEWAY_GROUP


@contextmanager
def changed(kubectl, plural, change):
    """`change` of the schema of v1 of this resource; as it was afterwards. It takes effect some time later."""
    definition = kubectl.json("get", "crd", f"{plural}.{GATEWAY_GROUP}")
    del definition["metadata"]["resourceVersion"]  # so that it can be put back over any other
    before = json.dumps(definition)
    change(next(version["schema"]["openAPIV3Schema"]["properties"] for version in definition["spec"]["versions"]
                if version["name"] == "v1"))
    kubectl("replace", "--filename", "-", input=json.dumps(definition))
    try:
        yield
    finally:
        kubectl("replace", "--filename", "-", input=before)
