"""A server below the protocols, of bare bytes."""

import asyncio
import datetime
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.libs.common.waiting import eventually

Then = Literal["waits", "hangs up", "resets"]
"""What it does when it has answered: wait for the next request, whatever the headers say, or end the connection."""


@dataclass
class Wire:
    """Says the same to every request."""

    says: bytes = b""
    then: Then = "waits"
    url: str = ""
    asked: list[bytes] = field(default_factory=list)
    """The heads of the requests."""
    connections: int = 0
    left: int = 0
    """How many connections are over."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.asked.append(await _request(reader))
                writer.write(self.says)
                if self.then == "resets":
                    at_once = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                if self.then != "waits":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.left += 1
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    await reader.readexactly(int(fields.get(b"content-length", 0)))
    return head


@asynccontextmanager
async def served(wire: Wire, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0, ssl=tls)
    wire.url = f"http{'s' * bool(tls)}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()

    async def nobody_is_left() -> bool:
        return wire.left == wire.connections

    await eventually(nobody_is_left)


def http(status: int, body: bytes = b"{}", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} Status", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *headers, "", ""]).encode() + body


def self_signed(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """The certificate of 127.0.0.1, for those who are to trust it, and what to serve it with."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wire")])
    where = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    day = datetime.timedelta(days=1)
    of_host = x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day)
    signed = of_host.add_extension(where, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public, both = directory / "public.pem", directory / "both.pem"
    public.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    both.write_bytes(public.read_bytes() + private)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(both)
    return public, tls
