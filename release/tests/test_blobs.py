"""The store of raw results gives back what was put in, or refuses."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from release.blobs import Blobs
from release.errors import EvidenceInvalid
from release.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_content_comes_back_under_its_hash(home: Home) -> None:
    name = Blobs(home).put(b"report")
    assert name == hashlib.sha256(b"report").hexdigest()
    assert Blobs(home).get(name) == b"report"


def test_a_file_is_kept_like_its_bytes(home: Home, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_bytes(b"x" * 3_000_000)
    assert Blobs(home).put(report) == Blobs(home).put(b"x" * 3_000_000)
    assert len(list(home.blobs.iterdir())) == 1


def test_a_changed_blob_is_refused_and_mended_by_putting_it_again(home: Home) -> None:
    blobs = Blobs(home)
    name = blobs.put(b"report")
    (home.blobs / name).chmod(0o644)
    (home.blobs / name).write_bytes(b"rEport")
    with pytest.raises(EvidenceInvalid, match="changed after it was recorded"):
        blobs.get(name)
    assert blobs.get(blobs.put(b"report")) == b"report"


def test_a_missing_blob_is_refused(home: Home) -> None:
    with pytest.raises(EvidenceInvalid, match="missing"):
        Blobs(home).get("0" * 64)


@pytest.mark.parametrize("name", ["", "../pipeline.pem", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_only_a_hash_names_a_blob(home: Home, name: str) -> None:
    with pytest.raises(EvidenceInvalid, match="not the SHA-256"):
        Blobs(home).get(name)


def test_a_failed_put_leaves_nothing(home: Home, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Blobs(home).put(tmp_path / "absent")
    assert list(home.blobs.iterdir()) == []
