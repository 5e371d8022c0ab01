"""Whoever sends by machine says a key: one for spans and log lines, one for alerts. Neither opens anything else."""

from __future__ import annotations

import secrets
from typing import Any, Literal

from fastapi import Depends, Request

from system.observability.settings import ObservabilitySettings
from system.plumbing.auth import Unauthenticated


def key_required(name: Literal["otlp_key", "alerts_key"]) -> Any:
    """A dependency: whoever says this key. Without a key in the settings nobody is let in."""

    async def policy(request: Request) -> None:
        settings: ObservabilitySettings = request.app.state.settings
        key: str = getattr(settings, name).get_secret_value()
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        is_known = bool(key) and secrets.compare_digest(said.strip().encode(), key.encode())
        if scheme.lower() != "bearer" or not is_known:
            raise Unauthenticated("key-required", "Say the key: Authorization: Bearer <key>.")

    policy.is_policy = True  # type: ignore[attr-defined]
    return Depends(policy)
