# SPDX-License-Identifier: Apache-2.0
"""ClientHello messages: those of a real client (Python's ssl) and those no library would send."""

import ssl
import struct

SERVER_NAME, PADDING = 0, 21  # extension types, RFC 6066 and RFC 7685


def real(server_name, size=0):
    """A hello of OpenSSL, padded by ALPN names to `size` bytes at least. Nobody completes the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if size:
        context.set_alpn_protocols([f"{n:0>200}" for n in range(-(-size // 201))])
    outgoing = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server_name)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def made(server_name=None, before=0, after=0, records=1):
    """A hello by hand: `before` and `after` bytes of padding around the server name, split over `records` TLS records."""
    extensions = b""
    if before:
        extensions += _padding(before)
    if server_name is not None:
        name = server_name.encode()
        entry = struct.pack("!BH", 0, len(name)) + name
        extensions += _extension(SERVER_NAME, struct.pack("!H", len(entry)) + entry)
    if after:
        extensions += _padding(after)
    body = (b"\x03\x03" + bytes(range(32)) + b"\x00" + struct.pack("!HH", 2, 0x1301) + b"\x01\x00"
            + struct.pack("!H", len(extensions)) + extensions)
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    share = -(-len(handshake) // records)
    parts = [handshake[at:at + share] for at in range(0, len(handshake), share)]
    return b"".join(b"\x16\x03\x01" + struct.pack("!H", len(part)) + part for part in parts)


def _extension(kind, data):
    return struct.pack("!HH", kind, len(data)) + data


def _padding(size):
    return _extension(PADDING, bytes(size - 4))
