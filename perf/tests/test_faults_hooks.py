"""A process dies at the very line that was ordered, once, and says when the line is not there any more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from perf.faults.stage import CODE, Desk, NotStruck
from tools.prepare import state

KILLED = 137

BROKER = """
    class Publisher:
        async def publish(self, number):
            print("published", number, flush=True)
"""
UNIT_OF_WORK = """
    class UnitOfWork:
        async def commit(self):
            print("committed", flush=True)
            return 7
"""
PLAY = """
    import asyncio
    from system.plumbing.broker import Publisher

    async def main():
        for number in (1, 2, 3):
            await Publisher().publish(number)

    asyncio.run(main())
    print("through", flush=True)
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "desk").mkdir()
    return Desk(tmp_path / "desk")


def play(
    tmp_path: Path, desk: Desk, script: str, *, faketime: str | None = None, **modules: str
) -> subprocess.CompletedProcess[str]:
    """Runs a script beside a small stand-in for the plumbing, with the hooks as the containers have them."""
    package = tmp_path / "app" / "system" / "plumbing"
    package.mkdir(parents=True, exist_ok=True)
    for place in (package, package.parent):
        (place / "__init__.py").touch()
    for name, text in modules.items():
        (package / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{CODE / 'hooks'}:{tmp_path / 'app'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        # As in the image: the present directory, which holds the real system, is no place to import from.
        "PYTHONSAFEPATH": "1",
        "ALEXANDRITE_FAULT_SEAT": "shop",
        "ALEXANDRITE_FAULT_DESK": str(desk.directory),
    } | ({"ALEXANDRITE_FAULT_FAKETIME": faketime} if faketime else {})
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_nothing_happens_without_an_order(tmp_path: Path, desk: Desk) -> None:
    done = play(tmp_path, desk, PLAY, broker=BROKER)
    assert (done.returncode, done.stdout.split()[-1]) == (0, "through")
    assert not desk.was_struck("shop")


def test_it_dies_before_the_second_publish_and_only_once(tmp_path: Path, desk: Desk) -> None:
    desk.order("shop", "publish.before", countdown=2)
    done = play(tmp_path, desk, PLAY, broker=BROKER)
    assert done.returncode == KILLED
    assert done.stdout == "published 1\n"
    assert desk.was_struck("shop")
    again = play(tmp_path, desk, PLAY, broker=BROKER)
    assert again.returncode == 0, again.stderr


APPLICATION = """
    import asyncio, sitecustomize
    from fastapi import FastAPI
    from system.plumbing.unit_of_work import UnitOfWork

    app = FastAPI()

    @app.get("/")
    @app.post("/")
    async def either():
        await UnitOfWork().commit()

    async def ask(method):
        scope = {"type": "http", "method": method, "path": "/", "headers": [], "query_string": b"", "root_path": ""}
        async def receive(): return {"type": "http.request", "body": b""}
        async def send(message): print(message["type"], flush=True)
        await app(scope, receive, send)

    try:
        app()
    except TypeError:
        print("no factory", flush=True)
    asyncio.run(ask("GET"))
    asyncio.run(ask("POST"))
"""


def test_a_request_that_changes_something_dies_before_its_answer(tmp_path: Path, desk: Desk) -> None:
    desk.order("shop", "api.commit.after")
    done = play(tmp_path, desk, APPLICATION, unit_of_work=UNIT_OF_WORK)
    assert done.returncode == KILLED
    answered = ["committed", "http.response.start", "http.response.body"]
    assert done.stdout.splitlines() == ["no factory", *answered, "committed"]


def test_an_order_for_another_point_is_left_alone(tmp_path: Path, desk: Desk) -> None:
    desk.order("shop", "ack.after")
    assert play(tmp_path, desk, PLAY, broker=BROKER).returncode == 0
    assert not desk.was_struck("shop")


COMMITS = """
    import asyncio, sitecustomize
    from system.plumbing.unit_of_work import UnitOfWork

    async def main():
        await UnitOfWork().commit()
        sitecustomize.on_whose_behalf.set("consumer")
        print(await UnitOfWork().commit(), flush=True)

    asyncio.run(main())
"""


def test_a_commit_is_known_by_who_works(tmp_path: Path, desk: Desk) -> None:
    desk.order("shop", "consumer.commit.after")
    done = play(tmp_path, desk, COMMITS, unit_of_work=UNIT_OF_WORK)
    assert done.returncode == KILLED
    # Both are committed, and the second was not answered.
    assert done.stdout == "committed\ncommitted\n"


def test_a_wrapped_function_still_answers(tmp_path: Path, desk: Desk) -> None:
    assert play(tmp_path, desk, COMMITS, unit_of_work=UNIT_OF_WORK).stdout.endswith("7\n")


TERMINATED = """
    import asyncio, signal
    from system.plumbing.broker import Publisher

    async def main():
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
        await Publisher().publish(1)
        await told.wait()
        print("ended in peace", flush=True)

    asyncio.run(main())
"""


def test_a_process_can_be_told_to_end_in_the_middle_of_its_work(tmp_path: Path, desk: Desk) -> None:
    desk.order("shop", "publish.before", do="term")
    done = play(tmp_path, desk, TERMINATED, broker=BROKER)
    assert (done.returncode, done.stdout) == (0, "published 1\nended in peace\n")


def test_whoever_holds_goes_on_when_told(tmp_path: Path, desk: Desk) -> None:
    desk.order("shop", "publish.before", do="hold")
    desk.go("shop")
    done = play(tmp_path, desk, PLAY, broker=BROKER)
    assert done.stdout.endswith("through\n")
    assert desk.was_struck("shop")


def test_a_point_that_is_gone_is_told(tmp_path: Path, desk: Desk) -> None:
    done = play(tmp_path, desk, "import system.plumbing.broker", broker="class Renamed: ...")
    assert "no such points any more" in done.stderr
    with pytest.raises(NotStruck, match=r"publish\.before"):
        desk.was_struck("shop")


def test_every_point_is_in_the_code_as_it_is(tmp_path: Path, desk: Desk) -> None:
    """Asked of a process of its own: this judge imports nothing of the system."""
    script = """
        import importlib, sitecustomize
        for module, *_ in (*sitecustomize.WRAPPED, *sitecustomize.ENTERED):
            importlib.import_module(module)
    """
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{CODE / 'hooks'}:{state.ROOT}",
        "ALEXANDRITE_FAULT_SEAT": "shop",
        "ALEXANDRITE_FAULT_DESK": str(desk.directory),
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not desk.was_struck("shop")


def test_a_clock_that_nothing_can_set_is_told(tmp_path: Path, desk: Desk) -> None:
    desk.sets_clock("shop", "+3600s")
    assert play(tmp_path, desk, "pass", faketime=str(tmp_path / "not there")).returncode == 0
    with pytest.raises(NotStruck, match="clock"):
        desk.was_struck("shop")


def test_the_desk_takes_back_what_it_ordered(desk: Desk) -> None:
    desk.order("shop", "publish.before")
    order = desk.tells_proxy("reset")
    desk.clear()
    assert [path.name for path in desk.directory.iterdir()] == ["proxy.json"]
    assert json.loads((desk.directory / "proxy.json").read_text(encoding="utf-8"))["id"] == order
