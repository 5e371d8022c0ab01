"""The words of scenarios, in both languages, and what the system calls the same thing."""

from __future__ import annotations

STATUSES: dict[str, str] = {
    "started": "INITIATED",
    "начат": "INITIATED",
    "with a model": "FILE_UPLOADED",
    "с моделью": "FILE_UPLOADED",
    "submitted": "SUBMITTED",
    "оформлен": "SUBMITTED",
    "priced": "PRICE_CALCULATED",
    "оценён": "PRICE_CALCULATED",
    "approved": "MANUFACTURING_APPROVED",
    "одобрен": "MANUFACTURING_APPROVED",
    "being made": "MANUFACTURING_STARTED",
    "в работе": "MANUFACTURING_STARTED",
    "made": "MANUFACTURING_COMPLETED",
    "изготовлен": "MANUFACTURING_COMPLETED",
    "being packed": "PACKAGING",
    "на упаковке": "PACKAGING",
    "shipped": "SHIPPED",
    "отгружен": "SHIPPED",
    "closed": "CLOSED",
    "закрыт": "CLOSED",
    "waiting for the customer": "AWAITING_CUSTOMER",
    "ждёт решения покупателя": "AWAITING_CUSTOMER",
    "without a price": "PRICE_FAILED",
    "без цены": "PRICE_FAILED",
    "rejected": "REJECTED",
    "отклонён": "REJECTED",
    "cancelled": "CANCELLED",
    "отменён": "CANCELLED",
}

MODELS: dict[str, str] = {
    "plain ring": "torus-ring",
    "гладкое кольцо": "torus-ring",
    "band ring": "band-ring",
    "широкое кольцо": "band-ring",
    "pave ring": "pave-ring",
    "кольцо с паве": "pave-ring",
    "signet ring": "signet-ring",
    "перстень": "signet-ring",
    "pendant": "pendant",
    "подвеска": "pendant",
    "hollow pendant": "hollow-pendant",
    "полая подвеска": "hollow-pendant",
    "ring turned partly inside out": "inside-out-ring",
    "частично вывернутое кольцо": "inside-out-ring",
    "ring turned inside out": "inverted-ring",
    "вывернутое кольцо": "inverted-ring",
    "ring saved as text": "ascii-ring",
    "кольцо в текстовом файле": "ascii-ring",
    "open shell": "half-open-shell",
    "незамкнутая оболочка": "half-open-shell",
    "holiday photo": "not-a-model",
    "фотография из отпуска": "not-a-model",
    "ring cut short by a lost connection": "truncated-ring",
    "недокачанное кольцо": "truncated-ring",
    "ring drawn in inches": "inch-ring",
    "кольцо в дюймах": "inch-ring",
    "file without a body": "empty",
    "файл без тела": "empty",
}

MATERIALS: dict[str, str] = {
    "gold 585": "gold_585",
    "золото 585": "gold_585",
    "gold 750": "gold_750",
    "золото 750": "gold_750",
    "silver 925": "silver_925",
    "серебро 925": "silver_925",
    "platinum 950": "platinum_950",
    "платина 950": "platinum_950",
    "own alloy": "own",
    "свой сплав": "own",
}

OWN_ALLOY = "own"
"""An alloy that belongs to one scenario, so that moving its price disturbs nobody else."""

GOODS: dict[str, str] = {
    "classic gold ring": "ring-classic-585",
    "классическое золотое кольцо": "ring-classic-585",
    "gold band": "ring-band-750",
    "золотое обручальное кольцо": "ring-band-750",
    "silver drop earrings": "earrings-drop-925",
    "серебряные серьги-капли": "earrings-drop-925",
    "silver drop pendant": "pendant-drop-925",
    "серебряная подвеска-капля": "pendant-drop-925",
    "gold chain bracelet": "bracelet-chain-585",
    "золотой браслет": "bracelet-chain-585",
    "platinum solitaire": "ring-solitaire-950",
    "платиновый солитер": "ring-solitaire-950",
}

SIZES: dict[str, str] = {
    " of 100k triangles": "-100k",
    " из 100k треугольников": "-100k",
    " of 1m triangles": "-1m",
    " из 1m треугольников": "-1m",
}
"""What is said of a model after its name when it is a finer one than usual."""

UNITS: dict[str, str] = {
    "mm": "mm",
    "мм": "mm",
    "cm": "cm",
    "см": "cm",
    "m": "m",
    "м": "m",
    "in": "in",
    "дюйм": "in",
}

PIECE_COLUMNS: dict[str, str] = {
    "piece": "piece",
    "изделие": "piece",
    "material": "material",
    "материал": "material",
    "quantity": "quantity",
    "количество": "quantity",
    "ring size": "ring_size",
    "размер": "ring_size",
    "unit": "unit",
    "единица": "unit",
}
"""The columns of a table of pieces. A cell that is empty, or a column that is missing, leaves it to the shop."""

PROBLEMS: dict[str, tuple[str, ...]] = {
    "the surface is not closed": ("mesh-not-closed",),
    "поверхность не замкнута": ("mesh-not-closed",),
    "it is not a 3D model": ("not-a-model",),
    "это не 3D-модель": ("not-a-model",),
    "the file is cut short": ("mesh-truncated",),
    "файл оборван": ("mesh-truncated",),
    "the size makes no sense": ("size-implausible",),
    "размер неправдоподобен": ("size-implausible",),
    "there is nothing in it": ("mesh-empty",),
    "модель пуста": ("mesh-empty",),
}

CONSENT_REASONS: dict[str, str] = {
    "it is above the estimate": "above_estimate",
    "она выше предварительной": "above_estimate",
    "the metal price moved": "metal_moved",
    "изменилась цена металла": "metal_moved",
    "the quote expired": "expired",
    "срок расчёта истёк": "expired",
}

