"""Preparing a machine: what is kept, what is renewed, and the one sentence a person gets when it cannot go on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools.prepare import bases, credentials, engine, images, packages, ports, shell, state, topology
from tools.prepare.failure import Failure
from tools.prepare.names import SERVICES


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state directories of an imaginary checkout."""
    for name in ("STATE", "SECRETS", "TLS", "STAMPS", "LOGS", "REPORTS"):
        suffix = "" if name == "STATE" else name.lower()
        monkeypatch.setattr(state, name, tmp_path / ".alexandrite" / suffix)
    monkeypatch.setattr(state, "PORTS_FILE", tmp_path / ".alexandrite" / "ports.env")
    monkeypatch.setattr(state, "PYTHON", Path(sys.executable))
    state.make_directories()
    return tmp_path


def files_under(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): path.read_text() for path in sorted(directory.rglob("*")) if path.is_file()
    }


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_secrets_are_made_once_and_shared_by_their_holders_only(checkout: Path) -> None:
    credentials.make()
    made = files_under(state.SECRETS) | files_under(state.TLS)
    credentials.make()
    assert files_under(state.SECRETS) | files_under(state.TLS) == made
    brokers = {made[f"{holder}/{credentials.BROKER}"] for holder in credentials.HOLDERS[credentials.BROKER]}
    assert len(brokers) == 1
    assert not (state.SECRETS / "shop" / credentials.S3).exists()
    assert len({made[f"{service}/{credentials.DATABASE}"] for service in SERVICES}) == len(SERVICES)


def test_interrupted_making_of_secrets_keeps_what_was_made(checkout: Path) -> None:
    credentials.make()
    before = credentials.read("rabbitmq", credentials.BROKER)
    (state.SECRETS / "shop" / credentials.BROKER).unlink()
    (state.SECRETS / "mes" / "alexandrite_signing_key").unlink()
    credentials.make()
    assert credentials.read("shop", credentials.BROKER) == before
    # The new key's public half must be in everybody's key set, or its tokens are refused.
    sets = {credentials.read(service, "alexandrite_jwks") for service in SERVICES}
    assert len(sets) == 1
    assert {key["kid"] for key in json.loads(sets.pop())["keys"]} == set(SERVICES)


def test_other_users_cannot_reach_secrets_but_the_containers_uid_can(checkout: Path) -> None:
    credentials.make()
    assert state.SECRETS.stat().st_mode & 0o077 == 0
    assert (state.SECRETS / "shop").stat().st_mode & 0o005 == 0o005
    assert (state.SECRETS / "shop" / credentials.BROKER).stat().st_mode & 0o777 == 0o444


# --- ports -----------------------------------------------------------------------------------------------------------


