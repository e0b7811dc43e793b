#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of the fuzz targets: tests/fuzz/seeds.py. They are committed, so that every run starts alike."""
import pathlib
import ssl
import struct
import warnings

HERE = pathlib.Path(__file__).parent
warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 and 1.1 are what is asked for


def openssl_hello(version, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.check_hostname = False
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    sent = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sent.read()


def client_hellos():
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        yield f"openssl-{version.name}", openssl_hello(version, "www.example.com")
        yield f"openssl-{version.name}-no-sni", openssl_hello(version, None)
    for line in (HERE / "../unit/hellos/go.txt").read_text().splitlines():
        if not line.startswith("#"):
            client, _, hello = line.split()
            yield f"go-{client}", bytes.fromhex(hello)
    hello = openssl_hello(ssl.TLSVersion.TLSv1_2, "www.example.com")
    body = hello[5:]
    yield "two-records", b"".join(
        b"\x16\x03\x01" + struct.pack("!H", len(part)) + part for part in (body[:60], body[60:]))
    yield "http", b"GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n"


def names():
    for name in ("example.com", "WWW.Example.COM", "a." * 126 + "a", "x" * 63 + ".com", "192.0.2.1", "2001:db8::1",
                 "example.com.", "a..b", "1.example", "xn--bcher-kva.example", "caf\u00e9.example"):
        yield name.encode("ascii", "replace").decode().replace(".", "_").replace(":", "_").replace("?", "_")[:20], name.encode()


def cookies():
    form = "<7Q Q3I2H3B"
    for index, values in enumerate([
            (1, 2, 3, 4, 5, 6, 7, 1000, 0x12345678, 5, 6, 1460, 1400, 1, 7, 0),
            (1, 2, 3, 4, 5, 6, 7, 0, 0xffffffff, 0, 0, 536, 8191, 0, 15, 1),
            (0, 0, 0, 0, 0, 0, 0, 2**64 - 1, 0, 0, 0, 65535, 0, 1, 14, 1)]):
        yield f"cookie-{index}", struct.pack(form, *values)


for target, seeds in (("fuzz_client_hello", client_hellos), ("fuzz_sni", names), ("fuzz_cookie", cookies)):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for seed, content in seeds():
        (folder / seed).write_bytes(content)
