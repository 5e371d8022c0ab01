"""Every figure of the system, once: the page draws them, and the dashboards of Grafana are written from them.

A gauge that is read from a database is told by every process of its service alike: of those the highest is taken, never the sum.
"""

from __future__ import annotations

from system.observability.domain.figure import N_, Figure, Query, Section, Unit
from system.observability.domain.figures_beneath import BENEATH

AVAILABILITY_BUDGET = 0.005
"""What share of answers may be errors of ours: the objective is 99.5 %."""

_ORDERS = (
    Figure(
        "orders_open",
        Section.ORDERS,
        N_("Open orders, by status"),
        N_("Orders that have not ended. One status that only grows is where the road is blocked."),
        Unit.COUNT,
        (Query("max by (status) (alexandrite_orders_open)", "{status}"),),
        runbook="OrderPastBudget",
        is_stacked=True,
    ),
    Figure(
        "orders_oldest",
        Section.ORDERS,
        N_("Longest in its status"),
        N_("How long the order that is longest in each status has been there."),
        Unit.SECONDS,
        (Query("max by (status) (alexandrite_orders_oldest_seconds)", "{status}"),),
        runbook="OrderPastBudget",
    ),
    Figure(
        "orders_past_budget",
        Section.ORDERS,
        N_("Past their time"),
        N_("Orders whose stage has used up its time. Each is named on the page of operations."),
        Unit.COUNT,
        (Query("max by (stage) (alexandrite_orders_past_budget)", "{stage}"),),
        runbook="OrderPastBudget",
        is_stacked=True,
    ),
    Figure(
        "orders_at_risk",
        Section.ORDERS,
        N_("Promise at risk"),
        N_("Orders that will miss what was promised if they go on at this pace."),
        Unit.COUNT,
        (Query("max by (stage) (alexandrite_orders_at_risk)", "{stage}"),),
        runbook="OrderAtRisk",
        is_stacked=True,
    ),
    Figure(
        "orders_submitted",
        Section.ORDERS,
        N_("Orders that came in"),
        N_("Orders that customers submitted, a minute, by channel."),
        Unit.PER_MINUTE,
        (Query("60 * sum by (channel) (rate(alexandrite_shop_orders_submitted_total[$window]))", "{channel}"),),
        runbook="OrdersNone",
        is_stacked=True,
    ),
    Figure(
        "orders_by_age",
        Section.ORDERS,
        N_("Open orders, by how long in their status"),
        N_("Less than an hour, a day, a week, or longer. What is old and grows is what customers ask about."),
        Unit.COUNT,
        (Query("sum by (age) (max by (status, age) (alexandrite_orders_by_age))", "{age}"),),
        runbook="OrderPastBudget",
        is_stacked=True,
    ),
    Figure(
        "saga_stuck",
        Section.ORDERS,
        N_("Steps that nobody answered"),
        N_("Steps of an order's road that had no answer after the last try."),
        Unit.COUNT,
        (Query("max by (step) (alexandrite_saga_steps_stuck)", "{step}"),),
        runbook="SagaStepStuck",
    ),
    Figure(
        "work_orders",
        Section.ORDERS,
        N_("Work in the workshop"),
        N_("Work orders by state, and those that nobody took in time."),
        Unit.COUNT,
        (
            Query("max by (state) (alexandrite_mes_work_orders)", "{state}"),
            Query("max(alexandrite_mes_work_orders_escalated)", N_("nobody took it")),
        ),
        runbook="WorkOrderUnclaimed",
    ),
    Figure(
        "claims",
        Section.ORDERS,
        N_("Claims of operators"),
        N_("Claims a minute: won; lost to somebody who was first; refused because the operator has enough."),
        Unit.PER_MINUTE,
        (Query("60 * sum by (ended) (rate(alexandrite_mes_claims_total[$window]))", "{ended}"),),
        runbook="WorkOrderUnclaimed",
        is_stacked=True,
    ),
    Figure(
        "approvals",
        Section.ORDERS,
        N_("Orders that wait for a seller"),
        N_("Approvals that wait, and those that wait for longer than they may."),
        Unit.COUNT,
        (
            Query("max(alexandrite_crm_approvals_waiting)", N_("waiting")),
            Query("max(alexandrite_crm_approvals_overdue)", N_("overdue")),
        ),
        runbook="OrderPastBudget",
    ),
)

