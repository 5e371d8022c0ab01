"""A dark feature is not there, a lit one is, and no flag lives for ever."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, Depends

from system.plumbing.auth import public
from system.plumbing.flags import Features, Lit, declared
from system.plumbing.settings import ServiceSettings
from system.plumbing.steering import FLAGS_FILE, Steering
from system.plumbing.web import make_app


def test_no_flag_outlives_its_day() -> None:
    late = [f"{flag.name} ({flag.owner})" for flag in declared() if flag.until < datetime.now(UTC).date()]
    assert not late, f"light these for good or take them out of the code: {', '.join(late)}"


def test_every_flag_is_asked_for_somewhere() -> None:
    """A flag that no code asks for switches nothing."""
    code = [path.read_text() for path in Path(__file__).parents[3].rglob("*.py") if "tests" not in path.parts]
    unused = [flag.name for flag in declared() if not any(f'"{flag.name}"' in text for text in code)]
    assert not unused


@pytest.mark.parametrize(
    "text",
    [
        '[board]\nabout = "x"\nowner = "anna"',
        '[board]\nabout = "x"\nowner = "anna"\nuntil = "tomorrow"',
        '[board]\nabout = "x"\nowner = "anna"\nuntil = 2027-01-31\nlit = true',
        "board = true",
    ],
)
def test_a_flag_without_owner_or_end_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "flags.toml").write_text(text)
    with pytest.raises(ValueError, match="the flag board has exactly"):
        declared(tmp_path / "flags.toml")


def test_a_flag_is_read(tmp_path: Path) -> None:
    (tmp_path / "flags.toml").write_text('[board]\nabout = "x"\nowner = "anna"\nuntil = 2027-01-31')
    assert [(flag.name, flag.until.isoformat()) for flag in declared(tmp_path / "flags.toml")] == [
        ("board", "2027-01-31")
    ]


def test_a_misspelt_flag_is_a_mistake_not_darkness(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="bord"):
        Features(Steering(tmp_path), ["board"]).is_lit("bord")


async def test_a_route_comes_and_goes_with_its_flag(tmp_path: Path) -> None:
    router = APIRouter()

    @router.get("/tiles", dependencies=[public, Depends(Lit("board"))])
    async def tiles() -> str:
        return "tiles"

    app = make_app(ServiceSettings(service="mes"), routers=[router])
    app.state.features = Features(Steering(tmp_path), ["board"])

    async def asked() -> int:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://localhost:8443") as client:
            return (await client.get("/api/mes/v1/tiles")).status_code

    def switch(text: str) -> None:
        (tmp_path / "new").write_text(text)
        os.replace(tmp_path / "new", tmp_path / FLAGS_FILE)

    assert await asked() == 404
    switch('{"board": true}')
    assert await asked() == 200
    switch('{"board": false}')
    assert await asked() == 404
