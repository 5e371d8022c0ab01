"""Keys and certificates of a checkout. Run by the virtual environment's Python, because it needs `cryptography`.

Usage: python keys.py DIRECTORY_OF_SECRETS DIRECTORY_OF_TLS SERVICE...
Makes only what is missing or about to expire, each file by a rename.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import os
import sys
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNING_KEY = "alexandrite_signing_key"
KEY_SET = "alexandrite_jwks"
RENEW_BEFORE = datetime.timedelta(days=30)
CERTIFICATE_LIFE = datetime.timedelta(days=365)
AUTHORITY_LIFE = datetime.timedelta(days=3650)


def write(path: Path, content: bytes, *, mode: int) -> None:
    """Writes a file under a temporary name, then renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    os.chmod(temporary, mode)
    os.replace(temporary, path)


def private_pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """The key as PEM, PKCS8, unencrypted: the directory around it is what protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The service's Ed25519 key, made when there is none."""
    if path.exists():
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise SystemExit(f"{path} is not an Ed25519 key; remove it and run make prepare again")
        return key
    made = Ed25519PrivateKey.generate()
    write(path, private_pem(made), mode=0o444)
    return made


def public_jwk(key: Ed25519PrivateKey, *, kid: str) -> dict[str, str]:
    """The public half as a JSON Web Key (RFC 8037)."""
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x}


def make_signing_keys(secrets_directory: Path, services: list[str]) -> None:
    """One signing key per service, and the same set of all public keys for everybody, jobs included."""
    keys = [public_jwk(signing_key(secrets_directory / name / SIGNING_KEY), kid=name) for name in services]
    key_set = json.dumps({"keys": keys}, indent=1).encode()
    for holder in [*services, "jobs"]:
        path = secrets_directory / holder / KEY_SET
        if not path.exists() or path.read_bytes() != key_set:
            write(path, key_set, mode=0o444)


def expires_soon(path: Path) -> bool:
    """True when there is no certificate, or it cannot be read, or it ends within the renewal time."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return True
    now = datetime.datetime.now(datetime.UTC)
    return certificate.not_valid_after.replace(tzinfo=datetime.UTC) - now < RENEW_BEFORE


def builder(*, subject: str, issuer: x509.Name, life: datetime.timedelta) -> x509.CertificateBuilder:
    """What the authority's and the gateway's certificates have in common."""
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + life)
    )


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """An authority signs certificates; a server only proves itself."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def make_authority(directory: Path) -> bool:
    """The development authority; people import `ca.pem` into a browser once. True when it is new."""
    if not expires_soon(directory / "ca.pem") and (directory / "ca.key").exists():
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    subject = "Alexandrite development CA"
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    certificate = (
        builder(subject=subject, issuer=issuer, life=AUTHORITY_LIFE)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    # The certificate comes last: it is what tells the next run that the pair is whole.
    write(directory / "ca.key", private_pem(key), mode=0o600)
    write(directory / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM), mode=0o444)
    return True


def make_gateway_certificate(directory: Path, *, authority_is_new: bool) -> None:
    """The gateway's certificate for localhost and 127.0.0.1, renewed well before it ends."""
    place = directory / "gateway"
    if not authority_is_new and (place / "key.pem").exists() and not expires_soon(place / "cert.pem"):
        return
    authority_key = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), password=None)
    authority = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise SystemExit(
            f"{directory}/ca.key is not this project's key; remove the directory and run make prepare again"
        )
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.DNSName("traefik"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        builder(subject="localhost", issuer=authority.subject, life=CERTIFICATE_LIFE)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    write(place / "key.pem", private_pem(key), mode=0o444)
    write(place / "cert.pem", certificate.public_bytes(serialization.Encoding.PEM), mode=0o444)


def main(arguments: list[str]) -> None:
    """See the module's docstring."""
    secrets_directory, tls_directory, services = Path(arguments[0]), Path(arguments[1]), arguments[2:]
    make_signing_keys(secrets_directory, services)
    make_gateway_certificate(tls_directory, authority_is_new=make_authority(tls_directory))


if __name__ == "__main__":
    main(sys.argv[1:])
