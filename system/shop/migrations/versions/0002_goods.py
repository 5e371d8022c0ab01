"""Goods know their design, their kind and a paragraph about them; ten designs in four metals stand on the shelf.

All columns are new and have a default; the release before this one does not notice, and sells the new goods as it sells the old.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE product
    ADD COLUMN design varchar(60) NOT NULL DEFAULT '',
    ADD COLUMN kind varchar(12) NOT NULL DEFAULT '',
    ADD COLUMN about_ru text NOT NULL DEFAULT '',
    ADD COLUMN about_en text NOT NULL DEFAULT '';
"""

RING_SIZES = [f"{half / 2:g}" for half in range(30, 45)]

METALS = {
    # the end of the sku: material, in a Russian title, in an English one, and what is said of it in each
    "585": (
        "gold_585",
        "золото 585",
        "585 gold",
        "Золото 585 пробы — тёплый цвет и прочность на каждый день.",
        "Gold 585 is warm in colour and strong enough for every day.",
    ),
    "750": (
        "gold_750",
        "золото 750",
        "750 gold",
        "Золото 750 пробы — насыщенный цвет и приятная тяжесть в руке.",
        "Gold 750 is deep in colour and pleasantly heavy in the hand.",
    ),
    "925": (
        "silver_925",
        "серебро 925",
        "925 silver",
        "Серебро 925 пробы — светлый блеск; со временем его легко освежить мягкой салфеткой.",
        "Silver 925 shines brightly, and a soft cloth brings the shine back whenever you like.",
    ),
    "950": (
        "platinum_950",
        "платина 950",
        "950 platinum",
        "Платина 950 пробы — белый металл, который не тускнеет и не требует покрытия.",
        "Platinum 950 is white by nature: it does not tarnish and needs no plating.",
    ),
}

DESIGNS = {
    # design: kind, Russian title, English title, a Russian and an English paragraph, pieces in stock by metal
    "ring-classic": (
        "ring",
        "Кольцо «Классика»",
        "Classic ring",
        "Гладкое кольцо со скруглённым профилем: ничего лишнего, ничего не цепляется. "
        "Хорошо и само по себе, и в паре с другими кольцами.",
        "A smooth ring with a rounded profile: nothing superfluous, nothing that catches. "
        "Good by itself and good beside other rings.",
        {"750": 24, "925": 60, "950": 12},
    ),
    "ring-band": (
        "ring",
        "Обручальное кольцо",
        "Wedding band",
        "Обручальное кольцо с мягкой посадкой: изнутри оно слегка выпуклое и потому не давит. "
        "Поверхность полируется вручную, пока линии не сойдутся.",
        "A wedding band with a comfort fit: gently curved inside, so that it does not press. "
        "It is polished by hand until the lines meet.",
        {"585": 40, "925": 48, "950": 18},
    ),
    "earrings-drop": (
        "earrings",
        "Серьги-капли",
        "Drop earrings",
        "Две вытянутые капли на тонких швензах. Они лёгкие, ловят свет при каждом движении и не устают напоминать о лете.",
        "Two long drops on fine hooks. They are light, catch the light whenever you move, and never tire of recalling the summer.",
        {"585": 22, "750": 14, "950": 8},
    ),
    "pendant-drop": (
        "pendant",
        "Подвеска-капля",
        "Drop pendant",
        "Гладкая капля, которая ложится точно под ключицы. Широкое ушко подходит к большинству цепочек.",
        "A smooth drop that lies just below the collarbones. Its wide bail takes almost any chain.",
        {"585": 30, "750": 16, "950": 10},
    ),
    "bracelet-chain": (
        "bracelet",
        "Браслет-цепочка",
        "Chain bracelet",
        "Звенья овальной цепи спаяны по одному, и браслет течёт по запястью. Застёжка надёжная, закрывается одной рукой.",
        "The oval links are closed one by one, and the bracelet flows around the wrist. Its clasp is safe and closes with one hand.",
        {"750": 9, "925": 36, "950": 6},
    ),
    "ring-solitaire": (
        "ring",
        "Кольцо «Солитер»",
        "Solitaire ring",
        "Один камень в четырёх лапках, поднятый так, чтобы свет входил со всех сторон. Кольцо, в котором говорят «да».",
        "One stone in four prongs, raised so that light enters from every side. The ring in which people say yes.",
        {"585": 7, "750": 5, "925": 26},
    ),
    "ring-signet": (
        "ring",
        "Кольцо-печатка",
        "Signet ring",
        "Овальная площадка с ровными гранями, готовая для монограммы. Массивное сверху и тонкое у ладони, оно сидит удобно весь день.",
        "An oval face with even edges, ready for a monogram. Solid on top and slim at the palm, it sits well all day.",
        {"585": 15, "750": 8, "925": 34, "950": 6},
    ),
    "ring-pave": (
        "ring",
        "Кольцо «Паве»",
        "Pave ring",
        "Дорожка мелких камней, закреплённых вплотную друг к другу: издали — одна сверкающая линия, вблизи — работа часовщика.",
        "A path of small stones set edge to edge: one sparkling line from afar, a watchmaker's work from near.",
        {"585": 11, "750": 7, "925": 28, "950": 0},
    ),
    "earrings-hoop": (
        "earrings",
        "Серьги-кольца",
        "Hoop earrings",
        "Круглые серьги с гладкой поверхностью и замком, которого не видно. Надел утром — и забыл до вечера.",
        "Round hoops with a smooth surface and a clasp that nobody sees. Put them on in the morning and forget them until night.",
        {"585": 26, "750": 13, "925": 55, "950": 9},
    ),
    "pendant-medallion": (
        "pendant",
        "Подвеска-медальон",
        "Medallion pendant",
        "Круглый медальон с тонким бортиком. На обороте хватит места для даты или двух имён.",
        "A round medallion with a fine rim. The back has room for a date, or for two names.",
        {"585": 19, "750": 10, "925": 42, "950": 5},
    ),
}

