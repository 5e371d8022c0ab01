"""`python -m step_defs.gallery`: every page of the running system as pictures on one page, to be looked at by a person.

Phone and desktop, light and dark, Russian and English. What is on them is the system's own: orders are made first, so that
no list is empty. Pages are named in PAGES; one that no role can open, or that has a fault, fails the run.
"""

from __future__ import annotations

import html
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path

from step_defs.assembly import running_system
from step_defs.drivers.address import STATE
from step_defs.drivers.browser import DESKTOP, PHONE, Window
from step_defs.dsl.backstage import Backstage
from step_defs.dsl.bench import make_workstation
from step_defs.dsl.care_desk import CRM
from step_defs.dsl.road import MODEL
from step_defs.dsl.world import World

OUT = STATE / "reports" / "gallery"
LOOKS = (
    ("desktop", DESKTOP, "light"),
    ("desktop", DESKTOP, "dark"),
    ("phone", PHONE, "light"),
    ("phone", PHONE, "dark"),
)
ORDERS = 6
NOBODYS_BADGE = "00000000000000471130"
"""The code of a badge, whole and nobody's."""
RATE = "material=silver_925&per_piece=480,50&per_gram=27&reason=%D0%B4%D0%BE%D1%80%D0%BE%D0%B6%D0%B5"


@dataclass(frozen=True, slots=True)
class Picture:
    """One page as one person sees it. `path` may name work orders ({free}, {mine}), orders ({priced}, {shipped}, and {sent}, {ordered}
    of the customer who looks, with their model {made}), the {operator} of this visit, and the customer ({customer}) of the priced one.
    `scans` is typed there as a scanner does, `presses` is a button; the picture is of what comes of it. BENCH is a workstation where
    nobody is signed in.
    """

    name: str
    path: str
    who: str = "operator"
    status: int = 200
    scans: str = ""
    presses: str = ""
    types: tuple[tuple[str, str], ...] = ()
    sends: str = ""
    """What is typed where, and which form's button is pressed then: some pages are there only as the answer to a form."""


