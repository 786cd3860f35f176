"""A chain of certificates for signing manifests, made for a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey


def write_chain(folder: Path, curve: ec.EllipticCurve | None = None) -> tuple[Path, Path]:
    """Write a signer's certificate with its issuer's, and the signer's key; return both paths."""
    issuer, signer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(curve or ec.SECP256R1())
    root = _certificate("Issuer", issuer, issuer, is_issuer=True)
    own = _certificate("Signer", signer, issuer, is_issuer=False)
    certificates, key = folder / "chain.pem", folder / "key.pem"
    certificates.write_bytes(own.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM))
    key.write_bytes(signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificates, key


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _certificate(common: str, key: Key, issuer: Key, *, is_issuer: bool) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = x509.KeyUsage(not is_issuer, False, False, False, False, is_issuer, is_issuer, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .issuer_name(_name("Issuer"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=9))
        .add_extension(x509.BasicConstraints(is_issuer, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
        .sign(issuer, hashes.SHA256())
    )
