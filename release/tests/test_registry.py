"""The registry by its protocol, against a small server here; and, marked integration, the real one in its container."""

from __future__ import annotations

import http.server
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from release import registry
from release.errors import EvidenceInvalid, NotReady
from release.home import Home
from tools.prepare import engine, images, ports, shell
from tools.prepare.failure import Failure

DIGEST = "sha256:" + "d" * 64


class Registry(http.server.BaseHTTPRequestHandler):
    """Knows one manifest, by tag `known` and by its digest."""

    digest = DIGEST
    ping = 200

    def do_GET(self) -> None:
        self._answer(self.ping)

    def do_HEAD(self) -> None:
        known = self.path in ("/v2/a/b/manifests/known", f"/v2/a/b/manifests/{DIGEST}")
        assert "manifest.v2+json" in self.headers["Accept"], "another manifest has another digest"
        self._answer(200 if known else 500 if self.path.endswith("sick") else 404)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Docker-Content-Digest", self.digest)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def unused_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_digest_is_what_the_registry_says(address: str) -> None:
    assert registry.digest_of(address, "a/b", "known") == DIGEST
    assert registry.digest_of(address, "a/b", DIGEST) == DIGEST
    assert registry.digest_of(address, "a/b", "other") is None


def test_registry_that_cannot_say_is_not_one_that_has_nothing(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotReady, match="answered 500"):
        registry.digest_of(address, "a/b", "sick")
    with pytest.raises(NotReady, match="does not answer"):
        registry.digest_of(unused_address(), "a/b", "known")
    monkeypatch.setattr(Registry, "digest", "latest")
    with pytest.raises(NotReady, match="digest 'latest'"):
        registry.digest_of(address, "a/b", "known")


def test_named_registry_is_used_when_it_answers(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(registry.VARIABLE, address)
    assert registry.ensure(Home(tmp_path)) == address
    monkeypatch.setattr(Registry, "ping", 401)
    with pytest.raises(NotReady, match="without a login"):
        registry.ensure(Home(tmp_path))


def test_named_registry_that_is_down_is_not_replaced_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(registry.VARIABLE, unused_address())
    with pytest.raises(NotReady, match=r"no registry answers .* Start it, or unset it\."):
        registry.ensure(Home(tmp_path))


def test_push_that_registry_and_engine_see_differently_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "run", lambda *_, **__: None)
    monkeypatch.setattr(shell, "answer", lambda *_, **__: f'["{address}/a/b@{DIGEST}"]')
    assert registry.push("local", address, "a/b", tag="known") == DIGEST
    monkeypatch.setattr(shell, "answer", lambda *_, **__: f'["{address}/a/b@sha256:{"e" * 64}"]')
    with pytest.raises(EvidenceInvalid, match="the engine knows"):
        registry.push("local", address, "a/b", tag="known")
    with pytest.raises(EvidenceInvalid, match="has None"):
        registry.push("local", address, "a/b", tag="vanished")


def test_failed_push_or_pull_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise Failure("`registry-push` failed: denied.", remedy="See the log.")

    monkeypatch.setattr(shell, "run", refused)
    monkeypatch.setattr(shell, "answer", lambda *_, **__: None)
    with pytest.raises(NotReady, match=r"denied\. See the log\."):
        registry.push("local", "127.0.0.1:1", "a/b", tag="t")
    with pytest.raises(NotReady, match="denied"):
        registry.pull(f"127.0.0.1:1/a/b@{DIGEST}")


def test_port_is_remembered_even_when_it_is_taken_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = registry._port(tmp_path / "port")
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    assert registry._port(tmp_path / "port") == port, "references that were recorded carry it"
    with pytest.raises(Failure, match="No free port"):
        registry._port(tmp_path / "another")


def test_two_homes_have_two_registries(tmp_path: Path) -> None:
    assert registry.container_name(Home(tmp_path / "a")) != registry.container_name(Home(tmp_path / "b"))


@pytest.mark.integration
def test_images_outlive_the_container_and_cannot_be_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(registry.VARIABLE, raising=False)
    home = Home(tmp_path)
    name = registry.container_name(home)
    try:
        address = registry.ensure(home)
        assert registry.ensure(home) == address
        repository = f"alexandrite/test-{uuid.uuid4().hex[:8]}"
        digest = registry.push(images.reference(images.REGISTRY), address, repository, tag="one")
        assert registry.push(images.reference(images.REGISTRY), address, repository, tag="two") == digest
        assert registry._ask(address, "DELETE", f"/v2/{repository}/manifests/{digest}")[0] == 405
        docker("rm", "--force", name)
        assert registry.ensure(home) == address
        assert registry.digest_of(address, repository, digest) == digest
        docker("rmi", f"{address}/{repository}:one", f"{address}/{repository}:two")
        registry.pull(f"{address}/{repository}@{digest}")
        docker("rmi", f"{address}/{repository}@{digest}")
    finally:
        shell.answer([*engine.docker(), "rm", "--force", name])
        shell.answer([*engine.docker(), "volume", "rm", name])


def docker(*arguments: str) -> None:
    assert shell.answer([*engine.docker(), *arguments], timeout_s=60) is not None, arguments
