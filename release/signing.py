"""Who said it: Ed25519 keys and DSSE envelopes.

pipeline_key(home) -> SigningKey          the pipeline's own, made at first use; RELEASE_SIGNING_KEY (PEM) goes before the file
new_person_key(home, owner) -> SigningKey a person's; person_key(home, owner) reads it again
trusted_keys(home) -> Trust               the public halves in keys/trusted/{pipeline,people}/<name>.pub.pem
sign(payload, key) -> bytes               one envelope, one line, no newline
verify(envelope, trusted) -> Signed       payload, signer's name and kind; EvidenceInvalid otherwise

The envelopes come from securesystemslib, the library under TUF and in-toto: no dependency of its own but `cryptography`, and
the one place where the pre-authentication encoding is already reviewed; only its leniency (a second base64 alphabet, several
signatures) is taken away here.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError

# The library lists its public names without `__all__`, which mypy takes for private ones.
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey  # type: ignore[attr-defined]

from release import canonical
from release.errors import EvidenceInvalid, NotReady
from release.home import Home
from tools.prepare import state

VARIABLE = "RELEASE_SIGNING_KEY"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
OWNER = re.compile(r"[a-z][a-z0-9._-]{0,62}")
_PUBLIC_SUFFIX = ".pub.pem"


class SignerKind(StrEnum):
    """Only the pipeline gives evidence, only people waive: neither can do the other's part."""

    PIPELINE = "pipeline"
    PERSON = "people"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the name its public half is trusted under."""

    name: str
    kind: SignerKind
    private: Ed25519PrivateKey

    @property
    def keyid(self) -> str:
        """SHA-256 (hex) of the raw public key."""
        return keyid_of(self.private.public_key())


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key and whose it is."""

    name: str
    kind: SignerKind
    public: Ed25519PublicKey


Trust = Mapping[str, TrustedKey]
"""Trusted public keys by key id."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a valid envelope holds."""

    payload: bytes
    signer: str
    kind: SignerKind