def test_taken_port_is_passed_over_and_the_choice_is_remembered(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setitem(ports.DEFAULTS, "https", taken)
        chosen = ports.choose(running=False)
    assert chosen["https"] != taken
    assert ports.remembered() == chosen
    assert ports.choose(running=True) == chosen, "a running system keeps its ports though they are taken, by itself"


def test_no_free_port_is_one_sentence(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(Failure, match=r"No free port for https .*ss -ltnp"):
        ports.choose(running=False)


def test_free_ports_are_distinct() -> None:
    assert len(set(ports.free_ports().values())) == len(ports.DEFAULTS)


# --- topology and images -----------------------------------------------------------------------------------------------


def test_environment_names_everything_that_compose_asks_for() -> None:
    variables = topology.environment("alexandrite-x-test", dict(ports.DEFAULTS), "durations.test.env")
    text = topology.COMPOSE_FILE.read_text(encoding="utf-8")
    asked = {part.split("}")[0].split(":")[0] for part in text.split("${")[1:]}
    # Both have a default in the file: an environment's own name, and jobs of another image than the services'.
    assert asked - set(variables) <= {"ALEXANDRITE_ENVIRONMENT", "ALEXANDRITE_JOBS_IMAGE"}
    assert variables["ALEXANDRITE_PORT_HTTPS"] == "8443" and variables["ALEXANDRITE_DURATIONS"] == "durations.test.env"


def test_unknown_port_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown ports"):
        topology.environment("x", {"htps": 1})


def test_two_checkouts_have_two_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(topology.PROJECT_VARIABLE, raising=False)
    here = topology.project_name()
    monkeypatch.setattr(state, "ROOT", Path("/somewhere/else"))
    assert topology.project_name() != here


def test_tag_changes_with_an_input_and_only_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = images.Image("redis", base="trixie", shared=(tmp_path / "extra",))
    (tmp_path / "extra").write_text("a")
    first = images.reference(image)
    (tmp_path / "extra").touch()
    assert images.reference(image) == first
    (tmp_path / "extra").write_text("b")
    second = images.reference(image)
    monkeypatch.setattr(bases, "RECIPE", "other")
    assert len({first, second, images.reference(image)}) == 3


def test_tests_are_not_part_of_the_image() -> None:
    parts = [path.relative_to(state.ROOT).parts for path in images.code_files()]
    assert ("system", "setup.py") in parts
    assert not [names for names in parts if "tests" in names or "deploy" in names]


def test_every_way_of_being_unwell_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        "shop\trunning\tUp 5 minutes (healthy)",
        "mes\trunning\tUp 5 minutes (unhealthy)",
        "crm\trunning\tUp 1 second (health: starting)",
        "files\trestarting\tRestarting (1) 2 seconds ago",
        "pricing\texited\tExited (137) 1 minute ago",
        "migrate\texited\tExited (0) 5 minutes ago",
    ]
    monkeypatch.setattr(shell, "answer", lambda *_, **__: "\n".join(rows))
    assert [service for service, _ in topology.unwell("x")] == ["mes", "crm", "files", "pricing"]
    assert topology.running("x")


# --- failures ----------------------------------------------------------------------------------------------------------


def test_pid_file_of_a_dead_engine_is_removed_and_of_a_living_process_of_that_name_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = tmp_path / "docker.pid"
    monkeypatch.setattr(engine, "PID_FILE", pid_file)
    # This very process lives but is no engine: its number was reused.
    for content in (str(os.getpid()), "garbage", ""):
        pid_file.write_text(content)
        engine._forget_dead_engine()
        assert not pid_file.exists(), content


def test_package_is_asked_for_by_name_where_it_cannot_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "can_install", lambda: False)
    with pytest.raises(Failure, match=r"No engine\. Install docker\.io \(on Debian: apt-get install docker\.io\)\."):
        packages.require("docker.io", why="No engine")


def test_full_disk_is_noticed_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FREE_BYTES_MIN", 10**18)
    with pytest.raises(Failure, match="GB are free"):
        engine.ensure_space(state.ROOT / "not" / "made" / "yet")


def test_failed_command_says_its_last_words(checkout: Path) -> None:
    with pytest.raises(Failure, match="no such thing"):
        shell.run([sys.executable, "-c", "print('no such thing'); raise SystemExit(3)"], log="x", cwd=checkout)
    with pytest.raises(Failure, match="is missing"):
        shell.run(["no-such-program"], log="x", cwd=checkout)


def test_stamp_counts_only_for_the_same_inputs(checkout: Path) -> None:
    state.set_stamp("venv", "one")
    assert state.stamp_is("venv", "one") and not state.stamp_is("venv", "two")
    state.clear_stamp("venv")
    assert not state.stamp_is("venv", "one")


def test_directory_is_replaced_whole_even_after_an_interrupted_replacement(tmp_path: Path) -> None:
    final, new, old = tmp_path / "final", tmp_path / "new", tmp_path / "final.old"
    for directory, text in ((old, "stale"), (new, "new")):
        directory.mkdir()
        (directory / "file").write_text(text)
    # A kill between the two renames left no `final` at all.
    state.replace_directory(new, final)
    assert (final / "file").read_text() == "new" and not old.exists() and not new.exists()


def test_working_directories_of_killed_runs_are_removed_and_nothing_else(checkout: Path) -> None:
    for name in ("build-redis-x1", "lock-y2", "base-trixie-z3"):
        (state.STATE / name).mkdir()
    (state.STATE / "base-notes.txt").write_text("kept")
    before = {path.name for path in state.STATE.iterdir()}
    state.remove_leftovers()
    assert before - {path.name for path in state.STATE.iterdir()} == {"build-redis-x1", "lock-y2", "base-trixie-z3"}


def test_unreachable_engine_is_one_sentence_and_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.prepare", "engine"],
        env={**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"},
        cwd=state.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "DOCKER_HOST is set, but no engine answers there. Start that engine or unset DOCKER_HOST." in done.stderr
    assert "Traceback" not in done.stderr
