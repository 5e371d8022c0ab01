"""The measurements of pricing: their arithmetic and their lines, without a system."""

from __future__ import annotations

from itertools import pairwise

import pytest

from perf import fairness, firm_price, pricing_scale

WORKER = {
    "Config": {
        "Env": ["A=1", "B=2"],
        "Image": "alexandrite/system:1",
        "Cmd": ["python3", "-m", "system.pricing", "work"],
    },
    "HostConfig": {
        "Binds": ["/secrets:/run/alexandrite:ro"],
        "Tmpfs": {"/tmp": "size=600m"},
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "Memory": 1 << 31,
        "CpuShares": 128,
        "ReadonlyRootfs": True,
    },
    "NetworkSettings": {"Networks": {"shining_default": {}}},
}


@pytest.mark.parametrize(
    ("flooded_s", "line"),
    [
        ([3.0, 3.5, 9.0], "fairness: solo_s=2.00 flooded_s=3.50 ratio=1.75 rounds=3 met"),
        ([3.0, 4.0, 9.0], "fairness: solo_s=2.00 flooded_s=4.00 ratio=2.00 rounds=3 MISSED"),
    ],
    ids=["in-time", "twice-as-long"],
)
def test_the_shop_waits_less_than_twice_as_long(flooded_s: list[float], line: str) -> None:
    assert fairness.judged([1.0, 2.0, 5.0], flooded_s) == (line, line.endswith(" met"))


@pytest.mark.parametrize(
    ("alone_s", "many_s", "again_ms", "line"),
    [
        ([3.0], [60.0, 9.0], [200.0], "firm_price: alone_p95_s=3.00 met all_2_s=60.0 met again_p95_ms=200 met"),
        ([3.1], [60.0, 9.0], [200.0], "firm_price: alone_p95_s=3.10 MISSED all_2_s=60.0 met again_p95_ms=200 met"),
        ([3.0], [60.1, 9.0], [200.0], "firm_price: alone_p95_s=3.00 met all_2_s=60.1 MISSED again_p95_ms=200 met"),
        ([3.0], [60.0, 9.0], [201.0], "firm_price: alone_p95_s=3.00 met all_2_s=60.0 met again_p95_ms=201 MISSED"),
    ],
    ids=["all-met", "alone", "twenty", "again"],
)
def test_each_bar_of_the_firm_price_can_be_missed(
    alone_s: list[float], many_s: list[float], again_ms: list[float], line: str
) -> None:
    assert firm_price.judged(alone_s, many_s, again_ms) == (line, "MISSED" not in line)


def test_what_workers_price_is_told_beside_what_one_does() -> None:
    line, met = pricing_scale.told({1: 1000.0, 2: 1900.0, 4: 1850.0})
    assert (line, met) == ("pricing_scale: 1=1000/h x1.00 2=1900/h x1.90 4=1850/h x1.85 met", True)
    assert not pricing_scale.told({1: 1000.0, 2: 900.0})[1]


def test_a_worker_of_other_bounds_is_like_the_systems_own() -> None:
    words = pricing_scale.created("other", WORKER, {"MIN": 4, "MAX": 4})
    assert words[:3] == ["create", "--name", "other"]
    assert words[-5:] == ["alexandrite/system:1", "python3", "-m", "system.pricing", "work"]
    given = list(pairwise(words))
    for pair in (
        ("--env", "A=1"),
        ("--env", "ALEXANDRITE_PRICING_WORKERS_MAX=4"),
        ("--volume", "/secrets:/run/alexandrite:ro"),
        ("--tmpfs", "/tmp:size=600m"),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges:true"),
        ("--network", "shining_default"),
        ("--memory", str(1 << 31)),
    ):
        assert pair in given
    assert "--read-only" in words
