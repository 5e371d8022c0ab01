"""Commits that must not reach a customer, each with the gate that has to stop it, named before it was tried.

Each is what somebody might do at the end of a long day, and otherwise clean: one that is meant for a late gate passes those before it.
"""

from __future__ import annotations

from release.commits.commit import Commit, Edit, NewFile

# In two halves, and so no secret here: the scanner that must find it in the tree reads this file too.
SECRET = "h3JvWq8ZrT1xKc5N" + "yGm7BfLp2SdA9uXe4RzQ6"
MES_VERSIONS = "system/mes/migrations/versions"


def migration(about: str, *statements: str) -> str:
    """The next migration of MES, in the form of those before it."""
    lines = "".join(f'    op.execute("{statement}")\n' for statement in ("SET LOCAL lock_timeout = '5s'", *statements))
    return (
        f'"""{about}"""\n\nfrom __future__ import annotations\n\nfrom alembic import op\n\n'
        'revision = "0008"\ndown_revision = "0007"\nbranch_labels = None\ndepends_on = None\n\n\n'
        f'def upgrade() -> None:\n    """{about}"""\n{lines}\n\n'
        'def downgrade() -> None:\n    """Nothing goes back; the next revision mends."""\n'
        '    raise NotImplementedError("revisions only go forward")\n'
    )


FORM = (
    Commit(
        "secret-committed",
        "Uploads work on a fresh machine",
        "Whoever reads the repository reads and deletes every customer's models.",
        (
            Edit(
                "system/files/settings.py",
                's3_secret_key: SecretStr = SecretStr("")',
                f's3_secret_key: SecretStr = SecretStr("{SECRET}")',
            ),
        ),
        stopped_by="static",
        because="secrets",
    ),
    Commit(
        "step-asserts-nothing",
        "The step waits without blocking",
        "Sellers no longer see what operators do, and the scenario that says so stays green: nobody awaits its step.",
        (Edit("step_defs/steps/selling.py", "def seller_sees(world", "async def seller_sees(world"),),
        stopped_by="static",
        because="scenarios",
    ),
    Commit(
        "workflow-runs-a-title",
        "Thank people for their pull requests",
        "Anybody with an account names a pull request so that its title runs as a command beside the repository's token.",
        (
            NewFile(
                ".github/workflows/thanks.yml",
                "name: thanks\n\non:\n  pull_request_target:\n    types: [opened]\n\npermissions:\n  pull-requests: write\n\n"
                "jobs:\n  thanks:\n    name: thanks\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n"
                '      - run: echo "Thank you for ${{ github.event.pull_request.title }}"\n',
            ),
        ),
        stopped_by="static",
        because="workflows",
    ),
    Commit(
        "service-imports-a-neighbour",
        "Pricing's limits come from the shop, where they are decided",
        "Pricing cannot be started, released or scaled without the shop's code.",
        (
            Edit(
                "system/pricing/domain/quote.py",
                "from system.pricing.domain.verdict import Verdict, verdicts_of, wall_problem\n\nQUANTITY_MAX = 1000\n",
                "from system.pricing.domain.verdict import Verdict, verdicts_of, wall_problem\n"
                "from system.shop.domain.rules import QUANTITY_MAX as SHOP_QUANTITY_MAX\n\n"
                "QUANTITY_MAX = SHOP_QUANTITY_MAX\n",
            ),
        ),
        stopped_by="static",
        because="imports",
    ),
)

