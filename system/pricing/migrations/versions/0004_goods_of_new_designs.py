"""The newest price book learns the prices of goods that came later. What it says already stays as it is.

A book is never edited where a quote could have been made from it; nobody was ever quoted one of these goods. The first book's own
file stays what the first revision stands for.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MATERIALS = {"585": "gold_585", "750": "gold_750", "925": "silver_925", "950": "platinum_950"}
PRICES = {
    # design: roubles by the end of the sku
    "ring-classic": {"750": "14900.00", "925": "2900.00", "950": "12900.00"},
    "ring-band": {"585": "17500.00", "925": "3500.00", "950": "21900.00"},
    "earrings-drop": {"585": "19800.00", "750": "27900.00", "950": "23900.00"},
    "pendant-drop": {"585": "12900.00", "750": "17900.00", "950": "14900.00"},
    "bracelet-chain": {"750": "54900.00", "925": "6900.00", "950": "45900.00"},
    "ring-solitaire": {"585": "54900.00", "750": "62900.00", "925": "4900.00"},
    "ring-signet": {"585": "26900.00", "750": "37900.00", "925": "4900.00", "950": "31900.00"},
    "ring-pave": {"585": "32900.00", "750": "39900.00", "925": "5900.00", "950": "36900.00"},
    "earrings-hoop": {"585": "15900.00", "750": "22500.00", "925": "2700.00", "950": "18900.00"},
    "pendant-medallion": {"585": "21900.00", "750": "30900.00", "925": "3700.00", "950": "25900.00"},
}
GOODS = {
    f"{design}-{end}": {"price": price, "material": MATERIALS[end]}
    for design, prices in PRICES.items()
    for end, price in prices.items()
}

# A good in a metal that the book knows no more would make the book unreadable. Of two prices for one good the book's own wins.
FILL = """
UPDATE price_book SET book = jsonb_set(book, '{{catalogue}}', (
    SELECT coalesce(jsonb_object_agg(good.sku, jsonb_build_object('price', good.price, 'material', good.material)), '{{}}'::jsonb)
    FROM (VALUES {goods}) AS good (sku, price, material)
    WHERE jsonb_exists(price_book.book -> 'alloys', good.material)
) || (book -> 'catalogue'))
WHERE version = (SELECT max(newest.version) FROM price_book newest) AND book ->> 'currency' = 'RUB'
"""


def upgrade() -> None:
    """Fills the newest book; the release before this one finds more goods in it, and nothing else."""
    goods = ", ".join(f"('{sku}', '{good['price']}', '{good['material']}')" for sku, good in GOODS.items())
    op.execute(FILL.format(goods=goods))


def downgrade() -> None:
    """Nothing goes back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