BENCH = "bench"
PAGES = (
    Picture("front", "/", who=""),
    Picture("jewelry", "/shop/", who=""),
    Picture("jewelry-wished", "/shop/?kind=ring&metal=gold_585&ring_size=17.5&order=cheapest", who=""),
    Picture("jewelry-nothing", "/shop/?query=zzzz", who=""),
    Picture("good-ring", "/shop/goods/ring-signet-585", who=""),
    Picture("good-pendant", "/shop/goods/pendant-medallion-750", who=""),
    Picture("good-sold-out", "/shop/goods/ring-pave-950", who=""),
    Picture("good-gone", "/shop/goods/ring-of-power", who="", status=404),
    Picture("make", "/shop/make", who=""),
    Picture("make-priced", "/shop/make/{made}", who="customer"),
    Picture("cart-empty", "/shop/cart", who=""),
    Picture("cart", "/shop/cart", who="customer"),
    Picture("checkout", "/shop/checkout", who="customer"),
    Picture("my-orders", "/shop/orders", who="customer"),
    Picture("my-order", "/shop/orders/{ordered}", who="customer"),
    Picture("my-order-on-its-way", "/shop/orders/{sent}", who="customer"),
    Picture("not-my-order", "/shop/orders/{priced}", who="customer", status=404),
    Picture("link-unknown", "/shop/track/nothing", who="", status=404),
    Picture("sign-in", "/sign-in", who=""),
    Picture("sign-up", "/sign-up", who=""),
    Picture("sign-in-forgotten", "/sign-in/forgotten", who=""),
    Picture("sign-in-forgotten-asked", "/sign-in/forgotten?asked=1", who=""),
    Picture("reset-link-over", "/sign-in/reset/nothing", who="", status=404),
    Picture("reset", "{reset}", who=""),
    Picture("account", "/account", who="customer"),
    Picture("delete-account", "/account/delete", who="customer"),
    Picture("my-models", "/shop/models", who="customer"),
    Picture("my-prices", "/shop/quotes", who="customer"),
    Picture("sign-in-badge-elsewhere", "/sign-in/badge", who="", status=403),
    Picture("sign-in-badge", "/sign-in/badge", who=BENCH),
    Picture("sign-in-badge-pin", "/sign-in/badge", who=BENCH, scans=NOBODYS_BADGE),
    Picture("sign-in-badge-first", "/sign-in/badge/first", who=BENCH),
    Picture("my-pin", "/sign-in/pin"),
    Picture("board", "/mes/"),
    Picture("board-in-work", "/mes/?status=CLAIMED"),
    Picture("card-free", "/mes/work-orders/{free}"),
    Picture("card-mine", "/mes/work-orders/{mine}"),
    Picture("label", "/mes/work-orders/{mine}/slip"),
    Picture("no-such-number", "/mes/scan?code=A-00000000", status=404),
    Picture("my-work", "/mes/mine"),
    Picture("my-pay", "/mes/pay"),
    Picture("shift", "/mes/shift", who="seller"),
    Picture("shift-late", "/mes/shift?risk=late", who="seller"),
    Picture("my-losses", "/mes/losses"),
    Picture("nothing-there", "/mes/nothing", status=404),
    Picture("approvals", "/crm/", who="seller"),
    Picture("order-to-approve", "/crm/orders/{priced}", who="seller"),
    Picture("order-shipped", "/crm/orders/{shipped}", who="seller"),
    Picture("order-with-a-return", "/crm/orders/{sent}", who="seller"),
    Picture("cases", "/crm/cases", who="seller"),
    Picture("cases-closed", "/crm/cases?state=closed", who="seller"),
    Picture("story", "/crm/orders/{shipped}/story", who="seller"),
    Picture("search", "/crm/search", who="seller"),
    Picture("search-found", "/crm/search?query=%D0%B0%D0%BD%D0%BD%D0%B0", who="seller"),
    Picture("search-nothing", "/crm/search?query=zzzz", who="seller"),
    Picture("losses", "/mes/losses", who="seller"),
    Picture("reminders", "/crm/reminders", who="seller"),
    Picture("reminders-later", "/crm/reminders?which=later", who="seller"),
    Picture("reminders-done", "/crm/reminders?which=done", who="seller"),
    Picture("customers", "/crm/customers", who="seller"),
    Picture("customers-nobody", "/crm/customers?query=zzzz", who="seller"),
    Picture("customer", "/crm/customers/{customer}", who="seller"),
    Picture("escalated", "/crm/escalations", who="administrator"),
    Picture("prices", "/prices/", who="administrator"),
    Picture(
        "prices-looked-at",
        "/prices/",
        who="administrator",
        types=(('#metals [name="v:spot_per_g.gold"]', "9000"), ('#metals [name="v:spot_per_g.silver"]', "104")),
        sends="#metals button",
    ),
    Picture("prices-changed", "/prices/edit", who="administrator"),
    Picture("prices-earlier", "/prices/versions", who="administrator"),
    Picture("prices-of-a-book", "/prices/versions/1", who="administrator"),
    Picture("prices-compared", "/prices/changes?from=1&to=1", who="administrator"),
    Picture("people", "/people", who="administrator"),
    Picture("workstations", "/people/workstations", who="administrator"),
    Picture("badge-none", "/people/{other}/badge", who="administrator"),
    Picture("badge", "/people/{operator}/badge", who="administrator"),
    Picture("badge-card", "/people/{operator}/badge", who="administrator", presses='form[data-action="issue"] button'),
    Picture("pay-rates", "/mes/rates", who="administrator"),
    Picture("pay-rate-looked-at", f"/mes/rates/new?{RATE}", who="administrator"),
    Picture("pay-rate-refused", f"/mes/rates/new?{RATE}&valid_from=2020-01-01T08:00", who="administrator", status=422),
    Picture("messages", "/operations/", who="administrator"),
    Picture("messages-moving", "/operations/?which=moving", who="administrator"),
    Picture("orders-that-hang", "/operations/orders", who="administrator"),
    Picture("agreement", "/operations/reconciliation", who="administrator"),
    Picture("who-did-what", "/operations/audit", who="administrator"),
    Picture("figures", "/observability/", who="administrator"),
    Picture("figures-of-delivery", "/observability/?part=delivery&period=15m", who="administrator"),
    Picture("figures-of-apis", "/observability/?part=apis&period=15m", who="administrator"),
    Picture("alerts", "/observability/alerts", who="administrator"),
    Picture("failures", "/observability/failures", who="administrator"),
    Picture("stages", "/observability/stages", who="administrator"),
    Picture("runbooks", "/observability/runbooks", who="administrator"),
    Picture("runbook", "/observability/runbooks/order-past-budget", who="administrator"),
    Picture("runbook-missing", "/observability/runbooks/nothing", who="administrator", status=404),
    Picture("trace-search", "/observability/orders", who="seller"),
    Picture("trace-of-an-order", "/observability/orders/{shipped}", who="seller"),
)