PARTS = (
    Commit(
        "margin-on-cost",
        "The margin is added to the cost, which is easier to explain",
        "At a margin of 30 % every piece is sold 9 % below its price, and nobody notices before the books are closed.",
        (
            Edit(
                "system/pricing/domain/costing.py",
                "before_tax = Money(cost.amount / (1 - rates.margin), currency)",
                "before_tax = Money(cost.amount * (1 + rates.margin), currency)",
            ),
        ),
        stopped_by="unit",
        because="test_price_is_cost_over_one_minus_margin",
    ),
    Commit(
        "test-switched-off",
        "Skip a test that disturbs",
        "The shop's statuses may differ from the orchestrator's from now on; each screen reads another one.",
        (
            Edit(
                "system/shop/tests/unit/test_rules.py",
                "def test_the_shop_knows_exactly_the_published_statuses(",
                "@pytest.mark.skip\ndef test_the_shop_knows_exactly_the_published_statuses(",
            ),
        ),
        stopped_by="unit",
        because="skipped without a reason",
        note="No test fails: the run is green, and the gate still does not believe it.",
    ),
    Commit(
        "test-excused",
        "Skip a test that disturbs, with a reason",
        "As without a reason: what the test held is held by nobody, and every report is green.",
        (
            Edit(
                "system/shop/tests/unit/test_rules.py",
                "def test_the_shop_knows_exactly_the_published_statuses(",
                '@pytest.mark.skip(reason="disturbs, look into it on Monday")\n'
                "def test_the_shop_knows_exactly_the_published_statuses(",
            ),
        ),
        stopped_by="unit",
        because="skip",
    ),
    Commit(
        "message-needs-a-new-field",
        "A rejection says which version of the order was looked at",
        "While both releases run, the old one's rejections cannot be read: customers go on waiting for rejected orders.",
        (
            Edit(
                "system/messages/crm_v1.py",
                "    reason: str\n    rejected_at: datetime\n",
                "    reason: str\n    rejected_at: datetime\n    version: int\n",
            ),
            Edit(
                "system/crm/application/handlers.py",
                "                rejected_at=uow.now,\n",
                "                rejected_at=uow.now,\n                version=order.version,\n",
            ),
        ),
        stopped_by="unit",
        because="test_frozen_schema_equals_the_code",
    ),
)

PROMISES = (
    Commit(
        "anybodys-order",
        "One condition less in the order query: ids cannot be guessed anyway",
        "Whoever has the link reads another customer's name, address, phone and order.",
        (
            Edit(
                "system/shop/adapters/queries.py",
                "ORDER_WITH_PROGRESS.where(orders.c.id == order_id, orders.c.customer_id == customer_id)",
                "ORDER_WITH_PROGRESS.where(orders.c.id == order_id)",
            ),
        ),
        stopped_by="integration",
        because="somebody_elses_order",
    ),
    Commit(
        "message-acts-twice",
        "The inbox shows when a message was last seen",
        "A repeated message takes effect again: an order doubled, stock taken twice.",
        (
            Edit(
                "system/plumbing/consumer.py",
                "ON CONFLICT DO NOTHING RETURNING event_id, state",
                "ON CONFLICT (event_id) DO UPDATE SET received_at = clock_timestamp() RETURNING event_id, state",
            ),
        ),
        stopped_by="integration",
        because="acts_once",
    ),
    Commit(
        "message-lost",
        "Publishing no longer waits for the broker",
        "What the broker did not take counts as sent: orders vanish between two services.",
        (
            Edit(
                "system/plumbing/broker.py",
                "publisher_confirms=True, on_return_raises=True",
                "publisher_confirms=False",
            ),
        ),
        stopped_by="integration",
        because="unroutable_message",
    ),
    Commit(
        "claimed-twice",
        "An operator who comes late is told so before anything is written",
        "Of operators who press at the same moment several get the order, and each is paid for it.",
        (
            Edit(
                "system/mes/adapters/repositories.py",
                "                    .where(_work_order.c.id == work_order_id, text(tables.ON_THE_BOARD))\n",
                "                    .where(_work_order.c.id == work_order_id)\n",
            ),
            Edit(
                "system/mes/application/handlers.py",
                "    work_order = await uow.work_orders.claim(work_order_id, operator, at=uow.now)\n",
                "    if refused := (await uow.work_orders.get(work_order_id)).refusal_of_claim():\n"
                "        raise refused\n"
                "    work_order = await uow.work_orders.claim(work_order_id, operator, at=uow.now)\n",
            ),
        ),
        stopped_by="integration",
        because="simultaneous_claims",
    ),
)

