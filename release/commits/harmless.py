"""Ten commits that must pass every gate: a pipeline that stops these is switched off by the people it stops."""

from __future__ import annotations

from release.commits.bad import MES_VERSIONS, migration
from release.commits.commit import Commit, Edit, NewFile

COMMITS: tuple[Commit, ...] = (
    Commit(
        "words-about-the-code",
        "Say why a repeated request is answered from memory, and where to look when ports are taken",
        "None: a comment and a sentence of the documentation.",
        (
            Edit(
                "system/shop/application/handlers.py",
                " its price was never compared with what the customer agreed to.\n",
                " the customer never saw the total with it.\n",
            ),
            Edit(
                "docs/how-to-run.md",
                "A taken one is passed over for the next free one; `make show` says which.",
                "A taken one is passed over for the next free one; `make show` says which, and `make doctor` who took it.",
            ),
        ),
    ),
    Commit(
        "local-renamed",
        "Failures beyond the free ones are called so",
        "None.",
        (
            Edit(
                "system/identity/domain/throttle.py",
                "        excess = failures - terms.free_failures\n        if excess < 1:\n",
                "        beyond_free = failures - terms.free_failures\n        if beyond_free < 1:\n",
            ),
            Edit(
                "system/identity/domain/throttle.py",
                "2 ** min(excess - 1, 20), terms.wait_max)",
                "2 ** min(beyond_free - 1, 20), terms.wait_max)",
            ),
        ),
    ),
    Commit(
        "optional-field",
        "A page of orders says how many are on it",
        "Who wants it reads it; who does not know it does not notice.",
        (
            Edit(
                "system/shop/entrypoints/schemas.py",
                "    items: list[OrderView]\n    next: str | None = None\n",
                "    items: list[OrderView]\n    next: str | None = None\n    count: int | None = None\n",
            ),
            Edit(
                "system/shop/entrypoints/api.py",
                "    return schemas.OrderPage(items=[order_view(order) for order in page], next=more)\n",
                "    return schemas.OrderPage(items=[order_view(order) for order in page], next=more, count=len(page))\n",
            ),
        ),
        freezes_contracts=True,
    ),
    Commit(
        "column-added",
        "Room for a note on a parcel",
        "None yet: a column that may be empty, and nobody reads.",
        (
            NewFile(
                f"{MES_VERSIONS}/0008_parcel_note.py",
                migration("Room for a note on a parcel.", "ALTER TABLE parcel ADD COLUMN note text"),
            ),
            Edit(
                "system/mes/adapters/tables.py",
                '    PrimaryKeyConstraint("carrier", "tracking_number"),\n',
                '    Column("note", Text),\n    PrimaryKeyConstraint("carrier", "tracking_number"),\n',
            ),
        ),
    ),
    Commit(
        "scenario-with-its-feature",
        "The catalogue counts its goods",
        "A customer sees how much there is to choose from.",
        (
            Edit(
                "features/ordering/ready_made.feature",
                "  Сценарий: Изделий нужно больше, чем есть\n",
                "  Сценарий: Каталог сам считает свои изделия\n"
                "    Допустим есть покупатель по имени Анна\n"
                "    Тогда каталог говорит, сколько в нём изделий\n\n"
                "  Сценарий: Изделий нужно больше, чем есть\n",
            ),
            Edit(
                "step_defs/steps/ordering.py",
                '@step(\n    en="it is refused, because {refusal:refusal}",\n',
                '@step(\n    en="the catalogue says how many goods it has",\n'
                '    ru="каталог говорит, сколько в нём изделий",\n'
                '    about="The catalogue counts its goods for whoever shows it.",\n'
                '    example="the catalogue says how many goods it has",\n)\n'
                "@Then\ndef catalogue_counts(world: World) -> None:\n    acts.catalogue_counts(world)\n\n\n"
                '@step(\n    en="it is refused, because {refusal:refusal}",\n',
            ),
            Edit(
                "step_defs/dsl/acts.py",
                "def catalogue_stock(world: World, sku: str) -> int:\n",
                "def catalogue_counts(world: World) -> None:\n"
                '    """The catalogue says how many goods it shows."""\n'
                '    catalogue = world.stranger.get("/api/shop/v1/products").body\n'
                '    assert catalogue.get("count") == len(catalogue["items"]), "the catalogue does not count its goods"\n\n\n'
                "def catalogue_stock(world: World, sku: str) -> int:\n",
            ),
            Edit(
                "system/shop/entrypoints/schemas.py",
                "    items: list[ProductView]\n    next: str | None = None\n",
                "    items: list[ProductView]\n    next: str | None = None\n    count: int | None = None\n",
            ),
            Edit(
                "system/shop/entrypoints/api.py",
                "    return schemas.ProductPage("
                "items=[schemas.ProductView.of(product, prices.get(product.sku)) for product in products])\n",
                "    items = [schemas.ProductView.of(product, prices.get(product.sku)) for product in products]\n"
                "    return schemas.ProductPage(items=items, count=len(items))\n",
            ),
        ),
        freezes_contracts=True,
        note="The scenario fails on the release before, as it must.",
    ),
    Commit(
        "refactoring",
        "What blocks a withdrawal has a name",
        "None.",
        (
            Edit(
                "system/mes/domain/rules.py",
                "\n\ndef claim_is_free(state: str) -> bool:\n",
                '\nBLOCKS_SELLER = frozenset({"SHIPPED"})\n'
                'BLOCKS_CUSTOMER = frozenset({"CLAIMED", "COMPLETED", "PACKING", "SHIPPED"})\n'
                '"""A work order in one of these is not taken back."""\n'
                "\n\ndef claim_is_free(state: str) -> bool:\n",
            ),
            Edit(
                "system/mes/domain/rules.py",
                '    blocking = {"SHIPPED"} if by_seller else {"CLAIMED", "COMPLETED", "PACKING", "SHIPPED"}\n',
                "    blocking = BLOCKS_SELLER if by_seller else BLOCKS_CUSTOMER\n",
            ),
        ),
    ),
    Commit(
        "speedup",
        "The bucket of an order is computed once",
        "A little less work for each message.",
        (
            Edit(
                "system/kernel/ids.py",
                "import hashlib\nimport uuid\n",
                "import functools\nimport hashlib\nimport uuid\n",
            ),
            Edit(
                "system/kernel/ids.py",
                "def bucket_of(subject: str) -> int:\n",
                "@functools.lru_cache(maxsize=10_000)\ndef bucket_of(subject: str) -> int:\n",
            ),
        ),
    ),
    Commit(
        "scenario-proposed",
        "Propose that a customer hears how an order goes on",
        "None yet: it is listed, and counts for nothing until it holds.",
        (
            Edit(
                "features/ordering/privacy.feature",
                "  Scenario: Another customer's price cannot be used\n",
                "  @proposed @owner:anna @until:2099-12-31\n"
                "  Scenario: A customer chooses who else may follow an order\n"
                "    Given Anna has an order that is being made\n"
                "    When Anna shares the order with Boris\n"
                "    Then Boris sees where the order is\n\n"
                "  Scenario: Another customer's price cannot be used\n",
            ),
        ),
    ),
    Commit(
        "sentence-reworded",
        "A problem tells what to do instead of what it is",
        "Whoever reads it knows better what to do.",
        (
            Edit(
                "system/plumbing/web.py",
                "This cursor is not one of ours; start again without it.",
                "This cursor is not ours; ask for the first page.",
            ),
            Edit(
                "features/ordering/ready_made.feature",
                "  Готовое изделие не нужно моделировать: цена известна из каталога, а сам экземпляр откладывается для заказа.\n",
                "  Готовому изделию модель не нужна: его цена известна из каталога, а сам экземпляр откладывают для заказа.\n",
            ),
        ),
    ),
    Commit(
        "metric-added",
        "Count the requests that are refused for their size",
        "One more line for whoever watches.",
        (
            Edit(
                "system/plumbing/metrics.py",
                'PUBLISHED = Counter("alexandrite_messages_published_total"',
                'BODIES_REFUSED = Counter("alexandrite_bodies_refused_total", "Requests refused because their body was too large.")\n'
                'PUBLISHED = Counter("alexandrite_messages_published_total"',
            ),
            Edit(
                "system/plumbing/web.py",
                "from system.plumbing.metrics import QueriedGauges, exposition\n",
                "from system.plumbing.metrics import BODIES_REFUSED, QueriedGauges, exposition\n",
            ),
            Edit(
                "system/plumbing/web.py",
                "        if length.isdigit() and int(length) > bytes_max:\n",
                "        if length.isdigit() and int(length) > bytes_max:\n            BODIES_REFUSED.inc()\n",
            ),
            Edit(
                "system/deploy/prometheus/metrics.toml",
                "alexandrite_messages_published_total",
                "alexandrite_bodies_refused_total = {}\nalexandrite_messages_published_total",
            ),
        ),
    ),
)
