"""The bill of materials of a candidate's image: CycloneDX 1.6, what is locked compared with what is really inside.

make(image, digest=..., commit=..., built_at=..., lock=..., npm_lock=...) -> str    the JSON document, valid by CycloneDX's own schema
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from release.errors import EvidenceInvalid, NotReady
from tools.prepare import engine, shell

NAME = "alexandrite/system"
QUESTION_TIMEOUT_S = 120
# Fixed, so that the serial number of a candidate's document depends on the candidate alone.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://alexandrite.example/sbom")
DPKG_FORMAT = "${db:Status-Status}\\t${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\n"
INSTALLED_PYTHON = """
import importlib.metadata, json
print(json.dumps([[package.metadata["Name"], package.version] for package in importlib.metadata.distributions()]))
"""
# The packages whose files pages are made of; a scope is a directory of its own.
PAGE_PACKAGES = """
import json, pathlib
vendor = pathlib.Path("/app/system/pagekit/assets/vendor")
found = [path for path in vendor.glob("*") if not path.name.startswith("@")] + list(vendor.glob("@*/*"))
print(json.dumps(sorted(str(path.relative_to(vendor)) for path in found)))
"""
_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(\S+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class PythonPackage:
    """One locked requirement; `hashes` are the SHA-256 (hex) of the files that may be installed for it."""

    name: str
    version: str
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """One installed package of the distribution."""

    name: str
    version: str
    architecture: str
    source: str


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """One locked package of npm that runs in browsers; `sha512` (hex) of its archive."""

    name: str
    version: str
    sha512: str


def make(image: str, *, digest: str, commit: str, built_at: datetime, lock: Path, npm_lock: Path) -> str:
    """The document for a local image. Asks the image itself what it contains.

    Raises EvidenceInvalid when the image has a Python package that `lock` does not have in that version, or lacks one;
    NotReady when the image cannot be run.
    """
    locked = read_lock(lock.read_text(encoding="utf-8"))
    compare(locked, json.loads(_ask(image, "python3", "-c", INSTALLED_PYTHON)))
    npm = read_npm_lock(npm_lock.read_text(encoding="utf-8"))
    compare_pages(npm, json.loads(_ask(image, "python3", "-c", PAGE_PACKAGES)))
    debian = read_dpkg(_ask(image, "dpkg-query", "--show", f"--showformat={DPKG_FORMAT}"))
    release = _debian_release(_ask(image, "cat", "/etc/os-release"))
    document = write(locked, debian, npm, digest=digest, commit=commit, built_at=built_at, debian_release=release)
    validate(document)
    return document


def read_lock(text: str) -> list[PythonPackage]:
    """The requirements of a lock by name. Raises EvidenceInvalid for a line that pins no version or has no hash."""
    packages = []
    for requirement in re.sub(r"\\\n\s*", " ", text).splitlines():
        if not requirement.strip() or requirement.lstrip().startswith("#"):
            continue
        pinned = _REQUIREMENT.match(requirement)
        hashes = tuple(sorted(_HASH.findall(requirement)))
        if pinned is None or not hashes:
            raise EvidenceInvalid(f"The lock has a line that pins no version and hash: {requirement[:80]!r}.")
        packages.append(PythonPackage(_canonical(pinned[1]), pinned[2], hashes))
    return sorted(packages, key=lambda package: package.name)


def read_npm_lock(text: str) -> list[NpmPackage]:
    """What the pages use, by name; what only looks at them is left out. Raises EvidenceInvalid for one without a hash."""
    packages = []
    for place, entry in json.loads(text)["packages"].items():
        if not place.startswith("node_modules/") or entry.get("dev"):
            continue
        algorithm, _, content = str(entry.get("integrity", "")).partition("-")
        if algorithm != "sha512":
            raise EvidenceInvalid(f"The lock has no SHA-512 of {place}.")
        name = place.removeprefix("node_modules/")
        packages.append(NpmPackage(name, entry["version"], base64.b64decode(content).hex()))
    return sorted(packages, key=lambda package: package.name)


def compare_pages(locked: Sequence[NpmPackage], present: Sequence[str]) -> None:
    """Raises EvidenceInvalid unless the image has files of exactly the packages that are locked for pages."""
    want = {package.name for package in locked}
    if want != set(present):
        raise EvidenceInvalid(f"The image has pages' files of {sorted(present)}, and locked are {sorted(want)}.")


def read_dpkg(text: str) -> list[DebianPackage]:
    """Installed packages by name, from what dpkg-query printed. Raises EvidenceInvalid when it printed something else."""
    rows = [line.split("\t") for line in text.splitlines() if line]
    if any(len(row) != 5 for row in rows):
        raise EvidenceInvalid(f"The image's dpkg-query printed no table: {text[:80]!r}.")
    # A removed package whose configuration was kept is listed too.
    packages = [DebianPackage(*row[1:]) for row in rows if row[0] == "installed"]
    if not packages:
        raise EvidenceInvalid("The image names no Debian package, though it stands on Debian.")
    return sorted(packages, key=lambda package: (package.name, package.architecture))


def compare(locked: Sequence[PythonPackage], installed: Sequence[Sequence[str]]) -> None:
    """Raises EvidenceInvalid, naming the packages, unless exactly what is locked is installed."""
    want = {(package.name, package.version) for package in locked}
    have = {(_canonical(name), version) for name, version in installed}
    strangers = [f"{name} {version} is installed and not locked" for name, version in sorted(have - want)]
    absent = [f"{name} {version} is locked and not installed" for name, version in sorted(want - have)]
    if strangers or absent:
        raise EvidenceInvalid(f"The image is not what its lock says: {'; '.join([*strangers, *absent])}.")


def write(
    python: Sequence[PythonPackage],
    debian: Sequence[DebianPackage],
    npm: Sequence[NpmPackage] = (),
    *,
    digest: str,
    commit: str,
    built_at: datetime,
    debian_release: str,
) -> str:
    """The document as JSON; the same arguments give the same text."""
    sha256 = HashType(alg=HashAlgorithm.SHA_256, content=digest.removeprefix("sha256:"))
    image = Component(
        type=ComponentType.CONTAINER,
        name=NAME,
        version=commit,
        bom_ref="image",
        purl=PackageURL("oci", name=NAME.rpartition("/")[2], version=digest),
        hashes=[sha256],
        properties=[Property(name="org.opencontainers.image.revision", value=commit)],
    )
    components = [
        *(_python_component(package) for package in python),
        *(_debian_component(package, debian_release) for package in debian),
        *(_npm_component(package) for package in npm),
    ]
    bom = Bom(
        components=components,
        metadata=BomMetaData(component=image, timestamp=built_at),
        serial_number=uuid.uuid5(NAMESPACE, f"{digest} {commit}"),
    )
    bom.register_dependency(image, components)
    outputter = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return outputter.output_as_string(indent=1)


def validate(document: str) -> None:
    """Raises EvidenceInvalid when the document is not CycloneDX 1.6, by the specification's own strict schema."""
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(document)
    # The schema of 1.6 accepts any version's name.
    version = json.loads(document)["specVersion"] if problem is None else None
    if problem is not None or version != "1.6":
        why = str(problem)[:300] if problem is not None else f"it says that it is {version}"
        raise EvidenceInvalid(f"The bill of materials is not CycloneDX 1.6: {why}.")


