"""The registry that gives images their digests: somebody's by address, else Debian's own in a container on loopback.

Its volume outlives the container, its port is remembered (references carry it), and it deletes nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import json
import os
import time
from email.message import Message
from pathlib import Path

from release.candidate import DIGEST
from release.errors import EvidenceInvalid, NotReady
from release.home import Home
from tools.prepare import bases, engine, images, ports, shell, state
from tools.prepare.failure import Failure

VARIABLE = "RELEASE_REGISTRY"
LABEL = "alexandrite.registry"
PORT_USUAL = 5000
PORT_FILE = "registry.port"
START_TIMEOUT_S = 60
ANSWER_TIMEOUT_S = 5
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)


def ensure(home: Home) -> str:
    """`host:port` of a registry that answers; ours is started when it is not running. Seconds, and harmless again.

    Raises NotReady when the named one does not answer, or ours cannot be started.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not answers(named):
            raise NotReady(
                f"{VARIABLE} names {named}, and no registry answers there without a login.",
                remedy="Start it, or unset it.",
            )
        return named
    with (home.path / "registry.lock").open("w") as lock:
        # Two builds at once would both find no container and both make one.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return _ensure_own(home)
        except Failure as failure:
            raise NotReady(failure.problem, remedy=failure.remedy) from failure


def container_name(home: Home) -> str:
    """One registry for each pipeline home; its volume has the same name."""
    return f"alexandrite-registry-{hashlib.sha256(str(home.path).encode()).hexdigest()[:8]}"


def answers(address: str) -> bool:
    """True when a registry speaks there and asks for no login: its digests must be readable by whoever judges."""
    try:
        return _ask(address, "GET", "/v2/")[0] == 200
    except NotReady:
        return False


def push(local_reference: str, address: str, name: str, *, tag: str) -> str:
    """Pushes a local image as `address/name:tag`. Returns the manifest's digest, as registry and engine both have it.

    Raises NotReady when the push fails, EvidenceInvalid when the two disagree about what was pushed.
    """
    target = f"{address}/{name}:{tag}"
    try:
        shell.run([*engine.docker(), "tag", local_reference, target], log="registry-tag")
        shell.run([*engine.docker(), "push", "--quiet", target], log="registry-push")
    except Failure as failure:
        raise NotReady(failure.problem, remedy=failure.remedy) from failure
    digest = digest_of(address, name, tag)
    listed = shell.answer([*engine.docker(), "image", "inspect", "--format", "{{json .RepoDigests}}", target])
    known = json.loads(listed or "[]")
    if digest is None or f"{address}/{name}@{digest}" not in known:
        raise EvidenceInvalid(f"The registry has {digest} for {target}, the engine knows {known}.")
    return digest


def pull(reference: str) -> None:
    """Makes `repository@digest` known to the engine. Raises NotReady when the registry does not have it."""
    if shell.answer([*engine.docker(), "image", "inspect", "--format", "{{.Id}}", reference]) is not None:
        return
    try:
        shell.run([*engine.docker(), "pull", "--quiet", reference], log="registry-pull")
    except Failure as failure:
        raise NotReady(failure.problem, remedy=failure.remedy) from failure


def digest_of(address: str, name: str, tag_or_digest: str) -> str | None:
    """The digest of what the registry holds under a tag (or digest); None when it holds nothing there.

    Raises NotReady when the registry does not answer: not knowing is not the same as not having.
    """
    status, headers = _ask(address, "HEAD", f"/v2/{name}/manifests/{tag_or_digest}")
    if status == 404:
        return None
    digest = headers.get("Docker-Content-Digest", "")
    if status != 200 or not DIGEST.fullmatch(digest):
        raise NotReady(f"The registry at {address} answered {status} for {name}, with digest {digest!r}.")
    return digest


def _ask(address: str, method: str, path: str) -> tuple[int, Message]:
    """Status and headers of one answer, without TLS where that is spoken. Raises NotReady when nobody answers."""
    reasons = []
    for scheme in (http.client.HTTPConnection, http.client.HTTPSConnection):
        connection = scheme(address, timeout=ANSWER_TIMEOUT_S)
        try:
            connection.request(method, path, headers={"Accept": ", ".join(MANIFESTS)})
            response = connection.getresponse()
            return response.status, response.headers
        except (OSError, http.client.HTTPException) as error:
            reasons.append(str(error))
        finally:
            connection.close()
    raise NotReady(f"The registry at {address} does not answer: {'; '.join(reasons)}.")


def _ensure_own(home: Home) -> str:
    name = container_name(home)
    wanted = images.reference(images.REGISTRY)
    address = f"127.0.0.1:{_port(home.path / PORT_FILE)}"
    found = _inspect(name)
    if found == (wanted, "running") and answers(address):
        return address
    engine.ensure_engine()
    _build_missing(wanted)
    if found is not None and (found[0] != wanted or found[1] not in ("running", "exited", "created")):
        # Another version of the image, or a container beyond repair; what it stored is in the volume.
        shell.run([*engine.docker(), "rm", "--force", name], log="registry-remove")
        found = None
    if found is None:
        _create(name, wanted, address, home)
    elif found[1] != "running":
        shell.run([*engine.docker(), "start", name], log="registry-start")
    deadline = time.monotonic() + START_TIMEOUT_S
    while not answers(address):
        if time.monotonic() > deadline:
            raise Failure(f"The registry {name} does not answer at {address}.", remedy=f"See: docker logs {name}")
        time.sleep(0.2)
    return address


def _port(path: Path) -> int:
    """The remembered port, else the first free one from the usual on. References carry it, so it never changes again."""
    if path.is_file():
        return int(path.read_text(encoding="ascii"))
    port = next((port for port in range(PORT_USUAL, PORT_USUAL + ports.ATTEMPTS) if ports.is_free(port)), None)
    if port is None:
        raise Failure(f"No free port for the registry from {PORT_USUAL} on.", remedy="See what listens: ss -ltnp")
    state.write_file(path, str(port))
    return port


def _inspect(name: str) -> tuple[str, str] | None:
    """The container's image and state, or None when there is none."""
    format_ = "{{.Config.Image}}\t{{.State.Status}}"
    told = shell.answer([*engine.docker(), "container", "inspect", "--format", format_, name])
    if told is None:
        return None
    image, status = told.split("\t")
    return image, status


def _build_missing(wanted: str) -> None:
    if shell.answer([*engine.docker(), "image", "inspect", "--format", "{{.Id}}", wanted]) is not None:
        return
    state.make_directories()
    if images.REGISTRY.base in bases.missing():
        bases.make(images.REGISTRY.base)
    images.build(images.REGISTRY)


def _create(name: str, image: str, address: str, home: Home) -> None:
    options = [
        "--name", name,
        "--label", f"{LABEL}={home.path}",
        "--restart", "on-failure",
        "--init",
        "--read-only",
        "--tmpfs", "/tmp:size=16m",  # noqa: S108  inside the container
        "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges:true",
        "--memory", "256m",
        "--publish", f"{address}:5000",
        "--volume", f"{name}:/var/lib/registry",
    ]  # fmt: skip
    shell.run([*engine.docker(), "run", "--detach", *options, image], log="registry-start")
