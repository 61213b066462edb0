"""The real coturn on free ports of this machine, with a certificate made for it."""

import base64
import contextlib
import datetime as dt
import hashlib
import ipaddress
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SECRET = "a-secret-that-only-tests-know"
HOST = "127.0.0.1"
_STARTING = 15.0  # seconds


@dataclass(frozen=True)
class Coturn:
    """A running server: plain TCP and UDP on `port`, TLS on `tls_port`, trusted by `certificate`."""

    port: int
    tls_port: int
    certificate: Path

    @property
    def fingerprint(self) -> str:
        """Base64 of the SHA-256 of the certificate's public key, as Chromium's flags take it."""
        key = x509.load_pem_x509_certificate(self.certificate.read_bytes()).public_key()
        encoded = key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(hashlib.sha256(encoded).digest()).decode()

    @property
    def url(self) -> str:
        return f"turns:{HOST}:{self.tls_port}?transport=tcp"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Coturn]:
    """Run coturn as docs/deployment.md has it, in `folder`, until the block ends."""
    certificate, key = _certify(folder)
    port, tls_port = _free_ports(2)
    options = {
        "listening-ip": HOST,
        "relay-ip": HOST,
        "listening-port": port,
        "tls-listening-port": tls_port,
        "static-auth-secret": SECRET,
        "realm": "office.example",
        "cert": certificate,
        "pkey": key,
        "pidfile": folder / "pid",
        "userdb": folder / "users",
        "denied-peer-ip": "0.0.0.0-255.255.255.255",
        "allowed-peer-ip": HOST,
        "log-file": "stdout",
    }
    flags = ["use-auth-secret", "allow-loopback-peers", "no-cli", "no-dtls", "no-multicast-peers"]
    command = ["turnserver", "-n", *(f"--{each}" for each in flags)]
    command += [f"--{name}={value}" for name, value in options.items()]
    with (folder / "journal").open("wb") as journal:
        process = subprocess.Popen(command, stdout=journal, stderr=journal)
    try:
        _await_port(process, tls_port)
        yield Coturn(port, tls_port, certificate)
    finally:
        process.terminate()
        process.wait(timeout=15)


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    give_up = time.monotonic() + _STARTING
    while time.monotonic() < give_up and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.05)  # nothing else tells when a process is ready
    raise RuntimeError("coturn did not start")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in probes]


def _certify(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "turn.office.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "certificate.pem", folder / "key.pem"