_DELIVERY = (
    Figure(
        "outbox_age",
        Section.DELIVERY,
        N_("Oldest message not yet sent"),
        N_("Age of the oldest committed message that the broker has not confirmed."),
        Unit.SECONDS,
        (Query("max by (service) (alexandrite_outbox_age_seconds)", "{service}"),),
        runbook="OutboxDoesNotDrain",
    ),
    Figure(
        "outbox_pending",
        Section.DELIVERY,
        N_("Messages not yet sent"),
        N_("Committed messages that wait for the broker's word."),
        Unit.COUNT,
        (Query("max by (service) (alexandrite_outbox_pending)", "{service}"),),
        runbook="OutboxDoesNotDrain",
        is_stacked=True,
    ),
    Figure(
        "inbox",
        Section.DELIVERY,
        N_("Received and without an effect"),
        N_("Messages that were received and wait for another try, for their predecessor, or for a person (parked)."),
        Unit.COUNT,
        (Query("sum by (state) (max by (service, state) (alexandrite_inbox))", "{state}"),),
        runbook="MessagesParked",
        is_stacked=True,
    ),
    Figure(
        "inbox_oldest",
        Section.DELIVERY,
        N_("Longest without an effect"),
        N_("Age of the oldest received message without an effect, by service."),
        Unit.SECONDS,
        (Query("max by (service) (alexandrite_inbox_oldest_seconds)", "{service}"),),
        runbook="MessageHeld",
    ),
    Figure(
        "set_aside",
        Section.DELIVERY,
        N_("Set aside for a person"),
        N_("Dead letters, and messages that the broker would not take."),
        Unit.COUNT,
        (
            Query("sum(max by (service) (alexandrite_dead_letters))", N_("dead letters")),
            Query("sum(max by (service) (alexandrite_outbox_parked))", N_("outbox parked")),
        ),
        runbook="DeadLetters",
    ),
    Figure(
        "queues",
        Section.DELIVERY,
        N_("Messages in the queues"),
        N_("What waits in each queue of the broker for its consumer."),
        Unit.COUNT,
        (Query("sum by (queue) (rabbitmq_detailed_queue_messages_ready)", "{queue}"),),
        runbook="QueueGrows",
        is_stacked=True,
    ),
    Figure(
        "unacknowledged",
        Section.DELIVERY,
        N_("Handed out by the queues"),
        N_("Handed to a consumer and not yet acknowledged, as the broker sees it."),
        Unit.COUNT,
        (Query("sum by (queue) (rabbitmq_detailed_queue_messages_unacked)", "{queue}"),),
        runbook="QueueGrows",
        is_stacked=True,
    ),
    Figure(
        "in_flight",
        Section.DELIVERY,
        N_("Messages in flight"),
        N_("Sent and not yet confirmed (out), or received and not yet acknowledged (in)."),
        Unit.COUNT,
        (Query("sum by (direction) (alexandrite_messages_in_flight)", "{direction}"),),
        runbook="QueueGrows",
    ),
    Figure(
        "delivery_time",
        Section.DELIVERY,
        N_("From cause to effect"),
        N_("From the commit of a message to the commit of its effect: half of them, and 95 of 100, are faster."),
        Unit.SECONDS,
        tuple(
            Query(
                f"histogram_quantile({share}, sum by (le) (rate(alexandrite_message_delivery_seconds_bucket[$window])))",
                name,
            )
            for share, name in ((0.5, "p50"), (0.95, "p95"))
        ),
        runbook="MessageHeld",
    ),
    Figure(
        "letters",
        Section.DELIVERY,
        N_("Letters that wait"),
        N_("Letters that the mail server has not taken yet."),
        Unit.COUNT,
        (Query("max by (service) (alexandrite_notices_waiting)", "{service}"),),
        runbook="LettersWait",
    ),
)


def _slower_than(share: float) -> str:
    return (
        f"histogram_quantile({share}, sum by (service, le)"
        ' (rate(alexandrite_http_request_seconds_bucket{route!~".*(live|events|stream).*"}[$window])))'
    )


