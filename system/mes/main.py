"""Wires MES: the only place that knows everything."""

from __future__ import annotations

from functools import partial

from system.mes.adapters.board_lists import KEPT_S, BoardLists
from system.mes.adapters.flow_queries import FlowQueries
from system.mes.adapters.loss_queries import LossQueries
from system.mes.adapters.pricing import HttpCalculations
from system.mes.adapters.queries import MesQueries
from system.mes.adapters.rate_queries import RateQueries
from system.mes.adapters.unit_of_work import MesUnitOfWork
from system.mes.application import reactions
from system.mes.application.shift import Shift
from system.mes.entrypoints import (
    api,
    board,
    losses_api,
    losses_pages,
    pages,
    people,
    rates_api,
    rates_pages,
    shift,
    shift_api,
    timers,
)
from system.mes.settings import MesSettings
from system.messages.orchestrator_v1 import OrderChanged, ReleaseWorkOrders, WithdrawWorkOrders
from system.plumbing.aside import Aside
from system.plumbing.metrics import GaugeQuery
from system.plumbing.runtime import Service
from system.plumbing.sparing import Seldom


def service(settings: MesSettings | None = None) -> Service:
    """MES, ready to serve."""
    settings = settings or MesSettings()
    shown = pages.pages_of(settings)
    aside = Aside(settings, lifetime_s=KEPT_S)
    mes = Service(
        settings,
        routers=[api.router, losses_api.router, rates_api.router, shift_api.router, api.internal, people.router],
        pages=[shown.router(), board.router, pages.router, losses_pages.router, rates_pages.router, shift.router],
        unit_of_work=partial(MesUnitOfWork, on_changed=aside.changed),
        reactions={
            ReleaseWorkOrders: reactions.on_release_work_orders,
            WithdrawWorkOrders: reactions.on_withdraw_work_orders,
            OrderChanged: reactions.on_order_changed,
        },
        timers=[timers.lapses(lambda: mes.app.state.queries, settings.terms, every_s=settings.lapses_every_s)],
        on_stop=[lambda _: aside.close()],
        gauges=_gauges(settings.claim_budget_s),
        description="The operators' side of production: the board of work orders, claims, and the pay ledger.",
    )
    shown.install(mes.app)
    queries = MesQueries(mes.engine, terms=settings.terms, currency=settings.pay_currency)
    mes.app.state.queries = queries
    mes.app.state.rate_queries = RateQueries(mes.engine, currency=settings.pay_currency)
    mes.app.state.loss_queries = LossQueries(mes.engine)
    lists = BoardLists(queries, aside)
    mes.app.state.lists = lists
    mes.app.state.rows = board.Rows(shown)
    mes.app.state.tally = board.Tally(lists.counts, board.COUNTED_EVERY_S)
    mes.app.state.watch = board.watch_of(queries, shown)
    mes.app.state.shift = Shift(
        FlowQueries(mes.engine),
        HttpCalculations(mes.client),
        outlook=settings.outlook,
        terms=settings.terms,
        zone=shown.zone,
    )
    mes.app.state.met = Seldom(api.MEETING_EVERY_S)
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
        GaugeQuery(
            "alexandrite_mes_work_orders_late",
            "Unfinished work orders whose promise has passed, by state.",
            ("state",),
            "SELECT state, count(*) AS value FROM work_order"
            " WHERE state IN ('RELEASED', 'CLAIMED', 'COMPLETED', 'PACKING') AND promise_at < clock_timestamp() GROUP BY state",
        ),
    )