def _python_component(package: PythonPackage) -> Component:
    purl = PackageURL("pypi", name=package.name, version=package.version)
    # The hashes are of files that are alternatives to each other (one per platform), so they belong to the distribution.
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(purl.to_string()),
        comment="one of these files is installed, as locked",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=content) for content in package.hashes],
    )
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        bom_ref=purl.to_string(),
        purl=purl,
        external_references=[files],
    )


def _npm_component(package: NpmPackage) -> Component:
    scope, _, name = package.name.rpartition("/")
    purl = PackageURL("npm", scope or None, name, package.version)
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        bom_ref=purl.to_string(),
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_512, content=package.sha512)],
    )


def _debian_component(package: DebianPackage, release: str) -> Component:
    qualifiers: Mapping[str, str] = {"arch": package.architecture, "distro": f"debian-{release}"}
    purl = PackageURL("deb", "debian", package.name, package.version, dict(qualifiers))
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        bom_ref=purl.to_string(),
        purl=purl,
        properties=[Property(name="debian:source", value=package.source)],
    )


def _debian_release(text: str) -> str:
    """`12` for bookworm, as os-release has it."""
    found = re.search(r'^VERSION_ID="?([0-9.]+)', text, re.MULTILINE)
    if found is None:
        raise EvidenceInvalid("The image's /etc/os-release names no version.")
    return found[1]


def _canonical(name: str) -> str:
    """One spelling for each package, as the index compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _ask(image: str, *command: str) -> str:
    """What a command prints inside the image, without network and without the image's own entry point."""
    options = ["run", "--rm", "--network", "none", "--read-only", "--entrypoint", command[0]]
    told = shell.answer([*engine.docker(), *options, image, *command[1:]], timeout_s=QUESTION_TIMEOUT_S)
    if told is None:
        raise NotReady(f"{image} could not be asked for its content: {command[0]} failed in it.")
    return told