CASE_REASONS: dict[str, str] = {
    "it does not fit": "does_not_fit",
    "он не подошёл": "does_not_fit",
    "it is damaged": "damaged",
    "он повреждён": "damaged",
    "it is not as ordered": "not_as_ordered",
    "прислали не то": "not_as_ordered",
    "it is late": "late",
    "он опоздал": "late",
    "of something else": "other",
    "есть другая причина": "other",
}
"""Why somebody returns an order, or complains of it."""

TOO_LATE = ("transition-not-allowed", "cancellation-refused", "order-not-awaiting-approval", "order-already-decided")
NO_SUCH_ORDER = ("order-not-found",)
TAKEN = ("work-order-already-claimed",)
NOT_THE_HOLDER = ("not-the-holder",)
WRONG_STATE = ("work-order-state",)
WRONG_ROLE = ("role-required",)
SIGN_IN = ("sign-in-required", "session-over", "not-signed-in")
STALE = ("price-book-changed",)

STONES: dict[str, str] = {
    "diamonds": "diamond_1_3mm",
    "бриллиант": "diamond_1_3mm",
    "cubic zirconias": "cubic_zirconia_1_5mm",
    "фианит": "cubic_zirconia_1_5mm",
}

REFUSALS: dict[str, tuple[str, ...]] = {
    "these characters cannot be engraved": ("engraving-characters",),
    "таких знаков не выгравировать": ("engraving-characters",),
    "it is too late": TOO_LATE,
    "уже поздно": TOO_LATE,
    "it is too early": TOO_LATE,
    "ещё рано": TOO_LATE,
    "there is no such order": NO_SUCH_ORDER,
    "такого заказа нет": NO_SUCH_ORDER,
    "there is no such quote": ("quote-not-found",),
    "такого расчёта нет": ("quote-not-found",),
    "somebody else was first": TAKEN,
    "другой успел раньше": TAKEN,
    "it is somebody else's work": NOT_THE_HOLDER,
    "это чужая работа": NOT_THE_HOLDER,
    "the order of work does not allow it": WRONG_STATE,
    "порядок работы этого не допускает": WRONG_STATE,
    "operators may still take it themselves": ("work-order-not-escalated",),
    "операторы ещё могут взять его сами": ("work-order-not-escalated",),
    "the weight is hard to believe": ("weight-doubtful",),
    "такому весу трудно поверить": ("weight-doubtful",),
    "the operator has enough in hand": ("claim-limit-reached",),
    "у оператора и так достаточно в работе": ("claim-limit-reached",),
    "the order was cancelled": ("work-order-withdrawn",),
    "заказ был отменён": ("work-order-withdrawn",),
    "the role does not allow it": WRONG_ROLE,
    "роль этого не позволяет": WRONG_ROLE,
    "one has to sign in": SIGN_IN,
    "нужно войти": SIGN_IN,
    "the e-mail or password is wrong": ("invalid-credentials",),
    "почта или пароль неверны": ("invalid-credentials",),
    "an order is on its way": ("orders-open",),
    "заказ ещё в пути": ("orders-open",),
    "the badge or PIN is wrong": ("badge-refused",),
    "пропуск или ПИН неверны": ("badge-refused",),
    "the badge is locked": ("badge-locked",),
    "пропуск заперт": ("badge-locked",),
    "this is no workstation": ("not-a-workstation",),
    "это не рабочее место": ("not-a-workstation",),
    "the link is over": ("reset-link-over",),
    "ссылка больше не действует": ("reset-link-over",),
    "the e-mail is taken": ("email-taken",),
    "почта уже занята": ("email-taken",),
    "somebody saved it meanwhile": STALE,
    "кто-то успел сохранить раньше": STALE,
    "the order is empty": ("empty-order",),
    "заказ пуст": ("empty-order",),
    "the price is another one": ("price-changed",),
    "цена другая": ("price-changed",),
    "the model has no price": ("price-failed",),
    "у модели нет цены": ("price-failed",),
    "it has not been sent yet": ("return-too-early",),
    "его ещё не отправили": ("return-too-early",),
    "the message is not the carrier's": ("webhook-not-trusted",),
    "сообщение не от перевозчика": ("webhook-not-trusted",),
}
"""What a refusal is called in scenarios, and the stable codes of the problems that mean it."""

LETTERS: dict[str, str] = {
    "the order is received": "received",
    "заказ принят": "received",
    "the order is confirmed": "confirmed",
    "заказ подтверждён": "confirmed",
    "the order is on its way": "shipped",
    "заказ в пути": "shipped",
    "the order has arrived": "arrived",
    "заказ доставлен": "arrived",
    "the order is cancelled": "cancelled",
    "заказ отменён": "cancelled",
    "the order is rejected": "rejected",
    "заказ отклонён": "rejected",
    "a seller asks something": "question",
    "продавец спрашивает": "question",
}
"""What a letter by e-mail is about."""

LANGUAGES: dict[str, str] = {"English": "en", "английский": "en", "Russian": "ru", "русский": "ru"}

SCREENS: dict[str, str] = {
    "shop": "shop",
    "магазин": "shop",
    "sellers' system": "crm",
    "система продавцов": "crm",
    "operators' system": "mes",
    "система операторов": "mes",
}

SYSTEMS: dict[str, str] = SCREENS | {
    "status keeper": "orchestrator",
    "служба статусов": "orchestrator",
    "pricing": "pricing",
    "расчёт цен": "pricing",
}
"""Whom an order passes on its way."""

PLACES: dict[str, str] = STATUSES | {
    "the release of work": "release_work_orders",
    "передача в работу": "release_work_orders",
}
"""Places that an alert may name, where people have other words for them than alerts."""
