"""Wires CRM: the only place that knows everything."""

from __future__ import annotations

from system.crm.adapters.care_queries import CareQueries
from system.crm.adapters.cases import CaseQueries
from system.crm.adapters.customers import CustomerQueries
from system.crm.adapters.letters_to_tell import LettersToTell
from system.crm.adapters.models import HttpModels
from system.crm.adapters.orchestrator import HttpOrchestrator
from system.crm.adapters.people import PeopleQueries
from system.crm.adapters.pricing import HttpQuotes
from system.crm.adapters.queries import CrmQueries
from system.crm.adapters.shop import HttpShop
from system.crm.adapters.unit_of_work import CrmUnitOfWork
from system.crm.application import reactions
from system.crm.domain.webhook import secret_bytes
from system.crm.entrypoints import (
    api,
    care_api,
    care_pages,
    carriers,
    case_api,
    case_pages,
    exporting,
    pages,
    people,
    timers,
)
from system.crm.settings import CrmSettings
from system.messages.orchestrator_v1 import OrderChanged
from system.messages.shop_v1 import OrderSubmitted
from system.plumbing.metrics import GaugeQuery
from system.plumbing.runtime import Service
from system.plumbing.sparing import Seldom


def service(settings: CrmSettings | None = None) -> Service:
    """CRM, ready to serve; it refuses to start without the carriers' secret."""
    settings = settings or CrmSettings()
    shown = pages.pages_of(settings)
    crm = Service(
        settings,
        routers=[
            api.router,
            care_api.router,
            case_api.router,
            exporting.router,
            carriers.router,
            api.internal,
            people.router,
        ],
        pages=[shown.router(), pages.router, care_pages.router, case_pages.router, exporting.pages],
        unit_of_work=CrmUnitOfWork,
        reactions={
            OrderSubmitted: reactions.on_order_submitted,
            OrderChanged: reactions.on_order_changed,
        },
        timers=[
            timers.escalations(
                lambda: crm.app.state.queries, settings.escalation_terms, every_s=settings.escalations_every_s
            ),
            timers.news(lambda: LettersToTell(crm.engine), lambda: crm.app.state.shop, every_s=settings.news_every_s),
        ],
        gauges=_GAUGES,
        on_start=[_check_secret],
        on_stop=[_close_models],
        description="The sellers' side: approving orders, finding them, closing them, and hearing the carrier.",
    )
    shown.install(crm.app)
    queries = CrmQueries(crm.engine, at_risk_margin_s=settings.at_risk_margin_s)
    care = CareQueries(crm.engine)
    crm.app.state.queries = queries
    crm.app.state.care = care
    cases = CaseQueries(crm.engine, terms=settings.case_terms)
    crm.app.state.cases = cases
    crm.app.state.customers = CustomerQueries(crm.engine, at_risk_margin_s=settings.at_risk_margin_s)
    crm.app.state.people = PeopleQueries(crm.engine)
    crm.app.state.met = Seldom(care_api.MEETING_EVERY_S)
    crm.app.state.watch = pages.watch_of(queries, care, cases, shown)
    crm.app.state.orchestrator = HttpOrchestrator(crm.client)
    crm.app.state.shop = HttpShop(crm.client)
    crm.app.state.quotes = HttpQuotes(crm.client)
    crm.app.state.models = HttpModels(crm.client, timeout_s=settings.export_timeout_s)
    return crm


async def _check_secret(crm: Service) -> None:
    """Raises ValueError when the carriers' secret is missing, or not base64 after its prefix."""
    assert isinstance(crm.settings, CrmSettings)
    secret_bytes(crm.settings.carrier_secret.get_secret_value())


async def _close_models(crm: Service) -> None:
    await crm.app.state.models.close()


_GAUGES = (
    GaugeQuery(
        "alexandrite_crm_approvals_waiting",
        "Orders that wait for a seller's decision.",
        (),
        "SELECT count(*) AS value FROM sales_order"
        " WHERE status = 'PRICE_CALCULATED' AND decision IS NULL AND submitted_at IS NOT NULL",
    ),
    GaugeQuery(
        "alexandrite_crm_approvals_overdue",
        "Orders that waited for a seller's decision beyond their deadline.",
        (),
        "SELECT count(*) AS value FROM sales_order WHERE status = 'PRICE_CALCULATED' AND decision IS NULL"
        " AND submitted_at IS NOT NULL AND due_at < clock_timestamp()",
    ),
    GaugeQuery(
        "alexandrite_crm_approvals_escalated",
        "Orders that wait for a seller's decision and that were escalated, and whether a seller took them.",
        ("level", "taken"),
        "SELECT escalation AS level, CASE WHEN taken_by IS NULL THEN 'no' ELSE 'yes' END AS taken, count(*) AS value"
        " FROM sales_order WHERE status = 'PRICE_CALCULATED' AND decision IS NULL AND submitted_at IS NOT NULL"
        " AND escalated_wait = status_since GROUP BY 1, 2",
    ),
    GaugeQuery(
        "alexandrite_crm_cases_waiting",
        "Returns and complaints that wait for our word, and whether they do so for longer than they may.",
        ("overdue",),
        "SELECT CASE WHEN due_at < clock_timestamp() THEN 'yes' ELSE 'no' END AS overdue, count(*) AS value"
        " FROM care_case WHERE state = 'open' GROUP BY 1",
    ),
    GaugeQuery(
        "alexandrite_crm_deliveries_unmatched",
        "Parcels that a carrier delivered in the last two weeks and that no shipment of ours names.",
        (),
        "SELECT count(DISTINCT (e.carrier_key, e.tracking_key)) AS value FROM carrier_event e WHERE e.event = 'delivered'"
        " AND e.received_at > clock_timestamp() - interval '14 days'"
        " AND NOT EXISTS (SELECT FROM shipment s WHERE s.carrier_key = e.carrier_key AND s.tracking_key = e.tracking_key)",
    ),
)
