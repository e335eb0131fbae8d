"""Connections: whom TLS trusts. What else is promised of them is tried on SIGES, in test_siges.py."""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from urllib3.exceptions import SSLError

from secciones.adapters import http_pool
from secciones.adapters.http_pool import connections
from tests.support.google_edge import private_key


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One for localhost that signs itself, with its key."""
    key, now = private_key(), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path / "certificate.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + pem)
    return path


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """Of a server that shows the certificate and answers 200."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Nothing: a client that trusts it not hangs up."""

    shown = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    shown.load_cert_chain(certificate)
    with Server(("localhost", 0), Handler) as server:
        server.socket = shown.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def newly_trusted() -> Iterator[None]:
    http_pool._trust.cache_clear()
    yield
    http_pool._trust.cache_clear()


def test_a_certificate_of_an_authority_is_trusted_for_its_name_alone(
    port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certifi, "where", lambda: str(certificate))
    with newly_trusted():
        assert connections(f"https://localhost:{port}", 5).request("GET", "/").status == 200
        with pytest.raises(SSLError, match=r"127\.0\.0\.1"):
            connections(f"https://127.0.0.1:{port}", 5).request("GET", "/")


def test_a_certificate_of_nobody_known_is_not_trusted(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with newly_trusted(), pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        connections(f"https://localhost:{port}", 5).request("GET", "/")


def test_the_authorities_are_read_once_and_only_for_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    place = certifi.where()

    def where() -> str:
        read.append(place)
        return place

    monkeypatch.setattr(certifi, "where", where)
    with newly_trusted():
        connections("http://x", 5)
        assert read == []
        connections("https://x", 5)
        connections("https://y", 5)
    assert read == [place]