_ERRORS = (
    'sum by (service) (rate(alexandrite_http_requests_total{status=~"5.."}[$window]))'
    " / sum by (service) (rate(alexandrite_http_requests_total[$window]))"
)

_APIS = (
    Figure(
        "requests",
        Section.APIS,
        N_("Requests"),
        N_("Requests that each service answers, a second."),
        Unit.PER_SECOND,
        (Query("sum by (service) (rate(alexandrite_http_requests_total[$window]))", "{service}"),),
        runbook="ServiceDown",
        is_stacked=True,
    ),
    Figure(
        "errors",
        Section.APIS,
        N_("Errors of ours"),
        N_("Share of the answers of each service that are errors of ours (5xx). Nothing is drawn where there is none."),
        Unit.SHARE,
        (Query(_ERRORS, "{service}"),),
        runbook="ErrorBudgetBurns",
    ),
    Figure(
        "error_budget",
        Section.APIS,
        N_("Burn of the error budget"),
        N_(
            "1: at this pace the budget of the objective (99.5 %) lasts exactly for its time; 14: it is gone in two days."
        ),
        Unit.TIMES,
        (Query(f"({_ERRORS}) / {AVAILABILITY_BUDGET}", "{service}"),),
        runbook="ErrorBudgetBurns",
    ),
    Figure(
        "time_p50",
        Section.APIS,
        N_("Time of an answer, p50"),
        N_("Half of the answers of each service are faster. Streams are left out."),
        Unit.SECONDS,
        (Query(_slower_than(0.5), "{service}"),),
        runbook="LatencyBudgetBurns",
    ),
    Figure(
        "time_p95",
        Section.APIS,
        N_("Time of an answer, p95"),
        N_("95 of 100 answers of each service are faster. Streams are left out."),
        Unit.SECONDS,
        (Query(_slower_than(0.95), "{service}"),),
        runbook="LatencyBudgetBurns",
    ),
    Figure(
        "time_p99",
        Section.APIS,
        N_("Time of an answer, p99"),
        N_("99 of 100 answers of each service are faster. Streams are left out."),
        Unit.SECONDS,
        (Query(_slower_than(0.99), "{service}"),),
        runbook="LatencyBudgetBurns",
    ),
    Figure(
        "requests_by_role",
        Section.APIS,
        N_("Requests, by who asks"),
        N_("Requests a second by the role of who asks; services are the system itself."),
        Unit.PER_SECOND,
        (Query("sum by (role) (rate(alexandrite_http_requests_by_role_total[$window]))", "{role}"),),
        runbook="ServiceDown",
        is_stacked=True,
    ),
    Figure(
        "time_by_role",
        Section.APIS,
        N_("Time of an answer, p95, by who asks"),
        N_("95 of 100 answers are faster, by the role of who asks."),
        Unit.SECONDS,
        (
            Query(
                "histogram_quantile(0.95, sum by (role, le)"
                " (rate(alexandrite_http_request_by_role_seconds_bucket[$window])))",
                "{role}",
            ),
        ),
        runbook="LatencyBudgetBurns",
    ),
    Figure(
        "traffic",
        Section.APIS,
        N_("Bytes in and out"),
        N_("Bytes a second that services are sent and send."),
        Unit.BYTES_PER_SECOND,
        (Query("sum by (direction) (rate(alexandrite_http_bytes_total[$window]))", "{direction}"),),
        runbook="ServiceDown",
    ),
    Figure(
        "sessions",
        Section.APIS,
        N_("Sessions"),
        N_("Sessions that go on, by how they began."),
        Unit.COUNT,
        (Query("max by (by) (alexandrite_identity_sessions)", "{by}"),),
        runbook="ServiceDown",
        is_stacked=True,
    ),
    Figure(
        "telemetry",
        Section.APIS,
        N_("Spans and log lines"),
        N_("What services send here, a second, and what they had to drop because nobody took it."),
        Unit.PER_SECOND,
        (
            Query("sum by (signal) (rate(alexandrite_telemetry_exported_total[$window]))", "{signal}"),
            Query("sum(rate(alexandrite_telemetry_dropped_total[$window]))", N_("dropped")),
        ),
        runbook="TelemetryLost",
    ),
    Figure(
        "dependencies",
        Section.APIS,
        N_("Calls between services that failed"),
        N_("By whom was asked, a minute."),
        Unit.PER_MINUTE,
        (Query("60 * sum by (to) (rate(alexandrite_dependency_failures_total[$window]))", "{to}"),),
        runbook="ServiceDown",
    ),
    Figure(
        "processes",
        Section.APIS,
        N_("Processes that answer"),
        N_("Processes of each service that Prometheus reaches."),
        Unit.COUNT,
        (Query('sum by (service) (up{job="services"})', "{service}"),),
        runbook="ServiceMissing",
    ),
)