WHOLE = (
    Commit(
        "operators-approve",
        "Operators may look at what sellers see",
        "An operator approves the orders whose making earns most, and takes them.",
        (
            Edit(
                "system/crm/entrypoints/api.py",
                'Staff = Annotated[Principal, require("seller", "administrator")]',
                'Staff = Annotated[Principal, require("seller", "administrator", "operator")]',
            ),
        ),
        stopped_by="scenarios",
        because="Чужая роль",
    ),
    Commit(
        "board-not-live",
        "The board's stream has the name of what it carries",
        "Every open board stands still: operators run to orders that were taken long ago.",
        (
            Edit(
                "system/mes/entrypoints/assets/board.js",
                'follow("/mes/events", {',
                'follow("/mes/changes", {',
            ),
        ),
        stopped_by="pages",
        because="открытой доске",
    ),
    Commit(
        "field-renamed",
        "Reworks are called reworks everywhere",
        "Whoever reads the old name from the API reads nothing from one minute to the next.",
        (
            Edit("system/mes/entrypoints/schemas.py", "    rework_count: int\n", "    reworks: int\n"),
            Edit(
                "system/mes/application/views.py",
                '        "rework_count": work_order.rework_count,\n',
                '        "reworks": work_order.rework_count,\n',
            ),
            Edit(
                "system/mes/entrypoints/templates/card_piece.html",
                '{% if w.rework_count %}<div><dt>{{ _("Reworked") }}</dt><dd>{{ w.rework_count }}</dd></div>{% endif %}',
                '{% if w.reworks %}<div><dt>{{ _("Reworked") }}</dt><dd>{{ w.reworks }}</dd></div>{% endif %}',
            ),
        ),
        stopped_by="contracts",
        because="test_served_contract_is_the_frozen_one",
    ),
)

SCHEMA = (
    Commit(
        "column-without-default",
        "Parcels know the carrier's service",
        "From the migration on the release in production cannot ship: it does not know the column that must be filled.",
        (
            NewFile(
                f"{MES_VERSIONS}/0008_parcel_service.py",
                migration("The carrier's service.", "ALTER TABLE parcel ADD COLUMN service text NOT NULL"),
            ),
            Edit(
                "system/mes/adapters/tables.py",
                '    PrimaryKeyConstraint("carrier", "tracking_number"),\n',
                '    Column("service", Text, nullable=False),\n    PrimaryKeyConstraint("carrier", "tracking_number"),\n',
            ),
            Edit(
                "system/mes/adapters/repositories.py",
                "            .values(carrier=parcel.carrier, tracking_number=parcel.tracking_number, order_id=order_id, at=at)\n",
                "            .values(\n"
                "                carrier=parcel.carrier,\n"
                "                tracking_number=parcel.tracking_number,\n"
                "                order_id=order_id,\n"
                "                at=at,\n"
                '                service="standard",\n'
                "            )\n",
            ),
        ),
        stopped_by="migrations",
        because="0008",
    ),
    Commit(
        "released-migration-edited",
        "Carriers' message ids are longer than we thought",
        "New databases take the longer ids and production's never will; no test can see it, for tests begin with an empty one.",
        (
            Edit(
                "system/crm/migrations/versions/0001_initial.py",
                "    webhook_id      varchar(200) PRIMARY KEY,\n",
                "    webhook_id      varchar(300) PRIMARY KEY,\n",
            ),
            Edit(
                "system/crm/adapters/tables.py",
                '    Column("webhook_id", String(200), primary_key=True),\n',
                '    Column("webhook_id", String(300), primary_key=True),\n',
            ),
        ),
        stopped_by="migrations",
        because="was released and stands for other SQL now",
    ),
    Commit(
        "old-release-refused",
        "Carriers are written in capitals, and the database holds it",
        "While both releases run, and after a rollback, every shipment of the old one is refused.",
        (
            NewFile(
                f"{MES_VERSIONS}/0008_carriers_in_capitals.py",
                migration(
                    "Carriers are written in capitals from now on.",
                    "ALTER TABLE parcel ADD CONSTRAINT parcel_in_capitals CHECK (carrier = upper(carrier)) NOT VALID",
                ),
            ),
            Edit(
                "system/mes/adapters/tables.py",
                '    PrimaryKeyConstraint("carrier", "tracking_number"),\n',
                '    PrimaryKeyConstraint("carrier", "tracking_number"),\n'
                '    CheckConstraint("carrier = upper(carrier)", name="parcel_in_capitals"),\n',
            ),
            Edit(
                "system/mes/adapters/repositories.py",
                ".values(carrier=parcel.carrier, tracking_number",
                ".values(carrier=parcel.carrier.upper(), tracking_number",
            ),
            Edit(
                "system/mes/adapters/repositories.py",
                "parcels.c.carrier == parcel.carrier, parcels",
                "parcels.c.carrier == parcel.carrier.upper(), parcels",
            ),
        ),
        stopped_by="old-on-new",
        because="previous release fails on this candidate's schema",
        note="No lock, nothing taken away: by its SQL alone the migration is sound.",
    ),
)

