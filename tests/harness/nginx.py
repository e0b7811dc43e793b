# SPDX-License-Identifier: Apache-2.0
"""nginx as a TLS backend: `/` names the backend, `/files/` serves files, PUT to `/upload/` keeps them."""

import hashlib

from .sandbox import WORK
from .wait import eventually

PORT = 8443
FILES = WORK / "files"

_CONFIGURATION = """
daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log notice;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    sendfile on;
    server {{
        listen 0.0.0.0:{port} ssl backlog=4096;
        listen [::]:{port} ssl backlog=4096;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_early_data on;
        keepalive_timeout 300s;
        keepalive_requests 100000;
        location = / {{ return 200 "{name}\\n"; }}
        location /files/ {{ alias {files}/; }}
        location /upload/ {{
            alias {folder}/upload/;
            dav_methods PUT;
            client_max_body_size 0;
        }}
    }}
}}
"""


class Nginx:
    def __init__(self, host, certificate):
        self.host, self.name = host, host.name
        self.folder = WORK / f"nginx-{host}"
        for folder in self.folder, self.uploads, FILES:
            folder.mkdir(exist_ok=True)
        configuration = self.folder / "nginx.conf"
        configuration.write_text(_CONFIGURATION.format(
            folder=self.folder, port=PORT, certificate=certificate.certificate, key=certificate.key, name=self.name, files=FILES))
        self._process = host.start("nginx", "-e", self.folder / "error.log", "-c", configuration, log=self.folder / "output")
        eventually(lambda: host.run("ss", "-Hltn", "sport", "=", f":{PORT}").stdout, f"nginx of {host} listens")

    @property
    def uploads(self):
        return self.folder / "upload"

    def close(self):
        self._process.close()  # the init of the sandbox ends the workers


def make_file(name, size):
    """A file below /files/ of every backend that takes little memory and has no two equal MiB. Returns its SHA-256."""
    FILES.mkdir(exist_ok=True)
    with open(FILES / name, "wb") as file:
        for offset in range(0, size, 1 << 20):
            file.seek(offset)
            file.write(hashlib.sha256(f"{name}{offset}".encode()).digest() * 64)
        file.truncate(size)
    return sha256(FILES / name)


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
