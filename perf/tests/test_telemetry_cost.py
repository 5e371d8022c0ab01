"""The figure of what telemetry costs: what is printed, when it misses, and what twins differ in."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from perf import telemetry_cost
from perf.telemetry_cost import AGAIN, OFF, ON, Served, told


def rounds_with(on: float, again: float = 1.0, *, cpu: float = 1.0) -> list[dict[str, Served]]:
    """Five rounds on a machine that gets slower; the ratios stay."""
    return [
        {OFF: Served(speed, 5.0), ON: Served(speed * on, 5.0 * cpu), AGAIN: Served(speed * again, 5.0)}
        for speed in (100.0, 80.0, 60.0, 120.0, 90.0)
    ]


@pytest.mark.parametrize(("on", "status", "said"), [(0.95, 0, "met"), (0.9, 0, "met"), (0.89, 1, "MISSED")])
def test_a_tenth_is_what_it_may_cost(on: float, status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(rounds_with(on, again=1.02, cpu=1.07)) == status
    printed = capsys.readouterr().out
    assert said in printed.splitlines()[-1]
    assert "1.020" in printed and "1.070" in printed


@pytest.mark.parametrize("rounds", [[], rounds_with(1.0)[:1], rounds_with(0.0)])
def test_silence_is_no_success(rounds: list[dict[str, Served]], capsys: pytest.CaptureFixture[str]) -> None:
    assert told(rounds) == 2
    assert "too few" in capsys.readouterr().out


def test_twins_differ_in_telemetry_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model = {
        "Config": {"Env": ["ALEXANDRITE_SERVICE=shop", "ALEXANDRITE_ROLES=api,relay"], "Cmd": ["serve"]},
        "Image": "sha256:1",
        "Mounts": [{"Source": "/secrets/shop", "Destination": "/run/alexandrite"}],
        "NetworkSettings": {"Networks": {"net": {}}},
    }
    environments: list[dict[str, str]] = []

    def docker(*words: str) -> Any:
        if words[0] == "run":
            with open(words[words.index("--env-file") + 1]) as file:
                environments.append(dict(line.strip().split("=", 1) for line in file))
            assert "--volume=/secrets/shop:/run/alexandrite:ro" in words
            assert words[-2:] == ("sha256:1", "serve")
        return subprocess.CompletedProcess(words, 0, "127.0.0.1:4711" if words[0] == "port" else "", "")

    monkeypatch.setattr(telemetry_cost, "_docker", docker)
    for kind, differing in telemetry_cost.TWINS.items():
        assert telemetry_cost._started(model, kind, kind, differing).url == "http://127.0.0.1:4711"
    off, on, again = environments
    assert off == again
    assert {key for key in on if on[key] != off[key]} == {"ALEXANDRITE_TRACING", "ALEXANDRITE_OTLP_ENDPOINT"}
    assert on["ALEXANDRITE_OTLP_ENDPOINT"] and on["ALEXANDRITE_ROLES"] == "api"
