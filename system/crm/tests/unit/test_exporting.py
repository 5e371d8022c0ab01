"""The archive of an exported order: what is in it, and that nobody is."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from system.crm.application.commands import ExportOrder
from system.crm.application.exporting import Archive, Seen, export_order, neutral_name
from system.crm.tests.exported import (
    CANARY,
    FILE,
    NOW,
    QUOTE,
    at,
    entry,
    line,
    quotes,
    sent,
    shown,
    told,
    trouble,
    until,
)
from system.crm.tests.harness import SOFIA_SIGNED_IN
from system.crm.tests.in_memory import InMemoryCrm
from system.kernel.errors import Unavailable

ORDER = UUID("00000000-0000-4000-8000-000000000001")
NAME = neutral_name(ORDER)
FACET = struct.pack("<12f", *range(12))
MODEL = f"solid {CANARY}".encode().ljust(80) + struct.pack("<I", 1) + FACET + b"Ka"


TEXT_MODEL = (
    f"solid {CANARY}\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"
    f"; by {CANARY}\nendsolid {CANARY}\n"
).encode()


class KeptModels:
    """Models in a dictionary; one that is an error is raised."""

    def __init__(self, *bodies: bytes | Exception) -> None:
        self._bodies = dict(zip((FILE, UUID(int=2)), bodies, strict=False))

    async def fetch(self, file_id: UUID, *, bytes_max: int) -> bytes | None:
        body = self._bodies.get(file_id)
        if isinstance(body, Exception):
            raise body
        return body if body is not None and len(body) <= bytes_max else None


async def exported(
    order: dict[str, Any], heard: Any = None, *bodies: Any, bytes_max: int = 1000, **more: Any
) -> Archive:
    seen = Seen(order, heard, more.pop("quotes", quotes()), NOW, more.pop("hangs", False), more.pop("silent_steps", ()))
    command = ExportOrder(ORDER, SOFIA_SIGNED_IN)
    return await export_order(
        command, seen, InMemoryCrm().make_uow(), KeptModels(*(bodies or (MODEL,))), bytes_max=bytes_max
    )


def files(archive: Archive) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive.content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


async def test_the_archive_holds_the_feature_in_both_languages_its_model_and_how_to_run_it() -> None:
    archive = await exported(shown(), told())
    assert archive.filename == f"{NAME}.zip"
    held = files(archive)
    assert set(held) == {
        f"shipping/{NAME}.en.feature",
        f"shipping/{NAME}.ru.feature",
        f"shipping/{NAME}-1.stl",
        "README.txt",
        "story.json",
    }
    assert held[f"shipping/{NAME}-1.stl"] == b"model".ljust(80) + struct.pack("<I", 1) + FACET + b"\0\0"
    assert f"| {NAME}-1.stl |".encode() in held[f"shipping/{NAME}.en.feature"]
    assert f"unzip {NAME}.zip 'shipping/*' -d features".encode() in held["README.txt"]
    assert json.loads(held["story.json"])["moments"][0]["code"] == "INITIATED"


async def test_the_same_order_gives_the_same_bytes() -> None:
    assert await exported(shown(), told()) == await exported(shown(), told())


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "not there"),
        (Unavailable("storage-unavailable", "away"), "did not answer"),
        (b"a photo of a ring", "could not be told"),
        (MODEL + bytes(2000), "larger than 1000 bytes"),
    ],
)
async def test_a_model_that_cannot_be_had_is_named_and_a_fixture_stands_in(body: Any, why: str) -> None:
    held = files(await exported(shown(), told(), body))
    assert not [name for name in held if name.endswith(".stl")]
    assert why in held["README.txt"].decode()
    assert b"| plain ring" in held[f"shipping/{NAME}.en.feature"]


async def test_models_are_bounded_together_and_one_that_is_used_twice_is_there_once() -> None:
    other = line(file_id=str(UUID(int=2)))
    both = shown(lines=[line(), line(), other])
    assert len([name for name in files(await exported(both, told(), MODEL, MODEL)) if name.endswith(".stl")]) == 2
    held = files(await exported(both, told(), MODEL, MODEL, bytes_max=len(MODEL) + 1))
    assert [name for name in held if name.endswith(".stl")] == [f"shipping/{NAME}-1.stl"]
    assert "model 2" in held["README.txt"].decode()


def with_canaries() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """An order, its timeline and quotes with a canary in every text that a person, or another service, wrote."""
    bird = f"{CANARY}-"
    road = [(status, f"seller {bird}1" if number % 2 else f"operator {bird}2", f"{bird}3") for number, (status, _) in
            enumerate(until("MANUFACTURING_STARTED"))]  # fmt: skip
    order = shown(
        *road,
        number=f"A-{bird}4",
        partner_reference=f"{bird}5",
        channel="partner",
        reason=f"{bird}6",
        customer={
            "id": f"{bird}7",
            "name": f"{bird}8",
            "email": f"{bird}9@x.org",
            "phone": f"{bird}10",
            "language": "en",
        },
        delivery=dict.fromkeys(("recipient", "address", "city", "postcode", "country"), f"{bird}11"),
        lines=[
            line(title=f"{bird}12", ring_size=f"17.5 {bird}", material=f"gold {bird}13", line_id=f"{bird}14"),
            line(kind="ready_made", file_id=None, sku=f"ring-{bird}15", title=f"{bird}16"),
        ],
        decision={
            "kind": "approved",
            "seller_id": f"{bird}17",
            "seller_name": f"{bird}18",
            "at": at(4),
            "reason": f"{bird}19",
        },
        letters=[
            {"letter_id": f"{bird}20", "side": "seller", "author": f"{bird}21", "text": f"{bird}22", "at": at(3.1)},
            {"letter_id": f"{bird}23", "side": "customer", "author": f"{bird}24", "text": f"{bird}25", "at": at(3.2)},
            {"letter_id": f"{bird}26", "side": "seller", "author": f"{bird}27", "text": f"{bird}28", "at": at(6)},
        ],
        carrier_events=[
            {"carrier": f"{bird}29", "tracking_number": f"{bird}30", "event": f"{bird}31", "received_at": at(6)},
            {"carrier": f"{bird}32", "tracking_number": f"{bird}33", "event": "delivered", "received_at": at(7)},
        ],
        shipments=[{"carrier": f"{bird}34", "tracking_number": f"{bird}35"}],
        consent={"reasons": [f"{bird}36", "metal_moved"], "agreed_total": {"amount": f"{bird}37", "currency": "RUB"}},
        cancellation_requested=True,
    )
    heard = told(
        entry("orchestrator", 8, title=f"seller {bird}38 wants to cancel; MES decides", note="cancellation_requested",
              reason=f"{bird}39"),
        entry("orchestrator", 8, title=f"{bird}40", note=f"{bird}41", actor=f"{bird}42"),
        entry("orchestrator", 8, title=f"{bird}43", note="resent", actor=f"{bird}44"),
        entry("orchestrator", 8, title=f"{bird}45", note="handed_over", held_by_before=f"{bird}46"),
        trouble("mes", "parked", "orchestrator.release_work_orders.v1", error=f"{bird}47", title=f"{bird}48", id=f"{bird}49"),
        trouble(f"{bird}50", "dead", f"{bird}51", source=f"{bird}52") | {"trace_id": f"{bird}53"},
        entry("mes", 8, box=f"{bird}54", state=f"{bird}55", type=f"{bird}56"),
        sent("mes.work_order_claimed.v1", 5),
        silent=("mes", f"{bird}57"),
    )  # fmt: skip
    heard["entries"][4]["details"]["attempts"] = f"{bird}58"
    made = {
        QUOTE: quotes(unit=f"{bird}59", plating=f"{bird}60", stones={f"{bird}61": 3}, remade_because=[f"{bird}62"])[
            QUOTE
        ]
    }
    return order, heard, made


def every_text(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from (*every_text(name), *every_text(part))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from every_text(part)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("model", [MODEL, TEXT_MODEL], ids=["binary", "text"])
async def test_no_word_of_anybody_is_in_any_byte_of_the_archive(model: bytes) -> None:
    order, heard, made = with_canaries()
    birds = [text for part in (order, heard, made) for text in every_text(part) if CANARY in text]
    assert len(birds) > 70, "the canaries are not where they should be"
    for hangs in (True, False):
        archive = await exported(order, heard, model, quotes=made, hangs=hangs, silent_steps=(f"{CANARY} step",))
        held = files(archive)
        assert any(name.endswith(".stl") for name in held)
        for name, body in {"": archive.content, **held}.items():
            for words in (CANARY, CANARY.lower(), CANARY.upper()):
                assert words.encode() not in body and words not in name, f"{words} is in {name or 'the archive'}"
            assert order["order_id"].encode() not in body and order["number"].encode() not in body
            assert str(FILE).encode() not in body and QUOTE.encode() not in body


async def test_nobody_is_told_apart_by_more_than_a_number() -> None:
    order, heard, made = with_canaries()
    story = json.loads(files(await exported(order, heard, quotes=made))["story.json"])
    assert {moment["who"].partition(" ")[0] for moment in story["moments"]} <= {"", "customer", "seller", "operator"}


async def test_what_was_seen_and_has_no_step_is_never_dropped() -> None:
    order, heard, made = with_canaries()
    feature = next(body for name, body in files(await exported(order, heard, quotes=made, hangs=True)).items()
                   if name.endswith(".en.feature")).decode()  # fmt: skip
    for seen in ("plated", "stones", "carrier said something else", "noted resent", "a material that scenarios have no word",
                 "none that scenarios have a word for", "message ? was dead", "was parked"):  # fmt: skip
        assert seen in feature, seen
