"""Where the system is, and where a judge finds the secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from step_defs.drivers.address import SystemAddress, secret


def test_travels_to_another_process() -> None:
    address = SystemAddress(url="u", ca_file="c", demo_password="d", carrier_secret="s", project="p")
    assert SystemAddress.from_dict(address.to_dict()) == address


def test_a_variable_wins_over_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secrets" / "crm").mkdir(parents=True)
    (tmp_path / "secrets" / "crm" / "alexandrite_carrier_secret").write_text("from the file\n")
    monkeypatch.delenv("ALEXANDRITE_CARRIER_SECRET", raising=False)
    assert secret("carrier_secret", ("mes", "crm"), state=tmp_path) == "from the file"
    monkeypatch.setenv("ALEXANDRITE_CARRIER_SECRET", "from the variable")
    assert secret("carrier_secret", ("mes", "crm"), state=tmp_path) == "from the variable"


def test_a_missing_secret_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALEXANDRITE_DEMO_PASSWORD", raising=False)
    with pytest.raises(FileNotFoundError, match="set ALEXANDRITE_DEMO_PASSWORD"):
        secret("demo_password", ("identity",), state=tmp_path)


def test_the_ring_is_named_by_a_variable_and_by_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEMO_PASSWORD", "CARRIER_SECRET", "BROKER_PASSWORD"):
        monkeypatch.setenv(f"ALEXANDRITE_{name}", "x")
    monkeypatch.setenv("ALEXANDRITE_RING", "only the pipeline knows")
    assert SystemAddress.deployed("https://gateway.example").ring == "only the pipeline knows"
    monkeypatch.delenv("ALEXANDRITE_RING")
    assert SystemAddress.deployed("https://gateway.example").ring == ""
