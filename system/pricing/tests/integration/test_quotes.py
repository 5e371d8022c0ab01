"""Quotes over HTTP on a real database: who may ask, what they get, and that asking twice costs once."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import uuid4

import numpy as np
import pytest

from fixtures.models3d import model, shapes, writers
from system.pricing.adapters.kept_findings import POINTS_KEPT
from system.pricing.tests.integration.conftest import Pricing, eventually

pytestmark = pytest.mark.integration
GOLD = {"material": "gold_585", "quantity": 1}


async def test_custom_quote_is_estimated_and_then_firm(working: Pricing) -> None:
    anna = uuid4()
    file_id = working.storage.upload(working.fresh_model("inside-out-ring"), anna)
    answer = await working.ask(anna, {"file_id": str(file_id), **GOLD})
    assert answer.status_code == 202
    assert answer.json()["status"] == "QUEUED"
    quote = await working.finished(answer.json()["quote_id"], anna)
    assert quote["status"] == "READY"
    assert quote["weight_g"] == "2.62"
    assert Decimal(quote["total"]["amount"]) > Decimal(quote["estimate"]["amount"]) * Decimal("1.05")
    assert [found["code"] for found in quote["mesh"]["disclosures"]] == ["facets-turned"]
    assert quote["breakdown"]["unit_price"] == quote["total"]["amount"]
    assert quote["price_book_version"] >= 1


async def test_same_geometry_and_options_again_are_priced_at_once(working: Pricing) -> None:
    anna = uuid4()
    body = working.fresh_model()
    first = await working.ask(anna, {"file_id": str(working.storage.upload(body, anna)), **GOLD})
    done = await working.finished(first.json()["quote_id"], anna)
    downloads = len(working.storage.asked)
    again = await working.ask(anna, {"file_id": str(working.storage.upload(body, anna)), **GOLD})
    assert again.status_code == 200
    assert again.json()["total"] == done["total"]
    assert again.json()["estimate"] == done["estimate"]
    assert again.json()["quote_id"] != done["quote_id"]
    assert len(working.storage.asked) == downloads


async def test_file_that_cannot_be_measured_fails_with_its_reason(working: Pricing) -> None:
    anna = uuid4()
    body = working.fresh_model("half-open-shell")
    answer = await working.ask(anna, {"file_id": str(working.storage.upload(body, anna)), **GOLD})
    quote = await working.finished(answer.json()["quote_id"], anna)
    assert (quote["status"], quote["problem"]["code"], quote["total"]) == ("FAILED", "mesh-not-closed", None)
    assert quote["estimate"] is not None
    again = await working.ask(anna, {"file_id": str(working.storage.upload(body, anna)), **GOLD})
    assert (again.status_code, again.json()["problem"]["code"]) == (200, "mesh-not-closed")


async def test_walls_are_told_for_a_picture_in_millimetres_and_to_nobody_else(working: Pricing) -> None:
    anna = uuid4()
    file_id = str(working.storage.upload(working.fresh_model("inch-ring"), anna))
    quote_id = (await working.ask(anna, {"file_id": file_id, "unit": "in", **GOLD})).json()["quote_id"]
    quote = await working.finished(quote_id, anna)
    path = f"/api/pricing/v1/quotes/{quote_id}/walls"
    told = (await working.http.get(path, headers=working.token("customer", subject=anna))).json()
    assert 100 <= len(told["points"]) <= POINTS_KEPT
    assert (told["wall_min"], told["wall_reject"], told["tolerance"]) == ("0.8", "0.4", "0.05")
    thick = sorted(point[3] for point in told["points"])
    assert thick[len(thick) // 2] == pytest.approx(float(quote["mesh"]["thickness_mm"]["median"]), rel=0.05)
    assert max(abs(value) for *place, _ in told["points"] for value in place) < 2, "in units of the file"
    assert (await working.http.get(path, headers=working.token("customer", subject=uuid4()))).status_code == 404
    assert (await working.http.get(path, headers=working.token("seller", subject=uuid4()))).status_code == 200


async def test_no_walls_are_told_of_a_model_that_has_none(working: Pricing) -> None:
    anna = uuid4()
    file_id = str(working.storage.upload(working.fresh_model("half-open-shell"), anna))
    quote_id = (await working.ask(anna, {"file_id": file_id, **GOLD})).json()["quote_id"]
    await working.finished(quote_id, anna)
    path = f"/api/pricing/v1/quotes/{quote_id}/walls"
    told = (await working.http.get(path, headers=working.token("customer", subject=anna))).json()
    assert told["points"] == []


async def test_size_is_asked_about_and_the_unit_answers(working: Pricing) -> None:
    anna = uuid4()
    file_id = str(working.storage.upload(working.fresh_model("inch-ring"), anna))
    answer = await working.ask(anna, {"file_id": file_id, **GOLD})
    quote = await working.finished(answer.json()["quote_id"], anna)
    assert (quote["problem"]["code"], quote["estimate"]) == ("size-implausible", None)
    in_inches = await working.ask(anna, {"file_id": file_id, "unit": "in", **GOLD})
    assert in_inches.status_code == 200
    assert in_inches.json()["weight_g"] == "2.62"


async def test_a_file_that_says_its_unit_is_believed_until_somebody_knows_better(working: Pricing) -> None:
    anna = uuid4()
    ring = shapes.torus(17.35, 2.0, segments=64, sides=8) / 25.4 + np.random.default_rng().uniform(-1, 1)
    file_id = str(working.storage.upload(writers.write_3mf(ring, unit="inch"), anna))
    answer = await working.ask(anna, {"file_id": file_id, **GOLD})
    quote = await working.finished(answer.json()["quote_id"], anna)
    assert (quote["status"], quote["unit"], quote["weight_g"]) == ("READY", "in", "2.62")
    assert [found["code"] for found in quote["mesh"]["disclosures"]] == ["unit-of-file"]
    in_mm = await working.ask(anna, {"file_id": file_id, "unit": "mm", **GOLD})
    assert (in_mm.status_code, in_mm.json()["unit"], in_mm.json()["problem"]["code"]) == (200, "mm", "size-implausible")


async def test_stones_and_plating_are_priced(working: Pricing) -> None:
    anna = uuid4()
    file_id = str(working.storage.upload(model("torus-ring").read_bytes(), anna))
    plain = await working.ask(anna, {"file_id": file_id, **GOLD})
    await working.finished(plain.json()["quote_id"], anna)
    rich = await working.ask(anna, {"file_id": file_id, "stones": {"diamond_1_3mm": 4}, "plating": "rhodium", **GOLD})
    parts = rich.json()["breakdown"]["per_piece"]
    assert parts["stones"] == "5974.00"
    assert Decimal(parts["plating"]) > 300


async def test_file_changed_after_its_verification_is_not_priced(working: Pricing) -> None:
    anna = uuid4()
    file_id = working.storage.upload(working.fresh_model(), anna, sha256="0" * 63 + "1")
    answer = await working.ask(anna, {"file_id": str(file_id), **GOLD})
    quote = await working.finished(answer.json()["quote_id"], anna)
    assert quote["problem"]["code"] == "file-unavailable"


async def test_ready_made_good_is_firm_at_once(pricing: Pricing) -> None:
    anna = uuid4()
    answer = await pricing.ask(anna, {"sku": "ring-classic-585", "quantity": 2, "ring_size": "17.5"})
    assert answer.status_code == 200
    quote = answer.json()
    assert (quote["status"], quote["kind"], quote["material"]) == ("READY", "ready_made", "gold_585")
    assert quote["total"] == {"amount": "20900.00", "currency": "RUB"}
    assert quote["valid_until"] is not None


async def test_same_key_fifty_times_makes_one_quote_and_one_job(pricing: Pricing) -> None:
    anna = uuid4()
    file_id = pricing.storage.upload(pricing.fresh_model(), anna)
    body = {"file_id": str(file_id), **GOLD}
    key = str(uuid4())
    answers = await asyncio.gather(*(pricing.ask(anna, body, key=key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["quote_id"] for answer in answers}) == 1
    quote_id = answers[0].json()["quote_id"]
    jobs = await pricing.rows("SELECT id FROM procrastinate_jobs WHERE args ->> 'quote_id' = :id", id=quote_id)
    assert len(jobs) == 1
    assert (await pricing.ask(anna, body | {"quantity": 2}, key=key)).json()["code"] == "idempotency-key-reused"


async def test_job_does_not_exist_without_its_quote(pricing: Pricing) -> None:
    before = len(await pricing.rows("SELECT id FROM procrastinate_jobs"))
    async with pricing.service.make_uow() as uow:
        await uow.jobs.calculate(uuid4(), file_bytes=None, asked_by="customer")
    assert len(await pricing.rows("SELECT id FROM procrastinate_jobs")) == before


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"sku": "ring-of-power"}, 422, "sku-unknown"),
        ({}, 422, "quote-ambiguous"),
        ({"sku": "ring-classic-585", "quantity": 0}, 422, "invalid-request"),
        ({"sku": "ring-classic-585", "ring_size": "medium"}, 422, "ring-size-unknown"),
        ({"sku": "ring-classic-585", "stones": {"diamond_1_3mm": 1}}, 422, "extras-not-for-ready-made"),
        ({"sku": "ring-classic-585", "colour": "red"}, 422, "invalid-request"),
        ({"file_id": str(uuid4()), "material": "gold_585"}, 404, "file-unknown"),
    ],
)
async def test_what_cannot_be_quoted_is_refused(
    pricing: Pricing, body: dict[str, object], status: int, code: str
) -> None:
    answer = await pricing.ask(uuid4(), body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_materials_are_checked_before_anything_is_measured(pricing: Pricing) -> None:
    anna = uuid4()
    file_id = str(pricing.storage.upload(pricing.fresh_model(), anna))
    assert (await pricing.ask(anna, {"file_id": file_id})).json()["code"] == "material-missing"
    assert (await pricing.ask(anna, {"file_id": file_id, "material": "mithril"})).json()["code"] == "material-unknown"
    both = {"file_id": file_id, "sku": "ring-classic-585", "material": "gold_585"}
    assert (await pricing.ask(anna, both)).json()["code"] == "quote-ambiguous"


async def test_unverified_file_is_refused(pricing: Pricing) -> None:
    anna = uuid4()
    file_id = pricing.storage.upload(pricing.fresh_model(), anna, status="PENDING")
    answer = await pricing.ask(anna, {"file_id": str(file_id), **GOLD})
    assert (answer.status_code, answer.json()["code"]) == (409, "file-not-verified")


async def test_refused_file_is_refused_in_the_same_words(pricing: Pricing) -> None:
    anna = uuid4()
    problem = {"code": "not-a-model", "title": "Not a model", "detail": "Upload an STL."}
    file_id = pricing.storage.upload(b"a letter", anna, status="REFUSED", problem=problem)
    answer = await pricing.ask(anna, {"file_id": str(file_id), **GOLD})
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
        409,
        "not-a-model",
        "Upload an STL.",
    )


async def test_files_service_away_is_said_plainly(pricing: Pricing) -> None:
    pricing.storage.away = True
    answer = await pricing.ask(uuid4(), {"file_id": str(uuid4()), **GOLD})
    assert (answer.status_code, answer.json()["code"]) == (503, "files-unavailable")


async def test_file_and_quote_of_another_are_not_there(pricing: Pricing) -> None:
    anna, boris = uuid4(), uuid4()
    file_id = pricing.storage.upload(pricing.fresh_model(), anna)
    assert (await pricing.ask(boris, {"file_id": str(file_id), **GOLD})).status_code == 404
    quote_id = (await pricing.ask(anna, {"sku": "ring-classic-585"})).json()["quote_id"]
    path = f"/api/pricing/v1/quotes/{quote_id}"
    stranger = await pricing.http.get(path, headers=pricing.token("customer", subject=boris))
    assert (stranger.status_code, stranger.json()["code"]) == (404, "quote-unknown")
    assert (await pricing.http.get(path, headers=pricing.token("seller"))).status_code == 200
    assert (await pricing.http.get(path, headers=pricing.token("operator"))).status_code == 403
    assert (await pricing.http.get(path)).status_code == 401


async def test_estimate_is_shown_before_the_check_ends(working: Pricing) -> None:
    """The larger model's check takes long enough to see its estimate first."""
    anna = uuid4()
    file_id = working.storage.upload(working.fresh_model("pave-ring-1m"), anna)
    answer = await working.ask(anna, {"file_id": str(file_id), **GOLD})
    quote_id = answer.json()["quote_id"]

    async def estimated() -> dict[str, object] | None:
        quote = await working.quote(quote_id, anna)
        return quote if quote["estimate"] else None

    seen = await eventually(estimated)
    assert (seen["status"], seen["total"]) == ("ESTIMATED", None)
    assert (await working.finished(quote_id, anna))["status"] == "READY"


async def test_final_quote_is_never_edited(pricing: Pricing) -> None:
    quote_id = (await pricing.ask(uuid4(), {"sku": "ring-classic-585"})).json()["quote_id"]
    with pytest.raises(Exception, match="is not edited"):
        await pricing.rows("UPDATE quote SET total_amount = 1 WHERE quote_id = :id RETURNING 1", id=quote_id)
