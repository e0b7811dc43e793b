# SPDX-License-Identifier: Apache-2.0
"""The HTTP side of the stand-in API server (api_server.py): connections, paths, and answers that are whole or not."""

import http.server
import json
import socket
import urllib.parse


def status(code, message):
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # connections that wait to be accepted; a client whose SYN finds no room tries again after a second

    def __init__(self, api):
        self.api, self._open = api, []
        super().__init__(("127.0.0.1", api.port), Handler)

    def get_request(self):
        connection, address = super().get_request()
        self._open.append(connection)
        return connection, address

    def close_connections(self):
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed

    def handle_error(self, request, client_address):
        """Connections that end in their middle are what tests are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # pylint: disable=invalid-name  # the library's
        api = self.server.api
        self.body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        path = url.path.strip("/").split("/")
        if api.is_lost or path[0] not in ("api", "apis"):
            with api.changed:
                api.not_found.append(url.path)
            return self.send_json(404, "default backend")
        if api.token and self.headers["Authorization"] != f"Bearer {api.token}":
            return self.send_json(401, status(401, "Unauthorized"))
        if path == ["apis"]:
            return self.send_json(200, {"kind": "APIGroupList", "groups": api.groups()})
        group, version, *rest = path[1:] if path[0] == "apis" else ("", *path[1:])
        served = api.plurals_of(group, version)
        if not rest and served:
            return self.send_json(200, {"kind": "APIResourceList", "resources": [{"name": name} for name in served]})
        namespace, rest = (rest[1], rest[2:]) if len(rest) > 2 and rest[0] == "namespaces" else ("", rest)
        plural, name, part, *_ = [*rest, "", "", ""]
        if plural not in served:
            return self.send_json(404, status(404, "the server could not find the requested resource"))
        verb = self.VERBS[self.command] if name or self.command != "GET" else "watch" if "watch" in query else "list"
        return api.answer(self, f"{plural}/{part}" if part else plural, verb, query, (namespace, name))

    do_POST = do_PATCH = do_GET  # pylint: disable=invalid-name  # as above

    VERBS = {"GET": "get", "POST": "create", "PATCH": "patch"}

    def log_message(self, *_):
        """Nothing: the test's output is for failures."""

    def send_start(self, code, headers):
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def send_json(self, code, value, headers=()):
        body = json.dumps(value).encode()
        self.send_start(code, [("Content-Length", str(len(body))), *headers])
        self.wfile.write(body)

    def send_chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def send_line(self, event, piece):
        line = json.dumps(event).encode() + b"\n"
        for start in range(0, len(line), piece):
            self.send_chunk(line[start:start + piece])

    def end_watch(self, how):
        if isinstance(how, dict):
            self.send_line({"type": "ERROR", "object": how}, 1 << 20)
        elif how == "garbage":
            self.send_chunk(b'{"type": "ADDED", "object": {]\n')
        elif how in ("within a line", "broken"):
            self.send_chunk(b'{"type": "ADDED", "obj')
        if how == "broken":
            self.close_connection = True  # without the chunk that ends the answer
        else:
            self.send_chunk(b"")

    def send_endless(self):
        self.send_start(200, [("Transfer-Encoding", "chunked")])
        self.send_chunk(b'{"metadata": {"x": "')
        while True:  # until the client closes the connection
            self.send_chunk(b"x" * (1 << 20))

    def send_unended(self, value):
        """All of it but the chunk that ends the answer."""
        self.send_start(200, [("Transfer-Encoding", "chunked")])
        self.send_chunk(json.dumps(value).encode())
        self.wait_until_closed()

    def wait_until_closed(self):
        try:
            while self.connection.recv(1024):
                pass
        except OSError:
            pass
        self.close_connection = True
