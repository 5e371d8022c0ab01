"""Keys are private, trust is explicit, and an envelope says one thing in one way."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from release import canonical, signing
from release.errors import EvidenceInvalid, NotReady
from release.home import Home
from release.signing import SignerKind, SigningKey

PAYLOAD = b'{"a":1}'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    return Home(tmp_path)


def _pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def test_the_first_key_is_made_private_and_trusted(home: Home) -> None:
    key = signing.pipeline_key(home)
    assert (home.keys / "pipeline.pem").stat().st_mode & 0o777 == 0o600
    assert home.keys.stat().st_mode & 0o777 == 0o700
    assert signing.pipeline_key(home).keyid == key.keyid
    assert signing.trusted_keys(home)[key.keyid].kind is SignerKind.PIPELINE


def test_the_key_id_is_the_hash_of_the_raw_public_key(home: Home) -> None:
    key = signing.pipeline_key(home)
    assert key.keyid == hashlib.sha256(key.private.public_key().public_bytes_raw()).hexdigest()


def test_what_is_signed_is_verified(home: Home) -> None:
    pipeline, person = signing.pipeline_key(home), signing.new_person_key(home, "vera")
    trusted = signing.trusted_keys(home)
    signed = signing.verify(signing.sign(PAYLOAD, pipeline), trusted)
    assert (signed.payload, signed.kind) == (PAYLOAD, SignerKind.PIPELINE)
    signed = signing.verify(signing.sign(PAYLOAD, person), trusted)
    assert (signed.signer, signed.kind) == ("vera", SignerKind.PERSON)


def test_the_signature_is_over_the_pre_authentication_encoding(home: Home) -> None:
    """Any reader of DSSE can verify it, with nothing of ours."""
    key = signing.pipeline_key(home)
    envelope = canonical.decode(signing.sign(PAYLOAD, key))
    signatures = envelope["signatures"]
    assert isinstance(signatures, list)
    encoded = b"DSSEv1 28 application/vnd.in-toto+json 7 " + PAYLOAD
    key.private.public_key().verify(base64.b64decode(signatures[0]["sig"]), encoded)


def test_an_untrusted_key_is_refused(home: Home) -> None:
    signing.pipeline_key(home)
    stranger = SigningKey("pipeline", SignerKind.PIPELINE, Ed25519PrivateKey.generate())
    with pytest.raises(EvidenceInvalid, match="untrusted key"):
        signing.verify(signing.sign(PAYLOAD, stranger), signing.trusted_keys(home))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda envelope: envelope | {"payload": base64.b64encode(b'{"a":2}').decode()}, "edited after"),
        (lambda envelope: envelope | {"payloadType": "text/plain"}, "not a statement"),
        (lambda envelope: envelope | {"note": "hello"}, "not spelt"),
        (lambda envelope: envelope | {"signatures": envelope["signatures"] * 2}, "exactly one signature"),
        (lambda envelope: envelope | {"signatures": []}, "exactly one signature"),
        (lambda envelope: envelope | {"payload": "????"}, "not base64"),
        (lambda envelope: envelope | {"payload": "eyJhIjoxfR=="}, "not spelt|not base64"),
        (lambda envelope: envelope | {"signatures": [envelope["signatures"][0] | {"sig": "AAAA"}]}, "edited after"),
    ],
)  # fmt: skip
def test_an_envelope_has_one_meaning(home: Home, change: object, words: str) -> None:
    key = signing.pipeline_key(home)
    envelope = canonical.decode(signing.sign(PAYLOAD, key))
    assert callable(change)
    with pytest.raises(EvidenceInvalid, match=words):
        signing.verify(canonical.encode(change(envelope)), signing.trusted_keys(home))


def test_spaces_in_an_envelope_are_refused(home: Home) -> None:
    line = signing.sign(PAYLOAD, signing.pipeline_key(home))
    with pytest.raises(EvidenceInvalid, match="not spelt"):
        signing.verify(line.replace(b":", b": "), signing.trusted_keys(home))


def test_a_key_of_the_environment_goes_before_the_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    key = Ed25519PrivateKey.generate()
    monkeypatch.setenv(signing.VARIABLE, _pem(key))
    assert signing.pipeline_key(home).keyid == signing.keyid_of(key.public_key())
    assert not (home.keys / "pipeline.pem").exists()


def test_another_key_is_not_trusted_by_itself(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    signing.pipeline_key(home)
    monkeypatch.setenv(signing.VARIABLE, _pem(Ed25519PrivateKey.generate()))
    with pytest.raises(NotReady, match="is not trusted"):
        signing.pipeline_key(home)


def test_a_lost_private_key_is_not_replaced_silently(home: Home) -> None:
    signing.pipeline_key(home)
    (home.keys / "pipeline.pem").unlink()
    with pytest.raises(NotReady, match="Restore it"):
        signing.pipeline_key(home)


def test_a_key_that_others_can_read_is_refused(home: Home) -> None:
    signing.pipeline_key(home)
    (home.keys / "pipeline.pem").chmod(0o640)
    with pytest.raises(NotReady, match="chmod 600"):
        signing.pipeline_key(home)


def test_only_ed25519_signs(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    other = generate_private_key(SECP256R1())
    pem = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    monkeypatch.setenv(signing.VARIABLE, pem.decode())
    with pytest.raises(NotReady, match="not Ed25519"):
        signing.pipeline_key(home)
    monkeypatch.setenv(signing.VARIABLE, "secret")
    with pytest.raises(NotReady, match="no private key"):
        signing.pipeline_key(home)


def test_one_key_cannot_be_pipeline_and_person(home: Home) -> None:
    signing.pipeline_key(home)
    (public,) = (home.keys / "trusted" / "pipeline").iterdir()
    people = home.keys / "trusted" / "people"
    people.mkdir()
    (people / "robot.pub.pem").write_bytes(public.read_bytes())
    with pytest.raises(EvidenceInvalid, match="trusted twice"):
        signing.trusted_keys(home)


def test_an_unreadable_trusted_key_is_an_error_and_not_ignored(home: Home) -> None:
    signing.pipeline_key(home)
    (home.keys / "trusted" / "pipeline" / "old.pub.pem").write_text("nothing")
    with pytest.raises(EvidenceInvalid, match=r"old\.pub\.pem cannot be read"):
        signing.trusted_keys(home)


def test_a_person_has_one_key(home: Home) -> None:
    key = signing.new_person_key(home, "vera")
    assert signing.person_key(home, "vera").keyid == key.keyid
    assert (home.keys / "people" / "vera.pem").stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotReady, match="has a key already"):
        signing.new_person_key(home, "vera")
    with pytest.raises(NotReady, match="keys new boris"):
        signing.person_key(home, "boris")


@pytest.mark.parametrize("owner", ["", "../pipeline", "Vera", "a/b", "vera\n"])
def test_a_person_has_a_plain_name(home: Home, owner: str) -> None:
    with pytest.raises(NotReady, match="cannot name a person"):
        signing.new_person_key(home, owner)
