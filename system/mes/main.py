"""Wires MES: the only place that knows everything."""

from __future__ import annotations

from system.mes.adapters.loss_queries import LossQueries
from system.mes.adapters.queries import MesQueries
from system.mes.adapters.rate_queries import RateQueries
from system.mes.adapters.unit_of_work import MesUnitOfWork
from system.mes.application import reactions
from system.mes.entrypoints import api, losses_api, losses_pages, pages, rates_api, rates_pages, timers
from system.mes.settings import MesSettings
from system.messages.orchestrator_v1 import OrderChanged, ReleaseWorkOrders, WithdrawWorkOrders
from system.plumbing.metrics import GaugeQuery
from system.plumbing.runtime import Service


def service(settings: MesSettings | None = None) -> Service:
    """MES, ready to serve."""
    settings = settings or MesSettings()
    shown = pages.pages_of(settings)
    mes = Service(
        settings,
        routers=[api.router, losses_api.router, rates_api.router, api.internal],
        pages=[shown.router(), pages.router, losses_pages.router, rates_pages.router],
        unit_of_work=MesUnitOfWork,
        reactions={
            ReleaseWorkOrders: reactions.on_release_work_orders,
            WithdrawWorkOrders: reactions.on_withdraw_work_orders,
            OrderChanged: reactions.on_order_changed,
        },
        timers=[timers.lapses(lambda: mes.app.state.queries, settings.terms, every_s=settings.lapses_every_s)],
        gauges=_gauges(settings.claim_budget_s),
        description="The operators' side of production: the board of work orders, claims, and the pay ledger.",
    )
    shown.install(mes.app)
    queries = MesQueries(mes.engine, terms=settings.terms, currency=settings.pay_currency)
    mes.app.state.queries = queries
    mes.app.state.rate_queries = RateQueries(mes.engine, currency=settings.pay_currency)
    mes.app.state.loss_queries = LossQueries(mes.engine)
    mes.app.state.tally = pages.Tally(queries)
    mes.app.state.watch = pages.watch_of(queries, shown)
    mes.app.state.met = {}
    return mes


_ESCALATED = """
SELECT count(*) AS value FROM work_order
WHERE state = 'RELEASED' AND released_at < clock_timestamp() - make_interval(secs => BUDGET_S)
"""


def _gauges(claim_budget_s: int) -> tuple[GaugeQuery, ...]:
    return (
        GaugeQuery(
            "alexandrite_mes_work_orders",
            "Work orders that can be worked on, by state.",
            ("state",),
            "SELECT 'RELEASED' AS state, count(*) AS value FROM work_order WHERE state = 'RELEASED' UNION ALL"
            " SELECT state, count(*) FROM work_order WHERE state IN ('CLAIMED', 'COMPLETED', 'PACKING') GROUP BY state",
        ),
        GaugeQuery(
            "alexandrite_mes_work_orders_escalated",
            "Work orders that nobody took within the claim budget.",
            (),
            _ESCALATED.replace("BUDGET_S", str(claim_budget_s)),
        ),
    )