def keyid_of(public: Ed25519PublicKey) -> str:
    """SHA-256 (hex) of the raw public key."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()


def sign(payload: bytes, key: SigningKey) -> bytes:
    """A DSSE envelope over an in-toto statement, in its one spelling and without a newline."""
    public = SSlibKey.from_crypto(key.private.public_key(), keyid=key.keyid)
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    signature = envelope.sign(CryptoSigner(key.private, public))
    return _spell(payload, key.keyid, bytes.fromhex(signature.signature))


def verify(envelope: bytes, trusted: Trust) -> Signed:
    """What was signed, and by whom.

    Raises EvidenceInvalid for another payload type, any number of signatures but one, an untrusted key, a signature that
    does not fit, or an envelope spelt otherwise than `sign` spells it.
    """
    document = canonical.decode(envelope)
    payload, keyid, signature = _parts(document)
    if _spell(payload, keyid, signature) != envelope:
        raise EvidenceInvalid("The envelope is not spelt as the pipeline spells it.")
    key = trusted.get(keyid)
    if key is None:
        raise EvidenceInvalid(f"It is signed by the untrusted key {keyid[:12]}.")
    public = SSlibKey.from_crypto(key.public, keyid=keyid)
    try:
        Envelope(payload, PAYLOAD_TYPE, {keyid: Signature(keyid, signature.hex())}).verify([public], 1)
    except VerificationError as failure:
        raise EvidenceInvalid(f"The signature does not fit: it was edited after {key.name} signed it.") from failure
    return Signed(payload, key.name, key.kind)


def _spell(payload: bytes, keyid: str, signature: bytes) -> bytes:
    return canonical.encode(
        {
            "payload": base64.b64encode(payload).decode("ascii"),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": keyid, "sig": base64.b64encode(signature).decode("ascii")}],
        }
    )


def _parts(document: Mapping[str, object]) -> tuple[bytes, str, bytes]:
    """Payload, key id and signature of the only shape an envelope may have."""
    match document:
        case {
            "payload": str(payload),
            "payloadType": str(payload_type),
            "signatures": [{"keyid": str(keyid), "sig": str(signature)}],
        }:
            if payload_type != PAYLOAD_TYPE:
                raise EvidenceInvalid(f"The envelope holds {payload_type!r}, not a statement.")
            try:
                return base64.b64decode(payload, validate=True), keyid, base64.b64decode(signature, validate=True)
            except ValueError as failure:
                raise EvidenceInvalid("The envelope is not base64.") from failure
        case _:
            raise EvidenceInvalid("It is not an envelope with exactly one signature.")


def trusted_keys(home: Home) -> Trust:
    """Every trusted public key.

    Raises EvidenceInvalid when a file is no Ed25519 public key, or when two files hold the same key: with its key among the
    people's, the pipeline could waive for itself.
    """
    found: dict[str, TrustedKey] = {}
    for kind in SignerKind:
        for path in sorted(_trusted_directory(home, kind).glob(f"*{_PUBLIC_SUFFIX}")):
            key = TrustedKey(path.name.removesuffix(_PUBLIC_SUFFIX), kind, _read_public(path))
            keyid = keyid_of(key.public)
            if keyid in found:
                other = found[keyid]
                raise EvidenceInvalid(
                    f"One key is trusted twice, as {other.kind}/{other.name} and as {kind}/{key.name}.",
                    remedy=f"Remove the wrong one of the two files below {home.keys / 'trusted'}.",
                )
            found[keyid] = key
    return MappingProxyType(found)


def pipeline_key(home: Home) -> SigningKey:
    """The key that evidence is signed with: of RELEASE_SIGNING_KEY, or `keys/pipeline.pem`, made at first use.

    The first key ever is trusted at once. Later ones are not: whoever changes the key puts its public half among the trusted
    ones first, and leaves the old half there, so that old evidence stays readable. Raises NotReady otherwise.
    """
    trusted = {keyid: key for keyid, key in trusted_keys(home).items() if key.kind is SignerKind.PIPELINE}
    private_path = home.keys / "pipeline.pem"
    text = os.environ.get(VARIABLE)
    if text:
        private = _parse_private(text.encode(), VARIABLE)
    else:
        if not private_path.exists():
            if trusted:
                raise NotReady(
                    f"The pipeline's private key {private_path} is gone, and evidence signed with it is trusted.",
                    remedy=f"Restore it, or set {VARIABLE}.",
                )
            _create_private(home, private_path)
        private = _read_private(private_path)
    keyid = keyid_of(private.public_key())
    name = f"pipeline-{keyid[:8]}"
    if not trusted:
        _trust(home, SignerKind.PIPELINE, name, private.public_key())
    elif keyid not in trusted:
        raise NotReady(
            f"The pipeline's key {keyid[:12]} is not trusted.",
            remedy=f"Put its public half into {_trusted_directory(home, SignerKind.PIPELINE) / (name + _PUBLIC_SUFFIX)}.",
        )
    else:
        name = trusted[keyid].name
    return SigningKey(name, SignerKind.PIPELINE, private)


def new_person_key(home: Home, owner: str) -> SigningKey:
    """Makes a key for a person and trusts its public half. Raises NotReady when the person has one already."""
    path = _person_path(home, owner)
    public_path = _trusted_directory(home, SignerKind.PERSON) / f"{owner}{_PUBLIC_SUFFIX}"
    if path.exists() or public_path.exists():
        raise NotReady(f"{owner} has a key already.", remedy=f"Remove {path} and {public_path} to withdraw it.")
    _create_private(home, path)
    key = person_key(home, owner)
    _trust(home, SignerKind.PERSON, owner, key.private.public_key())
    return key


def person_key(home: Home, owner: str) -> SigningKey:
    """A person's key. Raises NotReady when there is none or when others can read it."""
    path = _person_path(home, owner)
    if not path.exists():
        raise NotReady(f"{owner} has no key.", remedy=f"Run: python -m release keys new {owner}")
    return SigningKey(owner, SignerKind.PERSON, _read_private(path))


def _person_path(home: Home, owner: str) -> Path:
    if not OWNER.fullmatch(owner):
        raise NotReady(f"{owner!r} cannot name a person: small Latin letters, digits, dot, hyphen, underscore.")
    return home.keys / "people" / f"{owner}.pem"


def _trusted_directory(home: Home, kind: SignerKind) -> Path:
    return home.keys / "trusted" / kind.value


def _trust(home: Home, kind: SignerKind, name: str, public: Ed25519PublicKey) -> None:
    text = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode(
        "ascii"
    )
    state.write_file(_trusted_directory(home, kind) / f"{name}{_PUBLIC_SUFFIX}", text)


def _create_private(home: Home, path: Path) -> None:
    """Writes a new key at `path`, unless another process was first: then that one's key stays."""
    for directory in (home.keys, path.parent):
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        directory.chmod(0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    state.write_file(temporary, pem.decode("ascii"), mode=0o600)
    try:
        # A link never replaces: of two first uses at once, one key wins and both sign with it.
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _read_private(path: Path) -> Ed25519PrivateKey:
    if path.stat().st_mode & 0o077:
        raise NotReady(f"Others can read the private key {path}.", remedy=f"Run: chmod 600 {path}")
    return _parse_private(path.read_bytes(), str(path))


def _parse_private(pem: bytes, source: str) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as failure:
        raise NotReady(f"{source} holds no private key in PEM form without a passphrase.") from failure
    if not isinstance(key, Ed25519PrivateKey):
        raise NotReady(f"{source} holds a key that is not Ed25519.")
    return key


def _read_public(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (ValueError, OSError, UnsupportedAlgorithm) as failure:
        raise EvidenceInvalid(f"The trusted key {path.name} cannot be read.") from failure
    if not isinstance(key, Ed25519PublicKey):
        raise EvidenceInvalid(f"The trusted key {path.name} is not Ed25519.")
    return key