STONES = {
    # design: in gold and platinum, and in silver, in both languages
    "ring-solitaire": (
        "Камень — бриллиант.",
        "The stone is a diamond.",
        "Камень — фианит.",
        "The stone is a cubic zirconia.",
    ),
    "ring-pave": (
        "Камни — бриллианты.",
        "The stones are diamonds.",
        "Камни — фианиты.",
        "The stones are cubic zirconias.",
    ),
}

# Those that stand on the shelf since the first revision.
OLD = (
    "ring-classic-585",
    "ring-band-750",
    "earrings-drop-925",
    "pendant-drop-925",
    "bracelet-chain-585",
    "ring-solitaire-950",
)

goods = sa.table(
    "product",
    sa.column("sku"),
    sa.column("title_ru"),
    sa.column("title_en"),
    sa.column("material"),
    sa.column("ring_sizes", postgresql.ARRAY(sa.String(12))),
    sa.column("position"),
    sa.column("for_sale"),
    sa.column("design"),
    sa.column("kind"),
    sa.column("about_ru"),
    sa.column("about_en"),
)
shelf = sa.table("stock", sa.column("sku"), sa.column("stocked"), sa.column("available"))


def upgrade() -> None:
    """Adds the columns, fills them for the old goods, and puts the new ones on the shelf."""
    op.execute(COLUMNS)
    for sku in OLD:
        op.execute(sa.update(goods).where(goods.c.sku == sku).values(**_about(*sku.rsplit("-", 1))))
    new = [
        (f"{design}-{end}", design, end, pieces)
        for design, (*_, pieces_by_metal) in DESIGNS.items()
        for end, pieces in pieces_by_metal.items()
    ]
    op.bulk_insert(
        goods,
        [
            {"sku": sku, "position": position, "for_sale": True, **_named(design, end), **_about(design, end)}
            for position, (sku, design, end, _) in enumerate(new, start=len(OLD) + 1)
        ],
    )
    op.bulk_insert(shelf, [{"sku": sku, "stocked": pieces, "available": pieces} for sku, _, _, pieces in new])


def _named(design: str, end: str) -> dict[str, object]:
    kind, russian, english, *_ = DESIGNS[design]
    material, metal_ru, metal_en, *_ = METALS[end]
    return {
        "title_ru": f"{russian}, {metal_ru}",
        "title_en": f"{english}, {metal_en}",
        "material": material,
        "ring_sizes": RING_SIZES if kind == "ring" else [],
    }


def _about(design: str, end: str) -> dict[str, str]:
    kind, _, _, russian, english, _ = DESIGNS[design]
    *_, metal_ru, metal_en = METALS[end]
    stones = STONES.get(design, ("", "", "", ""))
    stone_ru, stone_en = stones[2:] if end == "925" else stones[:2]
    return {
        "design": design,
        "kind": kind,
        "about_ru": " ".join(part for part in (russian, stone_ru, metal_ru) if part),
        "about_en": " ".join(part for part in (english, stone_en, metal_en) if part),
    }


def downgrade() -> None:
    """Nothing goes back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