_PRICING = (
    Figure(
        "pricing_queue",
        Section.PRICING,
        N_("Calculations in the queue"),
        N_("Calculations that wait (todo) and that a worker is at (doing)."),
        Unit.COUNT,
        (Query('max by (state) (alexandrite_pricing_jobs{state=~"todo|doing|failed"})', "{state}"),),
        runbook="PricingSlow",
        is_stacked=True,
    ),
    Figure(
        "pricing_oldest",
        Section.PRICING,
        N_("Oldest price that is not there yet"),
        N_("How long the customer who waits the longest has waited."),
        Unit.SECONDS,
        (Query("max(alexandrite_pricing_oldest_unfinished_seconds)", N_("oldest")),),
        runbook="PricingSlow",
    ),
    Figure(
        "pricing_time",
        Section.PRICING,
        N_("Time of a calculation"),
        N_("From the start of its job: half of the calculations, and 95 of 100, are faster."),
        Unit.SECONDS,
        tuple(
            Query(
                f"histogram_quantile({share}, sum by (le) (rate(alexandrite_pricing_calculation_seconds_bucket[$window])))",
                name,
            )
            for share, name in ((0.5, "p50"), (0.95, "p95"))
        ),
        runbook="PricingSlow",
    ),
    Figure(
        "pricing_by_size",
        Section.PRICING,
        N_("Time until the firm price, by size"),
        N_("95 of 100 are faster, from the fetched file on, by how many triangles the model has."),
        Unit.SECONDS,
        (
            Query(
                "histogram_quantile(0.95, sum by (triangles, le)"
                " (rate(alexandrite_pricing_measuring_seconds_bucket[$window])))",
                "{triangles}",
            ),
        ),
        runbook="PricingSlow",
    ),
    Figure(
        "pricing_eta",
        Section.PRICING,
        N_("Time in the queue"),
        N_("How long a price that is asked for now would wait for its turn."),
        Unit.SECONDS,
        (Query("max(alexandrite_pricing_queue_eta_seconds)", N_("expected")),),
        runbook="PricingSlow",
    ),
    Figure(
        "pricing_ended",
        Section.PRICING,
        N_("How calculations end"),
        N_("Calculations a minute, by how they ended."),
        Unit.PER_MINUTE,
        (Query("60 * sum by (ended) (rate(alexandrite_pricing_calculations_total[$window]))", "{ended}"),),
        runbook="PricingFails",
        is_stacked=True,
    ),
    Figure(
        "pricing_orders",
        Section.PRICING,
        N_("Orders that wait for a price"),
        N_("Orders whose firm price waits for a calculation."),
        Unit.COUNT,
        (Query("max(alexandrite_pricing_orders_waiting)", N_("orders")),),
        runbook="PricingSlow",
    ),
)

FIGURES: tuple[Figure, ...] = (*_ORDERS, *_DELIVERY, *_APIS, *_PRICING, *BENEATH)
BY_KEY = {figure.key: figure for figure in FIGURES}

NOW = ("orders_past_budget", "orders_at_risk", "outbox_age", "set_aside", "errors", "pricing_oldest", "processes")
"""What is told in one number above all charts: the newest of each, added up where its series add up, else the highest."""


def figures_of(section: Section) -> tuple[Figure, ...]:
    """The figures of one part of the page, in their order."""
    return tuple(figure for figure in FIGURES if figure.section is section)