def furnish(world: World) -> dict[str, str]:
    """Orders on the board, some of them taken by the operator whose pages are shown; the work orders that pages are about."""
    operator, other = world.operator("Олег"), world.operator("Ольга")
    known: dict[str, str] = {}
    for number in range(ORDERS):
        customer = world.shopper(f"Анна{number}")
        world.road.bring(customer, "MANUFACTURING_APPROVED")
        row = operator.finds_on_board(world.order)[0]
        if number == 0:
            operator.takes(world.order)
            operator.weighs(world.order, cast=Decimal("2.05"), finished=Decimal("1.97"))
            operator.completes(world.order)
        elif number == 1:
            operator.takes(world.order)
            operator.weighs(world.order, cast=Decimal("2.10"), finished=Decimal("2.00"))
            operator.weighs(world.order, cast=Decimal("2.08"), finished=Decimal("2.00"))
            known["mine"] = row["work_order_id"]
        elif number == 2:
            other.takes(world.order)
        else:
            known["free"] = row["work_order_id"]
    administrator = world.administrator("Ада")
    for days in (9, 10):
        ahead = timedelta(days=days)
        administrator.sets_rate("gold_585", per_piece=Decimal(960), per_gram=Decimal("62.50"), ahead=ahead)
        if days == 9:
            administrator.withdraws_rate("gold_585", reason="опечатка")
    for status in ("SHIPPED", "PRICE_CALCULATED", "PRICE_CALCULATED"):
        order = world.road.bring(world.shopper("Анна"), status)
        world.seller("Мария").sees(order, status)
        known["shipped" if status == "SHIPPED" else "priced"] = order.order_id
    world.backstage.admin.post(f"/api/identity/v1/users/{operator.user_id}/badge")
    known |= {"operator": operator.user_id, "other": other.user_id}
    known["customer"] = keep_in_mind(world, known["priced"])
    buyer = world.shopper("Арина")
    known["sent"] = world.road.bring(buyer, "SHIPPED").order_id
    buyer.opens_case("return", "does_not_fit", "Велико: подошёл бы размер 17.")
    known["ordered"] = world.road.bring(buyer, "PRICE_CALCULATED").order_id
    known["made"] = buyer.files[MODEL]
    buyer.writes("Можно ли положить открытку?")
    buyer.starts_order()
    world.stranger.post("/api/identity/v1/password-resets", {"email": buyer.email})
    known["reset"] = world.mailbox.reset_link(buyer)
    for sku in ("ring-classic-585", "pendant-drop-925"):
        buyer.adds_good(sku, quantity=2)
    buyer.adds_model(MODEL, "gold_750")
    return known


