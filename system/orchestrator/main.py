"""The only place that wires the orchestrator."""

from __future__ import annotations

from functools import partial

from system.orchestrator.adapters.payments import PaymentOutside
from system.orchestrator.adapters.peers import HttpPeers
from system.orchestrator.adapters.queries import GAUGES, OrderQueries
from system.orchestrator.adapters.unit_of_work import OrchestratorUnitOfWork
from system.orchestrator.application.desk import Desk
from system.orchestrator.application.reactions import Reactions
from system.orchestrator.entrypoints import api, pages, people
from system.orchestrator.entrypoints.timers import saga_timer
from system.orchestrator.settings import OrchestratorSettings
from system.plumbing.runtime import Service


def service(settings: OrchestratorSettings | None = None) -> Service:
    """The orchestrator: its messages are gated by sequence, because it alone decides in which order things happened."""
    settings = settings or OrchestratorSettings()
    policy = settings.policy()
    desk = Desk(policy, PaymentOutside())
    shown = pages.pages_of(settings)
    built = Service(
        settings,
        routers=[*api.routes(), people.router],
        pages=[shown.router(), pages.router],
        unit_of_work=partial(OrchestratorUnitOfWork, policy=policy),
        reactions=Reactions(desk).by_message(),
        gated=True,
        timers=[saga_timer(lambda: queries, desk, every_s=settings.timer_every_s)],
        gauges=GAUGES,
        description="Decides the status of every order, runs its saga, tells its story.",
    )
    shown.install(built.app)
    queries = OrderQueries(built.engine)
    built.app.state.desks = api.Desks(desk=desk, queries=queries, peers=HttpPeers(built.client), settings=settings)
    return built
