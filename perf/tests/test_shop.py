"""The shop's pages: what the figures mean, and what is read out of Lighthouse's report."""

from __future__ import annotations

from typing import Any

import pytest

from perf import lighthouse
from perf.making import Seen, judged
from perf.shop import PARTS, parsed
from perf.weighing import Weight


def report(**other: Any) -> dict[str, Any]:
    audits = {"speed": {"score": 0.5, "displayValue": "3 s"}, "image-alt": {"score": 1}, "told": {"score": None}}
    refs = [{"id": "speed", "weight": 10}, {"id": "image-alt", "weight": 3}, {"id": "told", "weight": 0}]
    categories = {name: {"score": 0.93, "auditRefs": refs} for name in lighthouse.CATEGORIES}
    return {"requestedUrl": "https://shop.example/", "audits": audits, "categories": categories} | other


def test_points_are_of_a_hundred_and_what_cost_them_is_told() -> None:
    told = lighthouse.judgement_of(report())
    assert told.points == dict.fromkeys(lighthouse.CATEGORIES, 93.0)
    assert told.faults["performance"] == ("speed (3 s)",)


def test_a_page_that_did_not_load_is_not_judged() -> None:
    with pytest.raises(lighthouse.NotJudged, match="ERRORED_DOCUMENT_REQUEST"):
        lighthouse.judgement_of(report(runtimeError={"code": "ERRORED_DOCUMENT_REQUEST"}))


def test_a_category_without_points_is_not_judged() -> None:
    told = report()
    told["categories"]["seo"]["score"] = None
    with pytest.raises(lighthouse.NotJudged, match="no points for seo"):
        lighthouse.judgement_of(told)


def test_the_slowest_but_one_of_twenty_counts() -> None:
    findings = judged([Seen(1.0, 2.0, 4.0)] * 19 + [Seen(9.0, 9.0, 99.0)])
    assert findings.met
    assert findings.figures["firm_p95_s"] == 4.0


@pytest.mark.parametrize(
    ("slow", "missed"),
    [
        (Seen(3.1, 4.0, 5.0), "1 M triangles: seen in 3D after, p95"),
        (Seen(1.0, 5.1, 6.0), "1 M triangles: estimate on the screen after, p95"),
        (Seen(1.0, 4.0, 15.1), "1 M triangles: firm price on the screen after, p95"),
    ],
)
def test_each_bar_can_be_missed(slow: Seen, missed: str) -> None:
    assert [bar.name for bar in judged([slow] * 20).bars if not bar.met] == [missed]


def test_a_weight_without_pictures_has_everything_else() -> None:
    weight = Weight()
    weight.by_kind.update({"Document": 10, "Stylesheet": 5, "Image": 100})
    assert weight.without("Image") == 15
    assert weight.without() == 115


def test_parts_are_measured_in_their_order() -> None:
    assert parsed(["--part", "viewer", "--part", "catalogue"]).part == ["catalogue", "viewer"]
    assert parsed([]).part == list(PARTS)
