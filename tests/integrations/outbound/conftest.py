"""A small internet: a name server that says what the test wants, and one real TLS server behind every address."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NAME = "keys.gp.example"
PUBLIC = "93.184.215.14"

Reply = Callable[[socket.socket], None]


def says(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> Reply:
    """A reply of one piece."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


@dataclass
class Internet:
    """``names`` says where each look-up leads, one after the other, the last one for ever."""

    port: int = 0
    names: list[list[str]] = field(default_factory=lambda: [[PUBLIC]])
    reply: Reply = field(default_factory=says)
    dead: set[str] = field(default_factory=set)
    looked_up: list[str] = field(default_factory=list)
    connected_to: list[str] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)

    def look_up(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        """Instead of the name server."""
        self.looked_up.append(host)
        found = self.names.pop(0) if len(self.names) > 1 else self.names[0]
        family = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (
                family[ipaddress.ip_address(address).version],
                socket.SOCK_STREAM,
                6,
                "",
                (address, port),
            )
            for address in found
        ]

    def connect(self, address: tuple[str, int], timeout: float) -> socket.socket:
        """Instead of the network: whatever the address, the server here answers."""
        self.connected_to.append(address[0])
        if address[0] in self.dead:
            raise ConnectionRefusedError
        connection = socket.socket()
        connection.settimeout(timeout)
        connection.connect(("127.0.0.1", self.port))
        return connection


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For NAME, signed by itself: certificate and key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return file


@pytest.fixture
def internet(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    """The small internet, with a server that speaks TLS for NAME."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    world = Internet()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        world.port = listening.getsockname()[1]
        thread = threading.Thread(target=_serve, args=(listening, context, world))
        thread.start()
        # Not in a context of their own: what a test puts in their place would be put back after them.
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setattr(socket, "getaddrinfo", world.look_up)
        monkeypatch.setattr(socket, "create_connection", world.connect)
        yield world
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=10)


def _serve(listening: socket.socket, context: ssl.SSLContext, world: Internet) -> None:
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        plain.settimeout(10)
        try:
            with context.wrap_socket(plain, server_side=True) as connection:
                world.requests.append(connection.recv(65536))
                world.reply(connection)
        except OSError:
            pass  # the client has hung up, as it should
        finally:
            plain.close()
