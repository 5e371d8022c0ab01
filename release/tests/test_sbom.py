"""The bill of materials says what is inside, or is refused."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from release import sbom
from release.errors import EvidenceInvalid, NotReady
from tools.prepare import images, shell

DIGEST = "sha256:" + "a" * 64
COMMIT = "b" * 40
LOCK = f"""aio-pika==10.2.1 \\
    --hash=sha256:{"1" * 64} \\
    --hash=sha256:{"2" * 64}
psycopg[binary,pool]==3.3.9 --hash=sha256:{"3" * 64}
"""
DPKG = (
    "installed\tlibc6\t2.36-9\tamd64\tglibc\nconfig-files\tvim\t9.0\tamd64\tvim\n"
    "installed\tbash\t5.2.15-2+b13\tamd64\tbash\n"
)


def document() -> str:
    return sbom.write(
        sbom.read_lock(LOCK),
        sbom.read_dpkg(DPKG),
        digest=DIGEST,
        commit=COMMIT,
        built_at=datetime(2026, 1, 2, tzinfo=UTC),
        debian_release="12",
    )


def test_document_is_valid_and_names_image_packages_and_hashes() -> None:
    text = document()
    sbom.validate(text)
    said = json.loads(text)
    assert (said["bomFormat"], said["specVersion"]) == ("CycloneDX", "1.6")
    image = said["metadata"]["component"]
    assert (image["type"], image["version"], image["hashes"]) == (
        "container", COMMIT, [{"alg": "SHA-256", "content": "a" * 64}],
    )  # fmt: skip
    found = {component["purl"]: component for component in said["components"]}
    assert set(found) == {
        "pkg:pypi/aio-pika@10.2.1",
        "pkg:pypi/psycopg@3.3.9",
        "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
        "pkg:deb/debian/bash@5.2.15-2%2Bb13?arch=amd64&distro=debian-12",
    }, "what was removed is not inside"
    hashes = found["pkg:pypi/aio-pika@10.2.1"]["externalReferences"][0]["hashes"]
    assert [one["content"] for one in hashes] == ["1" * 64, "2" * 64]
    (depends,) = [one["dependsOn"] for one in said["dependencies"] if one["ref"] == "image"]
    assert set(depends) == set(found)


def test_same_candidate_has_the_same_document() -> None:
    assert document() == document()


@pytest.mark.parametrize(
    ("key", "value"),
    [("specVersion", "1.5"), ("components", [{"name": "no type"}]), ("bomFormat", "other"), ("surprise", True)],
)
def test_document_that_breaks_the_schema_is_refused(key: str, value: object) -> None:
    with pytest.raises(EvidenceInvalid, match=r"not CycloneDX 1\.6"):
        sbom.validate(json.dumps(json.loads(document()) | {key: value}))


@pytest.mark.parametrize("line", ["requests>=2", "requests==2.1", "-e .", "requests==2.1 --hash=md5:abc"])
def test_lock_that_pins_no_version_and_hash_is_refused(line: str) -> None:
    with pytest.raises(EvidenceInvalid, match="pins no version and hash"):
        sbom.read_lock(LOCK + line + "\n")


def test_the_projects_own_lock_is_read() -> None:
    packages = sbom.read_lock(images.SYSTEM_LOCK.read_text())
    assert len(packages) > 40 and all(package.hashes for package in packages)


@pytest.mark.parametrize(
    ("installed", "why"),
    [
        pytest.param([["aio-pika", "10.2.1"]], "psycopg 3.3.9 is locked and not installed", id="lacks one"),
        pytest.param(
            [["aio-pika", "10.2.1"], ["psycopg", "3.3.9"], ["evil", "1.0"]], "evil 1.0 is installed", id="a stranger"
        ),
        pytest.param(
            [["aio-pika", "10.2.0"], ["psycopg", "3.3.9"]], "aio-pika 10.2.0 is installed", id="other version"
        ),
    ],
)
def test_image_that_is_not_as_locked_is_refused(installed: list[list[str]], why: str) -> None:
    with pytest.raises(EvidenceInvalid, match=why):
        sbom.compare(sbom.read_lock(LOCK), installed)


def test_names_are_compared_as_the_index_does() -> None:
    sbom.compare(sbom.read_lock(LOCK), [["Aio_Pika", "10.2.1"], ["psycopg", "3.3.9"]])


@pytest.mark.parametrize("text", ["", "no table\n", "config-files\tvim\t9.0\tamd64\tvim\n"])
def test_image_that_names_no_packages_is_refused(text: str) -> None:
    with pytest.raises(EvidenceInvalid):
        sbom.read_dpkg(text)


def test_image_that_cannot_be_asked_is_not_ready(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shell, "answer", lambda *_, **__: None)
    (tmp_path / "lock").write_text(LOCK)
    with pytest.raises(NotReady, match="could not be asked"):
        sbom.make(
            "image",
            digest=DIGEST,
            commit=COMMIT,
            built_at=datetime.now(UTC),
            lock=tmp_path / "lock",
            npm_lock=tmp_path / "package-lock.json",
        )


def npm_lock(**entry: object) -> str:
    known = {"version": "2.0.11", "integrity": "sha512-" + base64.b64encode(b"x" * 64).decode()}
    packages = {
        "": {"name": "ours"},
        "node_modules/@css/base": known,
        "node_modules/htmx.org": known | entry,
        "node_modules/axe-core": known | {"dev": True},
    }
    return json.dumps({"packages": packages})


def test_what_pages_are_made_of_is_listed_and_what_only_looks_at_them_is_not() -> None:
    packages = sbom.read_npm_lock(npm_lock())
    assert [package.name for package in packages] == ["@css/base", "htmx.org"]
    written = sbom.write(
        [], [], packages, digest=DIGEST, commit=COMMIT, built_at=datetime(2026, 3, 2, tzinfo=UTC), debian_release="12"
    )
    sbom.validate(written)
    assert {one["purl"] for one in json.loads(written)["components"]} == {
        "pkg:npm/%40css/base@2.0.11",
        "pkg:npm/htmx.org@2.0.11",
    }


def test_a_page_package_without_a_hash_is_refused() -> None:
    with pytest.raises(EvidenceInvalid, match=r"htmx\.org"):
        sbom.read_npm_lock(npm_lock(integrity="sha1-abc"))


@pytest.mark.parametrize("present", [["htmx.org"], ["@css/base", "htmx.org", "stranger"], []])
def test_an_image_with_other_page_files_than_locked_is_refused(present: list[str]) -> None:
    with pytest.raises(EvidenceInvalid, match="pages' files"):
        sbom.compare_pages(sbom.read_npm_lock(npm_lock()), present)


def test_the_projects_own_page_lock_fits_what_pages_name() -> None:
    locked = {package.name for package in sbom.read_npm_lock(images.NODE_LOCK.read_text(encoding="utf-8"))}
    named = {str(path.relative_to(images.NODE_LOCK.parent / "node_modules")) for path in images.page_files()}
    assert {next(name for name in locked if path.startswith(f"{name}/")) for path in named} == locked