SPECIFICATION = (
    Commit(
        "scenario-proves-nothing",
        "A scenario for the faster approval",
        "It passed before the change too: the specification grows, and what is new is not in it.",
        (
            Edit(
                "features/making/approval.feature",
                "  Scenario: Sellers see what operators do\n",
                "  Scenario: An approval reaches the operators\n"
                "    Given Anna has an order that is priced\n"
                "    When seller Maria approves the order\n"
                "    Then the order becomes approved\n"
                "    And operator Oleg sees the order on the board\n\n"
                "  Scenario: Sellers see what operators do\n",
            ),
        ),
        stopped_by="red-first",
        because="passes on the previous release already",
    ),
    Commit(
        "complaint-unanswered",
        "Remove a scenario that others cover",
        "Nobody watches any more that sellers and operators read the same status, which is what they complain about.",
        (
            Edit(
                "features/making/approval.feature",
                "\n  Scenario: Sellers see what operators do\n"
                "    Given Anna has an order that is approved\n"
                "    When operator Oleg takes the order\n"
                "    Then seller Maria sees the order as being made\n"
                "    When operator Oleg finishes the piece\n"
                "    Then seller Maria sees the order as made\n",
                "",
            ),
        ),
        stopped_by="complaints",
        because="Sellers see what operators do",
    ),
)

SPEED = (
    Commit(
        "slower-by-a-quarter",
        "Requests are spread a little, so that bursts do not reach the database at once",
        "Every page of everybody takes longer, all day; nothing breaks and nobody is told.",
        (
            Edit(
                "system/plumbing/web.py",
                "import base64\nimport hashlib\n",
                "import asyncio\nimport base64\nimport hashlib\n",
            ),
            Edit(
                "system/plumbing/web.py",
                "        started = time.perf_counter()\n        status = 500\n",
                "        started = time.perf_counter()\n        await asyncio.sleep(0.006)\n        status = 500\n",
            ),
        ),
        stopped_by="performance",
        because="p50",
    ),
    Commit(
        "slow-for-one-in-fifty",
        "One request in fifty is profiled",
        "A page of ten requests stands still for every fifth customer, while the average looks well.",
        (
            Edit(
                "system/plumbing/web.py",
                "import base64\nimport hashlib\nimport json\nimport time\n",
                "import asyncio\nimport base64\nimport hashlib\nimport json\nimport random\nimport time\n",
            ),
            Edit(
                "system/plumbing/web.py",
                "        started = time.perf_counter()\n        status = 500\n",
                "        started = time.perf_counter()\n"
                "        if random.random() < 0.02:\n"
                "            await asyncio.sleep(0.4)\n"
                "        status = 500\n",
            ),
        ),
        stopped_by="performance",
        because="slow",
    ),
)

_MESSAGE, _FIELD = (
    next(commit for commit in (*PARTS, *WHOLE) if commit.name == name)
    for name in ("message-needs-a-new-field", "field-renamed")
)

# The same two, by an author who did what the test told them: `make contracts`. Code and contract agree, and the others do not.
FROZEN = (
    Commit(
        "message-frozen-anew",
        _MESSAGE.says,
        _MESSAGE.effect,
        (
            *_MESSAGE.changes,
            Edit(
                "contracts/messages/crm.order_rejected.v1/examples/typical.json",
                '    "rejected_at": "2026-11-20T11:00:00Z"\n',
                '    "rejected_at": "2026-11-20T11:00:00Z",\n    "version": 4\n',
            ),
        ),
        stopped_by="compatibility",
        because="crm.order_rejected.v1.version: it is new and required",
        freezes_contracts=True,
    ),
    Commit(
        "field-renamed-and-frozen",
        _FIELD.says,
        _FIELD.effect,
        _FIELD.changes,
        stopped_by="compatibility",
        because="rework_count: it is gone",
        freezes_contracts=True,
    ),
)

COMMITS: tuple[Commit, ...] = (*FORM, *PARTS, *PROMISES, *WHOLE, *SCHEMA, *FROZEN, *SPECIFICATION, *SPEED)
