"""Certificates for one test run: an authority, and servers' and clients' certificates that it has signed."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Identity(NamedTuple):
    """Who a client says it is: two files."""

    certificate: str
    key: str


@dataclass
class Authority:
    """Signs."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> str:
        """Its certificate, for those who trust it."""
        path = self.folder / "authority.pem"
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return str(path)

    def server(self, *hosts: str, expired: bool = False) -> ssl.SSLContext:
        """A server's context with a certificate for these hosts."""
        return _context(self.server_file(*hosts, expired=expired))

    def server_file(self, *hosts: str, expired: bool = False) -> Path:
        """A server's key and its certificate for these hosts."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(host) if host[-1].isalpha() else x509.IPAddress(ip_address(host)) for host in hosts]
        until = datetime.now(UTC) + (-DAY if expired else DAY)
        certificate = (
            _certificate("server", self.certificate.subject, key.public_key(), until)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _pem(self.folder, key, certificate)

    def client(self, *, expired: bool = False, passphrase: bytes | None = None) -> Identity:
        """A client's certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        until = datetime.now(UTC) + (-DAY if expired else DAY)
        made = _certificate("client", self.certificate.subject, key.public_key(), until).sign(self.key, hashes.SHA256())
        hidden = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
        certificate_file, key_file = (self.folder / f"{made.serial_number}.{kind}" for kind in ("crt", "key"))
        certificate_file.write_bytes(made.public_bytes(Encoding.PEM))
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden))
        return Identity(str(certificate_file), str(key_file))


def authority(folder: Path) -> Authority:
    """A new one."""
    key = ec.generate_private_key(ec.SECP256R1())
    common_name = f"authority {x509.random_serial_number()}"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _certificate(common_name, name, key.public_key(), datetime.now(UTC) + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(folder, key, certificate)


def self_signed(folder: Path, host: str) -> ssl.SSLContext:
    """A server's context with a certificate that nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    certificate = (
        _certificate("server", name, key.public_key(), datetime.now(UTC) + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _context(_pem(folder, key, certificate))


def _certificate(
    common_name: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - 3 * DAY)
        .not_valid_after(until)
    )


def _pem(folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Path:
    path = folder / f"{certificate.serial_number}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path


def _context(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
