"""Chains of certificates, made for a test: for signing manifests, and for a server."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey
_VALID_FOR = timedelta(days=10)


def write_chain(folder: Path, curve: ec.EllipticCurve | None = None) -> tuple[Path, Path]:
    """Write a signer's certificate with its issuer's, and the signer's key; return both paths."""
    issuer, signer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(curve or ec.SECP256R1())
    root = _certificate("Issuer", issuer, issuer, is_issuer=True)
    own = _certificate("Signer", signer, issuer, is_issuer=False)
    return _write(folder, own, root, signer)


def tls_server(folder: Path, host: str, *, valid_for: timedelta = _VALID_FOR) -> ssl.SSLContext:
    """Return the context of a server with this name; a client must trust `issuer.pem`, which is put into the folder.

    Its certificate is valid since yesterday.
    """
    issuer, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    for_servers = ExtendedKeyUsageOID.SERVER_AUTH
    root = _certificate("Issuer", issuer, issuer, is_issuer=True, purpose=for_servers)
    own = _certificate(host, server, issuer, is_issuer=False, purpose=for_servers, valid_for=valid_for)
    (folder / "issuer.pem").write_bytes(root.public_bytes(Encoding.PEM))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*_write(folder, own, root, server))
    return made


def _write(folder: Path, own: x509.Certificate, root: x509.Certificate, secret: Key) -> tuple[Path, Path]:
    certificates, key = folder / "chain.pem", folder / "key.pem"
    certificates.write_bytes(own.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM))
    key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificates, key


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _certificate(
    common: str,
    key: Key,
    issuer: Key,
    *,
    is_issuer: bool,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
    valid_for: timedelta = _VALID_FOR,
) -> x509.Certificate:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    usage = x509.KeyUsage(not is_issuer, False, False, False, False, is_issuer, is_issuer, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .issuer_name(_name("Issuer"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(yesterday)
        .not_valid_after(yesterday + valid_for)
        .add_extension(x509.BasicConstraints(is_issuer, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(common)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
        .sign(issuer, hashes.SHA256())
    )
