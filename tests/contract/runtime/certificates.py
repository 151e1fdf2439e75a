"""A certificate authority of a test's own, and a certificate for the loopback's addresses."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """A certificate authority that nobody knows, and what it signed."""

    folder: Path

    @property
    def bundle(self) -> str:
        return str(self.folder / "authority.pem")

    @property
    def chain(self) -> str:
        return str(self.folder / "chain.pem")

    def server_side(self, *, asks_for_certificate: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.bundle)
        context.load_cert_chain(self.chain)
        if asks_for_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def an_authority(folder: Path) -> Authority:
    """A new one, its files in this folder."""
    made = Authority(folder)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "our own authority")])
    now = datetime.now(UTC)

    def certificate(
        name: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        builder = x509.CertificateBuilder(
            issuer_name=ca_name,
            subject_name=name,
            public_key=public,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=1),
            not_valid_after=now + timedelta(days=1),
        )
        return builder.add_extension(extension, critical=True).sign(ca_key, hashes.SHA256())

    ca = certificate(ca_name, ca_key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
    addresses = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    names = x509.SubjectAlternativeName([x509.IPAddress(address) for address in addresses])
    leaf_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sqs")])
    leaf = certificate(leaf_name, key.public_key(), names)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    Path(made.bundle).write_bytes(ca.public_bytes(pem))
    Path(made.chain).write_bytes(leaf.public_bytes(pem) + private)
    return made
