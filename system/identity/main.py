"""Wires identity: the only place that knows everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from system.identity.adapters.erasures import HttpPeers, OwnAccount
from system.identity.adapters.passwords import Argon2Hashing, BoundedPasswords
from system.identity.adapters.queries import IdentityQueries
from system.identity.adapters.tokens import RedisRevokedSessions, SignedAccessTokens
from system.identity.adapters.unit_of_work import SqlIdentityUnitOfWork
from system.identity.application import handlers
from system.identity.application.erasures import ErasureTools, work_off
from system.identity.application.handlers import Tools
from system.identity.entrypoints import (
    account_pages,
    api,
    badge_api,
    badge_pages,
    cli,
    forgotten,
    leaving,
    notices,
    pages,
    people,
    people_badges,
)
from system.identity.settings import IdentitySettings
from system.plumbing.mail.delivery import MAIL_GAUGES
from system.plumbing.mail.sealing import Seal
from system.plumbing.mail.worker import send_letters
from system.plumbing.metrics import GaugeQuery
from system.plumbing.runtime import Service
from system.plumbing.timers import Timer


def service(settings: IdentitySettings | None = None) -> Service:
    """Identity, ready to serve."""
    settings = settings or IdentitySettings()
    shown = pages.pages_of(settings)
    seal = Seal(settings.signing_key)
    letters = notices.letters_of(shown, seal, public_url=settings.public_url)

    async def write_to_owners(process: Service) -> None:
        await send_letters(process, letters, settings)

    identity = Service(
        settings,
        routers=[api.router, api.internal, forgotten.api, badge_api.router, leaving.router],
        pages=[
            shown.router(),
            pages.router,
            account_pages.router,
            forgotten.router,
            leaving.pages,
            badge_pages.router,
            people_badges.router,
            people.router,
        ],
        unit_of_work=SqlIdentityUnitOfWork,
        timers=[_prune_timer(settings), _erasure_timer(settings, lambda: identity.app.state.leaving.tools)],
        gauges=[*MAIL_GAUGES, *_GAUGES],
        background=[write_to_owners] if "timer" in settings.role_names else [],
        description="Who somebody is and what they may do: accounts, sign-in, sessions, roles.",
    )
    shown.install(identity.app)
    identity.app.state.tools = _tools(identity, settings, seal)
    identity.app.state.queries = IdentityQueries(identity.engine)
    identity.app.state.leaving = leaving.Leaving(
        ErasureTools(identity.app.state.tools, HttpPeers(identity.client), settings.erasure_terms),
        OwnAccount(identity.engine),
    )
    return identity


def seed(_: list[str]) -> int:
    """The command `seed`: makes the demo staff."""
    settings = IdentitySettings()
    return asyncio.run(_seed(service(settings), settings))


async def _seed(identity: Service, settings: IdentitySettings) -> int:
    try:
        return await cli.seed(
            identity.app.state.tools,
            environment=settings.environment,
            password=settings.demo_password.get_secret_value(),
        )
    finally:
        await identity.engine.dispose()


def _tools(identity: Service, settings: IdentitySettings, seal: Seal) -> Tools:
    hashing = Argon2Hashing(
        time_cost=settings.hashing_time_cost, memory_kib=settings.hashing_memory_kib, lanes=settings.hashing_lanes
    )
    return Tools(
        begin=identity.make_uow,
        passwords=BoundedPasswords(hashing, at_once=settings.hashing_at_once, waiting_max=settings.hashing_waiting_max),
        tokens=SignedAccessTokens(identity.app.state.tokens),
        revoked=RedisRevokedSessions(identity.app.state.revocations),
        session_terms=settings.session_terms,
        throttle_terms=settings.throttle_terms,
        badge_terms=settings.badge_terms,
        reset_terms=settings.reset_terms,
        seal=seal,
        reset_answer_s=settings.password_reset_answer_s,
    )


def _prune_timer(settings: IdentitySettings) -> Timer:
    async def tick(make_uow: Callable[[], Any], buckets: frozenset[int]) -> int:
        # One process is enough: whoever leases the first bucket.
        if 0 not in buckets:
            return 0
        await handlers.prune(
            make_uow,
            ended_kept=timedelta(seconds=settings.ended_sessions_kept_s),
            failures_kept=settings.throttle_terms.forget_after,
        )
        return 0

    return Timer("prune", settings.prune_every_s, tick)


def _erasure_timer(settings: IdentitySettings, tools: Callable[[], ErasureTools]) -> Timer:
    async def tick(_: Callable[[], Any], buckets: frozenset[int]) -> int:
        return await work_off(tools()) if 0 in buckets else 0

    return Timer("erasures", settings.erasure_every_s, tick)


_GAUGES = (
    GaugeQuery(
        "alexandrite_identity_sessions",
        "Sessions that are neither over nor ended, by how they began.",
        ("by",),
        "SELECT CASE WHEN badge_id IS NULL THEN 'password' ELSE 'badge' END AS by, count(*) AS value FROM session"
        " WHERE revoked_at IS NULL AND expires_at > clock_timestamp() GROUP BY 1",
        every_s=60,
    ),
    GaugeQuery(
        "alexandrite_identity_erasures_open",
        "People whose data is on its way out of the services.",
        (),
        "SELECT count(*) AS value FROM erasure WHERE finished_at IS NULL",
    ),
    GaugeQuery(
        "alexandrite_identity_erasure_oldest_seconds",
        "How long ago the first of them asked for it.",
        (),
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(requested_at)), 0) AS value"
        " FROM erasure WHERE finished_at IS NULL",
    ),
)
