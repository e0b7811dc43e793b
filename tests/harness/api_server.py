# SPDX-License-Identifier: Apache-2.0
"""
A stand-in for a Kubernetes API server: discovery, lists in pages and watches of objects that the test puts there, single
objects to read, to create and to patch, and the faults it asks for. It is no model of the real one: it exists for what a real one
cannot be made to do.
"""

import collections
import copy
import json
import threading
import time

from .api_http import Server, status
from .manifests import GATEWAY_GROUP

SERVED = {("", "v1"): ["namespaces", "nodes", "services"],
          (GATEWAY_GROUP, "v1"): ["gatewayclasses", "gateways", "listenersets", "tlsroutes", "referencegrants"],
          ("networking.k8s.io", "v1"): ["servicecidrs"],
          ("discovery.k8s.io", "v1"): ["endpointslices"],
          ("apiextensions.k8s.io", "v1"): ["customresourcedefinitions"]}
UNWATCHED = {("coordination.k8s.io", "v1"): ["leases"], ("events.k8s.io", "v1"): ["events"]}
FIRST_REVISION = 10

Request = collections.namedtuple("Request", "plural verb query time accept")  # verb: as of RBAC; time: monotonic, in s
Change = collections.namedtuple("Change", "revision plural type item")


def plural_of(item):
    kind = item["kind"].lower()
    return kind + ("es" if kind.endswith("s") else "s")