def keep_in_mind(world: World, order_id: str) -> str:
    """Notes and reminders of the seller whose pages are shown, on the order that is to be approved; returns whose order that is."""
    seller = world.seller("Мария")
    door, order = seller.door, f"{CRM}/orders/{order_id}"
    note = door.post(f"{order}/notes", {"text": "Размер 17, примерить до пятницы"}).body
    door.post(f"{order}/notes", {"text": "Размер 17,5: перемерили", "corrects": note["note_id"]})
    for text, in_s in (("Перезвонить Анне насчёт размера", 1), ("Спросить про гравировку", 1), ("Поздравить", 86_400)):
        door.post(
            f"{order}/reminders", {"text": text, "due_at": (datetime.now(UTC) + timedelta(seconds=in_s)).isoformat()}
        )
    reminders = door.get(f"{CRM}/reminders", which="later").body["items"]
    door.post(f"{CRM}/reminders/{reminders[0]['reminder_id']}/completion")
    return str(door.get(order).body["customer"]["id"])


def shoot(window: Window, picture: Picture, known: dict[str, str], name: str) -> Path:
    """Opens the page and keeps its picture."""
    window.goto(picture.path.format(**known), expect=picture.status)
    if picture.scans:
        window.page.keyboard.type(picture.scans)
        window.page.keyboard.press("Enter")
        window.page.locator('[data-step="pin"]').wait_for()
        window.check("pin")
    if picture.presses:
        window.page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
        window.page.locator(picture.presses).click()
        window.page.locator("[data-badge-code]").wait_for()
        window.check("card")
    for selector, text in picture.types:
        window.page.locator(selector).fill(text)
    if picture.sends:
        with window.page.expect_navigation():
            window.page.locator(picture.sends).click()
        window.check()
    if window.all('#make[data-state="verified"]'):
        window.page.locator('#prices[data-price-state="firm"]').wait_for()
    if window.all("alexandrite-model[data-address]"):
        # It is loaded when somebody gets to see it, which on a phone is further down.
        window.page.locator("alexandrite-model").first.scroll_into_view_if_needed()
        window.page.locator("alexandrite-model canvas:visible").first.wait_for()
    path = OUT / f"{name}.png"
    window.page.screenshot(path=path, full_page=True)
    return path


def main() -> int:
    """Takes the pictures; exit status 1 with what was wrong when a page has faults."""
    OUT.mkdir(parents=True, exist_ok=True)
    rows = []
    with running_system() as address:
        backstage = Backstage(address, in_browser=True, draws_models=True)
        world = World(backstage)
        try:
            known = furnish(world)
            people = {
                "operator": world.operator("Олег"),
                "seller": world.seller("Мария"),
                "administrator": world.administrator("Ада"),
                "customer": world.shopper("Арина"),
            }
            for person in people.values():
                # Whoever did nothing yet has no account either.
                person.door  # noqa: B018
            assert backstage.browser is not None
            for language in ("ru", "en"):
                for (size, viewport, scheme), who in product(LOOKS, ("", *people, BENCH)):
                    window = backstage.browser.window(language=language, viewport=viewport, scheme=scheme)
                    if who == BENCH:
                        make_workstation(window, backstage, f"Bench {language} {size} {scheme}")
                    elif who:
                        window.sign_in(email=people[who].email, password=people[who].password)
                    for picture in PAGES:
                        if picture.who != who:
                            continue
                        name = f"{picture.name}-{language}-{size}-{scheme}"
                        rows.append((name, shoot(window, picture, known, name)))
                        print(name, flush=True)
                    window.close()
        finally:
            world.close()
            backstage.close()
    write_page(rows)
    return 0


def write_page(rows: list[tuple[str, Path]]) -> None:
    """The gallery itself."""
    figures = "".join(
        f'<figure><a href="{path.name}"><img loading="lazy" src="{path.name}" alt="{html.escape(name)}"></a>'
        f"<figcaption>{html.escape(name)}</figcaption></figure>"
        for name, path in rows
    )
    style = "body{font:16px system-ui;display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0}img{max-height:420px;border:1px solid #ccc}"
    page = f'<!doctype html><meta charset="utf-8"><title>Gallery</title><style>{style}</style>{figures}'
    (OUT / "index.html").write_text(page, encoding="utf-8")
    print(f"{len(rows)} pictures: {(OUT / 'index.html').as_uri()}")


if __name__ == "__main__":
    sys.exit(main())