def key_of(item):
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def merged(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


class ApiServer:
    page = 500  # objects in a page, at most
    piece = 1 << 20  # bytes of a watch's answer that are sent at a time
    bookmark_after = 60  # seconds in which a watch had nothing to tell
    is_lost = False  # 404 is all that comes, as from a load balancer that has lost the API server

    def __init__(self, token=None):
        """`token`: requests without it are refused."""
        self.token = token
        self.served = {version: list(plurals) for version, plurals in SERVED.items()}
        self.requests = []
        self.revision = FIRST_REVISION
        self.not_found = []  # paths
        self.bookmarks = []  # (plural, revision) that were told
        self._objects = collections.defaultdict(dict)
        self._history = []
        self._held = set()  # plurals whose watches tell nothing for now
        self._faults = collections.defaultdict(list)
        self._endings = collections.defaultdict(list)  # by plural, one after the other
        self.changed = threading.Condition(threading.RLock())  # guards all of the above
        self.port = 0  # the same after each start
        self.start()

    def start(self):
        self._server = Server(self)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def stop(self):
        """Closes every connection, as a server that is killed does."""
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()

    # What the cluster holds

    def put(self, *items):
        with self.changed:
            for item in items:
                is_known = key_of(item) in self._objects[plural_of(item)]
                self._change("MODIFIED" if is_known else "ADDED", copy.deepcopy(item))

    def delete(self, item):
        with self.changed:
            self._change("DELETED", copy.deepcopy(item))

    def _change(self, kind, item):
        self.revision += 1
        plural = plural_of(item)
        item["metadata"]["resourceVersion"] = str(self.revision)
        if kind == "DELETED":
            del self._objects[plural][key_of(item)]
        else:
            self._objects[plural][key_of(item)] = item
        self._history.append(Change(self.revision, plural, kind, item))
        self.changed.notify_all()

    def get(self, plural, name, namespace="default"):
        """The object as it is now, None if there is none."""
        with self.changed:
            return copy.deepcopy(self._objects[plural].get((namespace, name)))

    def all(self, plural):
        with self.changed:
            return copy.deepcopy(list(self._objects[plural].values()))

    def versions(self, plural, name, namespace="default"):
        """The object after each change."""
        with self.changed:
            return [copy.deepcopy(change.item) for change in self._history
                    if change.plural == plural and key_of(change.item) == (namespace, name)]

    # Faults

    def repeat(self, plural):
        """Open watches tell every change of the kind a second time."""
        with self.changed:
            self._history += [change for change in self._history if change.plural == plural]
            self.changed.notify_all()

    def fail(self, plural, verb, *faults):
        """The next requests are answered so: (code, message, *headers), "silence", "cut", "empty", "garbage", "endless" or
        "unended"."""
        with self.changed:
            self._faults[plural, verb] += faults

    def hold_watches(self, *plurals):
        """Their watches tell nothing until they are held no longer, by a call without them."""
        with self.changed:
            self._held = set(plurals)
            self.changed.notify_all()

    def end_watches(self, plural, how):
        """Ends the open watches: "in order", "within a line", "broken", "garbage", or with an ERROR of this Status."""
        with self.changed:
            self._endings[plural].append(how)
            self.changed.notify_all()

    def plurals_of(self, group, version):
        """Those it serves, watched or not."""
        return self.served.get((group, version)) or UNWATCHED.get((group, version), [])

    def groups(self):
        """Those of an APIGroupList."""
        versions = collections.defaultdict(list)
        for group, version in self.served:
            if group:
                versions[group].append({"groupVersion": f"{group}/{version}", "version": version})
        return [{"name": group, "versions": listed} for group, listed in versions.items()]

    def count(self, plural, verb):
        """Requests so far."""
        with self.changed:
            return sum(request[:2] == (plural, verb) for request in self.requests)

    # Answers; each connection has a thread

    def answer(self, handler, plural, verb, query, key=None):
        """`plural`: with its subresource; `key`: of one object, by key_of()."""
        with self.changed:
            self.requests.append(Request(plural, verb, query, time.monotonic(), handler.headers["Accept"]))
            faults = self._faults[plural, verb]
            fault = faults.pop(0) if faults else None
        if fault == "silence":
            handler.wait_until_closed()
        elif fault == "cut":
            handler.send_start(200, [("Content-Length", "1000")])
            handler.wfile.write(b'{"kind": "L')
            handler.close_connection = True
        elif fault == "endless":
            handler.send_endless()
        elif fault == "unended":
            handler.send_unended(self._list(plural, query)[1])
        elif fault == "empty":
            handler.send_start(200, [("Content-Length", "0")])
        elif fault == "garbage":
            handler.send_json(200, "garbage")
        elif fault:
            code, message, *headers = fault
            handler.send_json(code, status(code, message), headers)
        elif verb == "list":
            handler.send_json(*self._list(plural, query))
        elif verb == "watch":
            self._watch(handler, plural, query)
        elif verb == "create":
            handler.send_json(*self._create(plural, key, json.loads(handler.body)))
        else:
            handler.send_json(*self._one(plural, key, json.loads(handler.body) if verb == "patch" else None))

    def _create(self, plural, key, item):
        with self.changed:
            metadata = item["metadata"]
            metadata.setdefault("name", f"{metadata.get('generateName')}{self.revision}")
            metadata["namespace"] = key[0]
            if key_of(item) in self._objects[plural]:
                return 409, status(409, f"{plural} already exists")
            self._change("ADDED", item)
            return 201, item

    def _one(self, plural, key, patch):
        """Reads an object; patches it, if there is a patch, where its subresource is concerned."""
        plural, _, part = plural.partition("/")
        with self.changed:
            item = self._objects[plural].get(key)
            if item is None:
                return 404, status(404, f"{plural} {key[1]} not found")
            if patch is None:
                return 200, item
            version = patch.get("metadata", {}).get("resourceVersion")
            if version not in (None, item["metadata"]["resourceVersion"]):
                return 409, status(409, "the object has been modified")
            changed = merged(item, {part: patch.get(part)} if part else patch)
            if changed != item:
                self._change("MODIFIED", copy.deepcopy(changed))
            return 200, self._objects[plural][key]

    def _list(self, plural, query):
        """The token says which revision the list is of, and how much of it was sent."""
        with self.changed:
            revision, start = map(int, query.get("continue", f"{self.revision}.0").split("."))
            everything = [self._objects[plural][key] for key in sorted(self._objects[plural])]
            end = start + min(self.page, int(query["limit"]))
            metadata = {"resourceVersion": str(revision)}
            if end < len(everything):
                metadata["continue"] = f"{revision}.{end}"
            # Items of a list do not say what they are.
            items = [{name: value for name, value in item.items() if name not in ("apiVersion", "kind")}
                     for item in everything[start:end]]
            return 200, {"kind": "List", "metadata": metadata, "items": items}

    def _watch(self, handler, plural, query):
        revision = int(query["resourceVersion"])
        with self.changed:
            position = next((i for i, change in enumerate(self._history) if change.revision > revision), len(self._history))
            endings = len(self._endings[plural])
        handler.send_start(200, [("Transfer-Encoding", "chunked")])
        end = time.monotonic() + int(query["timeoutSeconds"])
        while True:
            with self.changed:
                has_news = self.changed.wait_for(
                    lambda: (len(self._history) > position and plural not in self._held) or len(self._endings[plural]) > endings,
                    min(self.bookmark_after, max(0, end - time.monotonic())))
                told = position if plural in self._held else len(self._history)
                changes = [change for change in self._history[position:told] if change.plural == plural]
                position = told
                revision = self.revision
                how = self._endings[plural][endings] if len(self._endings[plural]) > endings else None
            for change in changes:
                handler.send_line({"type": change.type, "object": change.item}, self.piece)
            if how:
                return handler.end_watch(how)
            if time.monotonic() >= end:
                return handler.end_watch("in order")
            if not has_news:  # how far the other kinds are
                handler.send_line({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(revision)}}}, self.piece)
                with self.changed:
                    self.bookmarks.append((plural, revision))
